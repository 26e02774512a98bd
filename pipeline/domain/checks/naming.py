"""What our sections name inside the repository, and which of it is not there (plan 3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote, urlsplit

from pipeline.domain.assessment_section import HEADING as ASSESSMENT
from pipeline.domain.checks.reading import prose
from pipeline.domain.checks.values import Check, Fault, HandoverNow, Reference, Severity, Subject, Thing
from pipeline.domain.cleaning import code
from pipeline.domain.guidance import ASSIGNMENT, GUIDANCE
from pipeline.domain.refs import MAX_BRANCH, MAX_PATH, branch_problem, path_problem

MOST = 40  # of one issue

_BRANCH = re.compile(r"^- \*\*Branch:\*\* `([^`\n]+)`(?:, from `([^`\n]+)`)?\s*$", re.MULTILINE)
_FILE = re.compile(r"^- `([^`\n]+)` \((?:required|optional)\)\s*$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"\n]*\")?\s*\)|<(https?://[^\s>]+)>")
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def named(
    sections: Mapping[str, str], handover: HandoverNow | None, repository_url: str, default_branch: str
) -> tuple[Reference, ...]:
    """Every branch, file, pull request and issue of the repository that our sections or our own rows name."""
    found: dict[Reference, None] = {}
    assignment = sections.get(ASSIGNMENT, "")
    branch = _BRANCH.search(assignment)
    if branch:
        name = branch[1][:MAX_BRANCH]
        found[Reference(Thing.BRANCH, name)] = None
        for path in _FILE.findall(assignment):
            found[Reference(Thing.FILE, path[:MAX_PATH], name)] = None
    if handover is not None and handover.is_open:
        if handover.branch:
            found[Reference(Thing.BRANCH, handover.branch)] = None
        for number in (handover.pull, handover.scaffold_pull):
            if number:
                found[Reference(Thing.PULL, str(number))] = None
    branches = [one.name for one in found if one.thing is Thing.BRANCH]
    for heading in (ASSESSMENT, GUIDANCE, ASSIGNMENT):
        content = sections.get(heading, "")
        if "](" in content or "<http" in content:
            found |= dict.fromkeys(_links(content, repository_url, (default_branch, *branches)))
    return tuple(found)[:MOST]


def impossible(reference: Reference) -> bool:
    """Whether Git could have no such branch or file: it is broken without asking, and never put into a request."""
    if reference.thing is Thing.BRANCH:
        return bool(branch_problem(reference.name))
    return reference.thing is Thing.FILE and bool(path_problem(reference.name) or branch_problem(reference.ref))


def _links(content: str, repository_url: str, branches: tuple[str, ...]) -> list[Reference]:
    found = []
    for _, line in prose(content):
        for match in _LINK.finditer(line):
            reference = target(match[1] or match[2], repository_url, branches)
            if reference is not None:
                found.append(reference)
    return found


def target(link: str, repository_url: str, branches: tuple[str, ...]) -> Reference | None:
    """What a link leads to inside the repository, None for one that leads elsewhere or cannot be told.

    `branches` begins with the default branch, on which a relative link is looked for.
    """
    if link.startswith(("#", "//")):
        return None
    if not _SCHEME.match(link):
        path = unquote(link.split("#", 1)[0].split("?", 1)[0]).removeprefix("./").strip("/")
        return Reference(Thing.FILE, path, branches[0]) if not path_problem(path) else None
    place = repository_url.rstrip("/")
    if not link.lower().startswith(f"{place.lower()}/"):
        return None
    path = unquote(urlsplit(link[len(place) :]).path).strip("/")
    kind, _, rest = path.partition("/")
    if kind in {"pull", "issues"}:
        number = rest.split("/", 1)[0]
        return Reference(Thing.PULL if kind == "pull" else Thing.ISSUE, number) if _NUMBER.fullmatch(number) else None
    return _on_branch(rest, branches, file=kind != "tree") if kind in {"blob", "tree", "raw"} else None


def _on_branch(rest: str, branches: tuple[str, ...], *, file: bool) -> Reference | None:
    """A branch may hold slashes, so only those that are known, or of one word, can be told from the path."""
    head = next((name for name in branches if rest == name or rest.startswith(f"{name}/")), rest.split("/", 1)[0])
    path = rest[len(head) + 1 :]
    if branch_problem(head):
        return None
    if file:
        return Reference(Thing.FILE, path, head) if path and not path_problem(path) else None
    return Reference(Thing.BRANCH, head) if not path else None


def _broken(thing: Thing, words: str, do: str) -> Callable[[Subject], Fault | None]:
    def look(subject: Subject) -> Fault | None:
        # What was merged may have been tidied away with its branch.
        if subject.handover is not None and subject.handover.merged and thing in {Thing.BRANCH, Thing.FILE}:
            return None
        missing = [one for one in subject.named if one.thing is thing and not _there(subject, one)]
        if not missing:
            return None
        shown = ", ".join(_shown(one) for one in missing[:5]) + (", …" if len(missing) > 5 else "")
        return Fault(f"{words}: {shown}. {do}", {"missing": [[one.name, one.ref] for one in missing]})

    return look


def _there(subject: Subject, reference: Reference) -> bool:
    """Unknown is no absence. A file on a branch that is gone is told by the branch."""
    branch = subject.found.get(Reference(Thing.BRANCH, reference.ref)) if reference.ref else None
    if branch is not None and not branch.exists:
        return True
    found = subject.found.get(reference)
    return found is None or found.exists


def _shown(reference: Reference) -> str:
    if reference.thing in {Thing.PULL, Thing.ISSUE}:
        return f"#{reference.name}"
    name = code(reference.name)
    return f"{name} on {code(reference.ref)}" if reference.ref else name


def _known(*things: Thing) -> Callable[[Subject], bool]:
    """Judged once every such reference has been looked up: one that still waits could be the broken one."""

    def able(subject: Subject) -> bool:
        wanted = [one for one in subject.named if one.thing in things]
        return not subject.busy and all(one in subject.found for one in wanted)

    return able


_NO_REPAIR = "No repair: a branch or file that is gone was taken away by somebody, or by a revert."

CHECKS = (
    Check(
        "reference.branch", Severity.WARNING, "Named branch is gone",
        "Our sections or the hand-over name a branch that does not exist (plan 3.1).",
        _broken(Thing.BRANCH, "Named in the issue and not in the repository", "Restore the branch, or process again."),
        _NO_REPAIR, able=_known(Thing.BRANCH), of_references=True,
    ),
    Check(
        "reference.file", Severity.WARNING, "Named file is gone",
        "Our sections name or link a file that does not exist (plan 3.1).",
        _broken(Thing.FILE, "Named in the issue and not in the repository", "Restore it, or correct the section."),
        _NO_REPAIR, able=_known(Thing.FILE, Thing.BRANCH), of_references=True,
    ),
    Check(
        "reference.pull", Severity.WARNING, "Named pull request is gone",
        "Our sections or the hand-over name a pull request that does not exist.",
        _broken(Thing.PULL, "Named in the issue and not a pull request", "Correct the number on GitHub."),
        _NO_REPAIR, able=_known(Thing.PULL), of_references=True,
    ),
    Check(
        "reference.issue", Severity.WARNING, "Linked issue is gone",
        "Our sections link an issue of the repository that does not exist.",
        _broken(Thing.ISSUE, "Linked in the issue and not in the repository", "Correct the link on GitHub."),
        _NO_REPAIR, able=_known(Thing.ISSUE), of_references=True,
    ),
)  # fmt: skip

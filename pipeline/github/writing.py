"""What both writers share: the order of intents, which credential sends which, and how outcomes are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from pipeline.domain.changes import AddLabels, AssignCopilot, RemoveLabels, UnassignCopilot
from pipeline.domain.labels import has
from pipeline.domain.sections import BodyTooLong, splice
from pipeline.domain.snapshot import Actor
from pipeline.github.errors import LOOK_UP
from pipeline.github.port import (
    Applied,
    Conflict,
    GitHubError,
    Intent,
    IssueTarget,
    Outcome,
    Refused,
    Transient,
    UnknownFate,
)

Sections = tuple[tuple[str, str | None], ...]


def effect_of(intent: Intent) -> str:
    """How a request names the intent behind it."""
    return f"{intent.key}:{intent.hash}"


def needs_user(intent: Intent) -> bool:
    """Whether GitHub accepts this only from a user's token."""
    return isinstance(intent.change, AssignCopilot | UnassignCopilot)


def applied(intent: Intent, facts: Mapping[str, object]) -> Outcome:
    return Outcome(intent.key, applied=Applied({name: value for name, value in facts.items() if value is not None}))


def failed(intent: Intent, error: GitHubError) -> Outcome:
    return Outcome(intent.key, error=error)


def not_sent(intent: Intent) -> Outcome:
    return failed(intent, Transient("Not sent, because an earlier change to this issue failed; nothing was changed."))


def in_order(
    parts: Iterable[Sequence[Intent]], send: Callable[[Sequence[Intent]], Sequence[Outcome]]
) -> tuple[Outcome, ...]:
    """Send part after part; once one has failed, the rest is not sent."""
    outcomes: list[Outcome] = []
    stopped = False
    for part in parts:
        settled = [not_sent(intent) for intent in part] if stopped else list(send(part))
        outcomes += settled
        stopped = stopped or any(outcome.error is not None for outcome in settled)
    return tuple(outcomes)


def spliced(body: str, sections: Sections) -> str:
    """The body with our sections in place."""
    try:
        return splice(body, sections)
    except BodyTooLong as error:
        raise Refused(str(error)) from error


def unknown_labels(names: Iterable[str], known: Iterable[str]) -> Refused | None:
    """REST would make an unknown label up, GraphQL cannot name it: refused by both alike."""
    listed = tuple(known)
    missing = [name for name in names if not has(listed, name)]
    if not missing:
        return None
    return Refused(
        f"The repository has no label {', '.join(map(repr, missing))}; create it first. Nothing was changed."
    )


def label_problem(
    change: AddLabels | RemoveLabels, target: IssueTarget, seen: Iterable[str]
) -> Refused | UnknownFate | None:
    """GitHub drops a label in silence, as for a token that may not triage; the answer is read back."""
    shown = tuple(seen)
    wanted = isinstance(change, AddLabels)
    wrong = [name for name in change.labels if has(shown, name) != wanted]
    if not wrong:
        return None
    done = "left out" if wanted else "kept"
    sentence = f"GitHub accepted the request and {done} the label {', '.join(map(repr, wrong))}."
    if any(has(target.labels, name) != wanted for name in change.labels if name not in wrong):
        return UnknownFate(f"{sentence} {LOOK_UP}")  # a part of it took place
    return Refused(f"{sentence} Check that the credential may triage issues, and whether something else sets labels.")


def assignment_problem(assignees: Iterable[Actor], wanted: bool) -> Refused | None:
    """GitHub drops an assignee in silence; the answer is read back."""
    if any(actor.is_copilot for actor in assignees) == wanted:
        return None
    if wanted:
        return Refused(
            "GitHub accepted the hand-over and left Copilot out of the assignees. Check that the coding agent is "
            "enabled for the repository and that the hand-over credential is a user token with write access."
        )
    return Refused("GitHub accepted the request and kept Copilot among the assignees; remove it by hand.")


def target_number(target: IssueTarget) -> int:
    if target.number is None:
        raise Refused("This change needs an issue and was given none; nothing was sent.")
    return target.number


def moved_on(branch: str, head: str, expected: str) -> Conflict:
    return Conflict(
        f"The branch {branch!r} is at {head[:10]} and not at {expected[:10]} as we left it: somebody committed to it. "
        "It was kept.",
        status=422,
    )

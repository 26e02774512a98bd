"""Problem reports: the issue on GitHub about findings of one check that stay (plan 3.1). Its text, and what to do next.

One check on one repository is a group. A group of which something was seen in three validation runs in a row gets one
issue, which lists all of the group that is open and not muted. The issue carries no label of the grammar, so that the
pipeline never takes it for one of its own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.domain import changes
from pipeline.domain.cleaning import one_line
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip
from pipeline.domain.sections import contained, fit, read_section, splice
from pipeline.domain.snapshot import IssueSnapshot

HEADING = "Validation Findings"
PERSISTS = 3  # validation runs in a row
MOST_LISTED = 50
QUIET = timedelta(days=1)  # how long a person's closing of the issue is respected while the trouble goes on
MAX_MESSAGE = 300
MAX_TITLE = 240  # GitHub's limit is 256 characters

_ADDRESS = re.compile(r"https?://[^\s()<>\[\]]+")


@dataclass(frozen=True, slots=True)
class Line:
    """One finding as the report lists it; `number` and `url` are those of its issue, where it is on one."""

    fingerprint: str
    severity: str
    message: str
    since: datetime
    sweeps: int
    number: int | None = None
    url: str = ""
    acknowledged: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The open findings of one check that are not muted; `title` and `explanation` are the check's."""

    check: str
    title: str
    explanation: str
    lines: tuple[Line, ...]

    @property
    def persists(self) -> bool:
        return any(line.sweeps >= PERSISTS for line in self.lines)


@dataclass(frozen=True, slots=True)
class Known:
    """What we know of a report. `written`: the section as we last wrote it, None when we never did.

    `subject` names the issue that may exist only once; `taken_leave`: the last comment was written already.
    `muted`: findings of the group that are open and muted.
    """

    subject: str
    number: int | None
    written: str | None = None
    taken_leave: bool = False
    muted: int = 0


def title(group: Group) -> str:
    """With the count at that moment: a title is never changed afterwards, people may have."""
    return one_line(f"[control plane] {group.title}: {_counted(group.lines)} when opened", MAX_TITLE)


def body(group: Group) -> str:
    """Of a new issue: what it is, then our section."""
    intro = (
        f"Validation found this in {PERSISTS} runs in a row, so the control plane opened this issue. It keeps the "
        f"section “{HEADING}” up to date, touches nothing else here, and closes the issue when nothing of it is left. "
        "Close it yourself and it stays closed for at least a day."
    )
    return splice(intro, [(HEADING, section(group))])


def section(group: Group) -> str:
    """The list, at most MOST_LISTED long; nothing in it changes while the findings stay the same."""
    ordered = sorted(group.lines, key=_place)
    rows = [_row(line) for line in ordered[:MOST_LISTED]]
    if len(ordered) > MOST_LISTED:
        rows.append(f"- and {len(ordered) - MOST_LISTED} more")
    head = f"**{one_line(group.title, MAX_TITLE)}**: {_counted(group.lines)}. {one_line(group.explanation, 1000)}"
    return contained("\n".join([head.strip(), "", *rows]))


def content_hash(group: Group) -> str:
    """SHA-256 over what the section says."""
    return hashlib.sha256(section(group).encode()).hexdigest()


def plan(known: Known, group: Group | None, snapshot: IssueSnapshot | None) -> Plan:
    """What is to be done about a report; `group` None: nothing of it is open and unmuted."""
    if known.number is None:
        return _open(known, group)
    if snapshot is None or not snapshot.is_open:
        return skip("closed", "A person closed the issue on GitHub; that is respected.")
    if group is None:
        return _take_leave(known)
    return _update(known, group, snapshot)


def _open(known: Known, group: Group | None) -> Plan:
    if group is None:
        return skip("recovered", "Nothing of it was left before the issue was opened.")
    change = changes.CreateIssue(title(group), body(group), ())
    return Plan(
        Verdict.CHANGE,
        "reported",
        f"{group.title}: {_counted(group.lines)}, seen in {PERSISTS} runs in a row.",
        effects=(Planned(change, subject=known.subject),),
        facts=_facts(group),
    )


def _update(known: Known, group: Group, snapshot: IssueSnapshot) -> Plan:
    content = fit(snapshot.body, HEADING, section(group))
    now_there = read_section(snapshot.body, HEADING)
    if now_there == content:
        return skip("as it was", "The issue says all of it already.", **_facts(group))
    if now_there is not None and now_there != known.written:
        reason = (
            f"Somebody edited the section {HEADING!r} of the report; it was left as it is. Delete the section on "
            "GitHub and the next run writes it anew."
        )
        return conflict("edited", reason)
    change = changes.WriteSections(((HEADING, content),))
    return Plan(
        Verdict.CHANGE,
        "updated",
        f"{group.title}: now {_counted(group.lines)}.",
        effects=(Planned(change, before={"sections": {HEADING: now_there}}),),
        facts=_facts(group),
    )


def _take_leave(known: Known) -> Plan:
    """One comment and the closing; the comment is not written twice when the closing alone failed."""
    leave = "Recovered: validation finds nothing of this any more, so the control plane closes this issue."
    if known.muted:
        leave = (
            f"Nothing of this is left that is not muted ({known.muted} muted by people in the control plane), so the "
            "control plane closes this issue."
        )
    effects = [] if known.taken_leave else [Planned(changes.AddComment(leave))]
    effects.append(Planned(changes.CloseIssue("completed"), before={"is_open": True}))
    return Plan(Verdict.CHANGE, "recovered", "Nothing of it is left.", effects=tuple(effects))


def _facts(group: Group) -> dict[str, object]:
    return {"content_hash": content_hash(group), "findings": len(group.lines)}


def _row(line: Line) -> str:
    message = one_line(line.message, MAX_MESSAGE)
    since = f"since {line.since:%Y-%m-%d %H:%M} UTC"
    known = ", acknowledged" if line.acknowledged else ""
    return f"- {_where(line)}{message} ({line.severity}, {since}{known})"


def _where(line: Line) -> str:
    if line.number is None:
        return ""
    return f"[#{line.number}]({line.url}): " if _ADDRESS.fullmatch(line.url) else f"#{line.number}: "


def _place(line: Line) -> tuple[int, int, str]:
    """The critical ones first, then by issue, so that the list stays in place while findings come and go."""
    rank = {"critical": 0, "warning": 1}.get(line.severity, 2)
    return rank, line.number or 0, line.fingerprint


def _counted(lines: Iterable[Line]) -> str:
    """The issues; findings where they are on none."""
    listed = list(lines)
    numbers = {line.number for line in listed if line.number is not None}
    count, word = (len(numbers), "issue") if numbers else (len(listed), "finding")
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

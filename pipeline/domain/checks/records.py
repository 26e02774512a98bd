"""Our rows against GitHub: what our copy says and what was read, what we wrote and what stands there."""

from __future__ import annotations

from datetime import timedelta

from pipeline.domain.checks.reading import sections
from pipeline.domain.checks.values import Check, Fault, Severity, Subject
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State

LAG = timedelta(minutes=10)  # GitHub's lists trail its writes


def differences(ours: IssueSnapshot, read: IssueSnapshot) -> tuple[str, ...]:
    """The facts in which two pictures of one issue differ; of the body only our sections count."""
    found = []
    if {name.lower() for name in ours.labels} != {name.lower() for name in read.labels}:
        found.append("labels")
    if {_who(actor.id, actor.login) for actor in ours.assignees} != {_who(a.id, a.login) for a in read.assignees}:
        found.append("assignees")
    if ours.is_open != read.is_open:
        found.append("open or closed")
    if ours.body != read.body and sections(ours.body) != sections(read.body):
        found.append("sections")
    return tuple(found)


def _who(identity: int | None, login: str) -> str:
    """The login of a bot differs between REST and GraphQL."""
    return str(identity) if identity is not None else login.lower()


def _differs(subject: Subject) -> Fault | None:
    """A newer read is news, not a contradiction; and a list may trail what we wrote a moment ago."""
    read, ours = subject.read, subject.issue
    if read is None or read.updated_at > ours.updated_at or subject.now - ours.updated_at < LAG:
        return None
    found = differences(ours, read)
    if not found:
        return None
    return Fault(
        f"Our copy, of {ours.updated_at:%Y-%m-%d %H:%M} UTC, and GitHub differ in {', '.join(found)}, and GitHub shows "
        "no later change. Synchronise the repository; if it stays, look at the issue on GitHub.",
        {"differs": list(found), "ours": ours.updated_at.isoformat(), "read": read.updated_at.isoformat()},
    )


def _section_gone(subject: Subject) -> Fault | None:
    if not subject.issue.is_open or subject.state is State.DONE:
        return None
    gone = sorted(subject.written - subject.sections.keys())
    if not gone:
        return None
    named = ", ".join(repr(heading) for heading in gone)
    return Fault(
        f"We wrote {named}, and it is not in the issue any more. Have the issue processed again if it is still needed.",
        {"sections": gone},
    )


CHECKS = (
    Check(
        "record.differs", Severity.WARNING, "Database and GitHub disagree",
        "Our copy of an issue and what GitHub shows differ although GitHub knows of no later change.",
        _differs, "No repair on GitHub: its word counts, and the next synchronisation takes it over.",
        able=lambda subject: subject.read is not None and not subject.busy,
    ),
    Check(
        "record.section_gone", Severity.WARNING, "What we wrote is gone",
        "An applied change wrote a section of ours, nothing took it back, and it is not there.",
        _section_gone, "No repair: a person may have removed it, and people win.",
    ),
)  # fmt: skip

"""Domain values for tests: snapshots, pulls, events, workflows, assessments; any field by keyword."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pipeline.domain.classification import Assessment, Candidate, Urgency, Usage
from pipeline.domain.facts import Pull, TimelineEvent
from pipeline.domain.snapshot import COPILOT_USER_ID, Actor, IssueSnapshot
from pipeline.domain.workflows import Deliverable, SpecialistSpec, WorkflowSpec

MOMENT = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
COPILOT = Actor("Copilot", COPILOT_USER_ID, "Bot")
PERSON = Actor("rosa", 42, "User")


def after(minutes: float) -> datetime:
    """So many minutes past MOMENT."""
    return MOMENT + timedelta(minutes=minutes)


def snapshot(**values: Any) -> IssueSnapshot:
    """An open issue in discovery, written by a person."""
    defaults: dict[str, Any] = {
        "number": 7,
        "node_id": "I_7",
        "title": "A convoy at the northern pier",
        "body": "A convoy was seen.\n",
        "labels": ("site-monitor", "monitor::triage", "state::discovery"),
        "assignees": (),
        "is_open": True,
        "state_reason": None,
        "locked": False,
        "author": PERSON,
        "author_association": "MEMBER",
        "html_url": "https://github.example/acme/watch/issues/7",
        "created_at": MOMENT,
        "updated_at": MOMENT,
        "closed_at": None,
        "read_at": MOMENT,
    }
    return IssueSnapshot(**{**defaults, **values})


def pull(**values: Any) -> Pull:
    """An open draft of the agent, made one minute past MOMENT."""
    defaults: dict[str, Any] = {
        "number": 70,
        "node_id": "PR_70",
        "title": "[WIP] A convoy",
        "body": "Fixes #7",
        "is_open": True,
        "is_draft": True,
        "merged_at": None,
        "closed_at": None,
        "head": "copilot/fix-7",
        "base": "main",
        "head_sha": "a" * 40,
        "author": COPILOT,
        "html_url": "https://github.example/acme/watch/pull/70",
        "created_at": after(1),
        "updated_at": after(1),
    }
    return Pull(**{**defaults, **values})


def event(name: str, minutes: float | None, **values: Any) -> TimelineEvent:
    """`minutes` past MOMENT; None: GitHub gave no time."""
    values.setdefault("actor", COPILOT)
    return TimelineEvent(name, None if minutes is None else after(minutes), **values)


def workflow(slug: str = "osint", **values: Any) -> WorkflowSpec:
    defaults: dict[str, Any] = {
        "slug": slug,
        "name": slug.title(),
        "description": "",
        "version": "1.0",
        "trigger_labels": (),
        "content_keywords": (),
        "specialist": "analyst",
        "deliverables": (Deliverable("report", "Report"), Deliverable("sources", "Sources", order=1)),
    }
    return WorkflowSpec(**{**defaults, **values})


def specialist(**values: Any) -> SpecialistSpec:
    defaults: dict[str, Any] = {
        "slug": "analyst",
        "name": "Analyst",
        "role": "You analyse.",
        "objective": "Find out.",
        "guidance": "Work on {title}.",
    }
    return SpecialistSpec(**{**defaults, **values})


def assessment(*candidates: tuple[str, float], **values: Any) -> Assessment:
    """Candidates as (workflow, confidence), best first."""
    defaults: dict[str, Any] = {
        "summary": "A convoy.",
        "candidates": tuple(Candidate(name, share, "named in the title") for name, share in candidates),
        "key_topics": (),
        "indicators": (),
        "urgency": Urgency.NORMAL,
        "content_type": "news",
        "usage": Usage("rules"),
    }
    return Assessment(**{**defaults, **values})

"""Checks of a repository as a whole: duplicates, a backlog that grows, tokens and webhooks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import timedelta
from itertools import pairwise

from pipeline.domain.checks.values import Count, Fault, Seen, Severity, Whole, WholeCheck
from pipeline.domain.states import State

BACKLOG = (State.DISCOVERY, State.ASSIGNED, State.COPILOT)
# Processing runs every four hours (plan 1.2): only what grew through three of its runs counts as growing.
BACKLOG_OVER = timedelta(hours=12)
BACKLOG_COUNTS = 6
BACKLOG_MORE, BACKLOG_SHARE = 5, 0.2
TOKEN_CHECKED_WITHIN = timedelta(hours=24)
WEBHOOK_SILENT = timedelta(hours=6)


def _by(seen: Iterable[Seen], keys: Callable[[Seen], Iterable[Hashable]]) -> dict[Hashable, list[Seen]]:
    found: dict[Hashable, list[Seen]] = defaultdict(list)
    for one in sorted(seen, key=lambda each: each.number):
        for key in keys(one):
            found[key].append(one)
    return found


def _same_marker(whole: Whole) -> list[Fault]:
    """A marker counts only where we wrote the issue ourselves: anybody may copy one."""
    groups = _by((one for one in whole.seen or () if one.ours), lambda one: one.keys)
    return [
        _duplicate(first, other, "carries the same signed marker as", {"marker": str(key)})
        for key, (first, *others) in groups.items()
        for other in others
    ]


def _same_discovery(whole: Whole) -> list[Fault]:
    """Two open issues about one address; one that a person closed was dealt with."""
    groups = _by(
        (one for one in whole.seen or () if one.is_open and one.url),
        lambda one: [one.url],
    )
    return [
        _duplicate(first, other, "was opened for the same address as", {"address": str(key)[:500]})
        for key, (first, *others) in groups.items()
        for other in others
    ]


def _duplicate(first: Seen, other: Seen, how: str, detail: dict[str, str]) -> Fault:
    return Fault(
        f"Issue #{other.number} {how} #{first.number}. Close the one that is not worked on.",
        {"first": first.number, **detail},
        issue_id=other.issue_id,
    )


def _growing(whole: Whole) -> list[Fault]:
    recent = [count for count in whole.counts if whole.now - count.at <= BACKLOG_OVER]
    return [fault for state in BACKLOG if (fault := _grows(state, recent))]


def _grows(state: State, counts: Sequence[Count]) -> Fault | None:
    numbers = [count.by_state.get(state.value, 0) for count in counts]
    first, last = numbers[0], numbers[-1]
    never_fell = all(after >= before for before, after in pairwise(numbers))
    if not never_fell or last - first < max(BACKLOG_MORE, BACKLOG_SHARE * first):
        return None
    return Fault(
        f"Issues in state::{state.value} grew from {first} to {last} since {counts[0].at:%Y-%m-%d %H:%M} UTC and never "
        "fell. Raise the limit or the frequency of the operation that takes them on, or see why it stands.",
        {"state": state.value, "from": first, "to": last, "since": counts[0].at.isoformat()},
        key=state.value,
    )


def _enough(whole: Whole) -> bool:
    """Half of the span at least has to be seen, in several sweeps."""
    recent = [count.at for count in whole.counts if whole.now - count.at <= BACKLOG_OVER]
    return len(recent) >= BACKLOG_COUNTS and whole.now - recent[0] >= BACKLOG_OVER / 2


def _token(whole: Whole) -> list[Fault]:
    if not whole.token_problem:
        return []
    return [Fault(f"GitHub refuses the token: {whole.token_problem} Renew the credential and check it.")]


def _token_unchecked(whole: Whole) -> list[Fault]:
    at = whole.token_checked_at
    if at is None or whole.now - at <= TOKEN_CHECKED_WITHIN:
        return []
    return [Fault(f"The token was last checked {at:%Y-%m-%d %H:%M} UTC. See whether synchronising still runs.")]


def _webhook(whole: Whole) -> list[Fault]:
    """Silence proves something only when GitHub changed meanwhile."""
    last, changed = whole.webhook_seen_at, whole.changed_at
    if not whole.webhook_expected or last is None or changed is None or changed - last < WEBHOOK_SILENT:
        return []
    return [
        Fault(
            f"The last webhook came {last:%Y-%m-%d %H:%M} UTC, and GitHub has shown changes until "
            f"{changed:%Y-%m-%d %H:%M}. Look at the deliveries in the repository's settings; changes are found by "
            "synchronising meanwhile.",
            {"last": last.isoformat(), "changed": changed.isoformat()},
        )
    ]


CHECKS = (
    WholeCheck(
        "duplicate.issue", Severity.WARNING, "Issue opened twice",
        "Two issues of ours carry the same signed marker: one write took place twice.",
        _same_marker, lambda whole: whole.seen is not None,
    ),
    WholeCheck(
        "duplicate.discovery", Severity.WARNING, "Discovery opened twice",
        "Two open issues were opened for the same address.",
        _same_discovery, lambda whole: whole.seen is not None,
    ),
    WholeCheck(
        "backlog.grows", Severity.NOTICE, "Backlog grows",
        "The issues in one state have become more over the last sweeps and never fewer.",
        _growing, _enough,
    ),
    WholeCheck(
        "token.refused", Severity.CRITICAL, "Token refused",
        "GitHub refuses the token: it expired, was revoked, or lost a permission. Nothing works until it is renewed.",
        _token,
    ),
    WholeCheck(
        "token.unchecked", Severity.WARNING, "Token not checked",
        "Nobody has looked at the token for a day.",
        _token_unchecked,
    ),
    WholeCheck(
        "webhook.silent", Severity.WARNING, "Webhooks stopped",
        "A webhook is set up and has been silent although GitHub changed.",
        _webhook,
    ),
)  # fmt: skip

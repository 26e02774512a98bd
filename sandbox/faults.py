"""Faults on demand: which call is to go wrong, and how."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from typing import Any

CODES: dict[str, str] = {
    "F502B": "502, write not applied",
    "F502A": "502, write applied (params.status, e.g. 504; params.fields: only the first n GraphQL fields)",
    "F500": "500, write not applied",
    "F503": "503, write not applied",
    "FDROP": "write applied, connection closed without an answer",
    "FLATE": "no answer; the write lands params.late_s seconds later (0.7); params.hang_ms before closing (0)",
    "F403P": "primary limit: remaining 0, reset in params.reset_s (60); params.status 403 or 429",
    "F403S": "secondary limit: Retry-After params.retry_after (60; null leaves the header out); params.status",
    "F401": "401 bad credentials",
    "F404H": "404 on something that exists",
    "F404N": "404 (or params.status 422) on an issue younger than params.age_s (10)",
    "F410": "410 deleted issue",
    "F301": "301 transferred issue, to params.location or another repository; sub-resources answer 404",
    "F422L": "422 body is too long",
    "F403K": "403 locked issue, or archived repository with params.archived",
    "FSTALE": "lists leave out what is younger than params.lag_s (30)",
    "FEMPTY": "200 with an empty list",
    "FIGN": "2xx, label or assignee dropped in silence",
    "F412W": "412 to a write, which is applied all the same unless params.applied is false; params.status",
    "FSLOW": "params.ms (30000) before the first byte; the work is done first",
    "FTRUNC": "applied; params.how: cut (JSON cut in the middle), html (error page with 200), short (connection cut)",
}


class BadFault(ValueError):
    """A rule that cannot be."""


@dataclass
class Rule:
    """Fires for calls that fit, from the (`after` + 1)-th on, at most `count` times, with probability `share`.

    `route` is a route as registered ("/repos/{owner}/{repo}/issues") or a path with * and ?; `graphql` names a
    top-level field, "mutation", "query" or "*". A rule with neither fits every call of `method`.
    """

    id: int
    code: str
    method: str = "*"
    route: str | None = None
    graphql: str | None = None
    token: str | None = None
    after: int = 0
    count: int | None = 1
    share: float = 1.0
    params: dict[str, Any] = field(default_factory=dict)
    hits: int = 0
    fired: int = 0

    def fits(self, target: Target) -> bool:
        if self.method not in ("*", target.method) or self.token not in (None, target.token):
            return False
        if self.graphql is not None:
            return (self.graphql == "*" and bool(target.fields)) or self.graphql in target.fields
        return self.route is None or self.route == target.pattern or fnmatchcase(target.path, self.route)

    def number(self, name: str, default: float) -> float:
        return float(self.params.get(name, default))


@dataclass(frozen=True)
class Target:
    """What a call is, as rules see it. `fields`: top-level GraphQL fields plus "query" or "mutation"."""

    method: str
    pattern: str
    path: str
    token: str | None
    fields: tuple[str, ...] = ()


class Faults:
    """The rules in force. Not persisted: a restarted sandbox is in good health. Used under the world's lock."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"faults:{seed}")
        self._rules: list[Rule] = []
        self._last = 0

    def add(self, data: dict[str, Any]) -> Rule:
        known = set(Rule.__dataclass_fields__) - {"id", "hits", "fired"}
        if unknown := data.keys() - known:
            names = ", ".join(sorted(known))
            raise BadFault(f"Unknown keys of a fault: {', '.join(sorted(unknown))}; known are {names}.")
        code = data.get("code")
        if code not in CODES:
            raise BadFault(f"Unknown fault code {code!r}; known are {', '.join(CODES)}.")
        self._last += 1
        rule = Rule(self._last, **{**data, "params": dict(data.get("params") or {})})
        self._rules.append(rule)
        return rule

    def listed(self) -> list[dict[str, Any]]:
        return [asdict(rule) for rule in self._rules]

    def remove(self, identity: int | None = None) -> int:
        """One rule, or all; how many went."""
        kept = [rule for rule in self._rules if identity is not None and rule.id != identity]
        gone = len(self._rules) - len(kept)
        self._rules = kept
        return gone

    def take(self, target: Target) -> Rule | None:
        """The first rule that fires for this call."""
        for rule in self._rules:
            if rule.fits(target) and self._fires(rule):
                return rule
        return None

    def _fires(self, rule: Rule) -> bool:
        if rule.count is not None and rule.fired >= rule.count:
            return False
        rule.hits += 1
        if rule.hits <= rule.after or (rule.share < 1 and self._random.random() >= rule.share):
            return False
        rule.fired += 1
        return True

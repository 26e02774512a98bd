"""Verdicts of criteria, and how many of them fold into one (DESIGN.md, section 7)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """Only PASS lets anything grow. Zero rows is never PASS."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    BREACH = "breach"
    INCONCLUSIVE = "inconclusive"  # the sample is too small
    ERROR = "error"  # it could not be measured
    STALE = "stale"  # nothing newer than the evidence floor


ORDER = (Verdict.BREACH, Verdict.ERROR, Verdict.STALE, Verdict.INCONCLUSIVE, Verdict.PASS)


def fold(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of them in ORDER; no verdict at all is INCONCLUSIVE, because nothing was shown."""
    found = set(verdicts)
    return next((verdict for verdict in ORDER if verdict in found), Verdict.INCONCLUSIVE)


def grows(verdict: Verdict) -> bool:
    """Whether a limit, a step or a phase may grow on this verdict."""
    return verdict is Verdict.PASS

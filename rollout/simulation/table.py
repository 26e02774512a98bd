"""The characteristics as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rollout.simulation.characteristics import Characteristics, Found

HEALTHY = ("trigger", "on", "profile", "stopped in a week", "rolled back in a week", "holds in 4 weeks", "4 weeks kept")


def healthy(rows: Sequence[Characteristics]) -> str:
    """How often healthy work is stopped."""
    return table(
        HEALTHY,
        (
            (
                row.slug,
                row.operation,
                row.profile,
                _percent(row.healthy.stopped),
                _percent(row.healthy.rolled_back),
                f"{row.healthy.holds:.1f}",
                _percent(row.healthy.kept),
            )
            for row in rows
        ),
    )


def faults(rows: Sequence[Characteristics]) -> str:
    """Per fault: runs until live work stops / until rollback (issues harmed; share not stopped in 48 hours)."""
    names = [found.fault for found in rows[0].found] if rows else []
    return table(
        ("trigger", "on", "profile", *names),
        ((row.slug, row.operation, row.profile, *(_cell(found) for found in row.found)) for row in rows),
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _cell(found: Found) -> str:
    stop = f"{found.stop:.1f}" if found.stop is not None else "–"
    end = f"{found.rollback:.1f}" if found.rollback is not None else "–"
    missed = f"; {found.missed:.0%} missed" if round(found.missed, 2) else ""
    return f"{stop} / {end} ({found.harmed:.0f}{missed})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"

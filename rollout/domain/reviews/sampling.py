"""Drawing the week's sample so that anybody can draw it again: from a stored frame and a stored seed, by SHA-256 alone.

`sha256-rank-v1`: every entry of the frame has a rank, the hexadecimal SHA-256 of `<seed>:<number>` in UTF-8. Within a
workflow the entries with the smallest ranks are drawn; equal ranks, which nobody has ever seen, go by number. Neither a
language's random numbers nor a database's order has a say, so a pencil and a hash function can check it.

How many places a workflow has depends on the sizes in the frame and never on the seed, so that within one workflow
every issue has the same chance, places / issues. One place for each workflow; what is left in proportion to what each
has left (largest remainder; ties to the larger workflow, then by name). With more workflows than places the largest
ones get one place each and the others none, and `note` says so.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

ALGORITHM = "sha256-rank-v1"
SIZE = 10  # plan 3.3
DOUBLE_SHARE = 0.3  # 3 of 10
MOST = 100


@dataclass(frozen=True, slots=True, order=True)
class Entry:
    """One issue that may be drawn; `workflow` is "" where it has none, `guidance` the hash of what is reviewed."""

    number: int
    workflow: str
    guidance: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """`position` counts from 1 in the order of the ranks, which is the order in which they are reviewed."""

    position: int
    number: int
    workflow: str
    is_double: bool


@dataclass(frozen=True, slots=True)
class Stratum:
    workflow: str
    frame: int
    drawn: int


@dataclass(frozen=True, slots=True)
class Draw:
    """`note` says why it is smaller than asked for, or which workflows have no place; empty: neither."""

    drawn: tuple[Drawn, ...]
    strata: tuple[Stratum, ...]
    note: str


def guidance_hash(guidance: str, assignment: str) -> str:
    """Of the two texts that are reviewed: the specialist's guidance and the assignment made of it."""
    return _sha256(json.dumps([guidance, assignment], ensure_ascii=True, separators=(",", ":")))


def as_stored(frame: Iterable[Entry]) -> list[list[int | str]]:
    """The frame as it is kept and hashed: [number, workflow, hash], sorted by number."""
    return [[one.number, one.workflow, one.guidance] for one in sorted(frame)]


def from_stored(rows: Iterable[Sequence[object]]) -> tuple[Entry, ...]:
    """ValueError for what is no frame, in one sentence."""
    found = []
    for row in rows:
        if len(row) != 3 or not isinstance(row[0], int) or not isinstance(row[1], str) or not isinstance(row[2], str):
            raise ValueError(f"{row!r} is no line of a frame; it is [number, workflow, hash].")
        found.append(Entry(row[0], row[1], row[2]))
    return tuple(sorted(found))


def frame_hash(frame: Iterable[Entry]) -> str:
    """SHA-256 over the canonical JSON of the sorted frame: no spaces, ASCII only."""
    return _sha256(json.dumps(as_stored(frame), ensure_ascii=True, separators=(",", ":")))


def rank(seed: str, number: int, *, purpose: str = "") -> str:
    """Smaller is drawn first. `purpose` makes an order of its own from the same seed: "double"."""
    return _sha256(f"{seed}:{purpose}:{number}" if purpose else f"{seed}:{number}")


def draw(frame: Collection[Entry], seed: str, *, size: int = SIZE, double: int | None = None) -> Draw:
    """`size` entries of the frame, `double` of them marked to be scored twice (None: the plan's share, 3 of 10)."""
    counts = Counter(one.workflow for one in frame)
    places = allocate(counts, size)
    ranks = {one.number: rank(seed, one.number) for one in frame}
    chosen: list[Entry] = []
    for workflow, many in places.items():
        stratum = [one for one in frame if one.workflow == workflow]
        chosen += sorted(stratum, key=lambda one: (ranks[one.number], one.number))[:many]
    chosen.sort(key=lambda one: (ranks[one.number], one.number))
    twice = _twice(chosen, seed, double_of(len(chosen)) if double is None else double)
    return Draw(
        tuple(Drawn(at, one.number, one.workflow, one.number in twice) for at, one in enumerate(chosen, start=1)),
        tuple(Stratum(name, counts[name], places[name]) for name in sorted(counts)),
        _note(counts, places, size),
    )


def allocate(counts: Mapping[str, int], size: int) -> dict[str, int]:
    """Places for each workflow, by the sizes alone: min(size, all) together, at least one each where that can be."""
    by_size = sorted(counts, key=lambda name: (-counts[name], name))
    total = sum(counts.values())
    if size >= total:
        return dict(counts)
    if size <= len(counts):
        return {name: int(at < size) for at, name in enumerate(by_size)}
    left, beyond = size - len(counts), total - len(counts)
    places = {name: 1 + left * (counts[name] - 1) // beyond for name in by_size}
    by_remainder = sorted(by_size, key=lambda name: -(left * (counts[name] - 1) % beyond))
    for name in by_remainder[: size - sum(places.values())]:
        places[name] += 1
    return places


def double_of(drawn: int, share: float = DOUBLE_SHARE) -> int:
    """How many of `drawn` are scored twice: the share, half rounded up; 3 of 10, 2 of 5, none of 1."""
    return min(drawn, int(share * drawn + 0.5))


def instead(frame: Collection[Entry], seed: str, taken: Collection[int], workflow: str) -> Entry | None:
    """Who takes the place of a drawn issue: the next rank of its workflow, or of all when that one is used up."""
    free = [one for one in frame if one.number not in taken]
    same = [one for one in free if one.workflow == workflow]
    return min(same or free, key=lambda one: (rank(seed, one.number), one.number), default=None)


def _twice(chosen: Sequence[Entry], seed: str, many: int) -> set[int]:
    ranked = sorted(chosen, key=lambda one: (rank(seed, one.number, purpose="double"), one.number))
    return {one.number for one in ranked[: max(0, many)]}


def _note(counts: Mapping[str, int], places: Mapping[str, int], size: int) -> str:
    total = sum(counts.values())
    if not total:
        return "Nothing to review: no issue got guidance that has not been reviewed already."
    if total < size:
        return f"{total} instead of {size}: that is all there was, so all of it is taken."
    without = sorted(name for name in counts if not places[name])
    if without:
        names = ", ".join(name or "no workflow" for name in without[:5])
        more = f" and {len(without) - 5} more" if len(without) > 5 else ""
        whose = f"the largest have one each, and none have {names}{more}"
        return f"More workflows ({len(counts)}) than places ({size}): {whose}."
    return ""


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

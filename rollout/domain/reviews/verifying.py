"""Whether a stored draw is what its seed and frame give, replacements included. Works on a dump, without a database.

A dump is a mapping as JSON has it: `algorithm`, `seed`, `size`, `double`, `frame` ([[number, workflow, hash]]),
`frame_sha256`, `strata` ([{workflow, frame, drawn}]), `replaced` ([{number, workflow, refill, passed}], in their order;
`passed` are the numbers that were next but could not be reviewed any more, none where it is not there) and `sample`
([[number, scored twice]], in the order of the positions).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rollout.domain.reviews import sampling
from rollout.domain.reviews.sampling import Entry

NEEDED = ("algorithm", "seed", "size", "double", "frame", "frame_sha256", "strata", "replaced", "sample")


def faults(dump: Mapping[str, Any]) -> list[str]:
    """What differs from a new draw, one sentence each; empty: nothing. ValueError for what is no dump."""
    lacks = [name for name in NEEDED if name not in dump]
    if lacks:
        raise ValueError(f"This is no stored draw: {', '.join(lacks)} is not in it.")
    if dump["algorithm"] != sampling.ALGORITHM:
        return [f"It was drawn with {dump['algorithm']}; this release knows {sampling.ALGORITHM} only."]
    frame = sampling.from_stored(dump["frame"])
    found = []
    if sampling.frame_hash(frame) != dump["frame_sha256"]:
        found.append(f"The stored frame has the hash {sampling.frame_hash(frame)}, not {dump['frame_sha256']}.")
    again = sampling.draw(frame, dump["seed"], size=dump["size"], double=dump["double"])
    expected = _with_replacements(frame, dump, {one.number: one.is_double for one in again.drawn})
    stored = [(number, is_double) for number, is_double in dump["sample"]]
    if expected != stored:
        found.append(f"The draw gives {_listed(expected)}; stored is {_listed(stored)}.")
    if [{"workflow": one.workflow, "frame": one.frame, "drawn": one.drawn} for one in again.strata] != dump["strata"]:
        found.append("The stored strata are not those of the frame.")
    return found


def _with_replacements(
    frame: Sequence[Entry], dump: Mapping[str, Any], drawn: dict[int, bool]
) -> list[tuple[int, bool]]:
    """The draw, then what each replacement must have brought in, scored as often as what it replaces."""
    sample = dict(drawn)
    for entry in dump["replaced"]:
        taken = {*sample, *entry.get("passed", ())}
        came = sampling.instead(frame, dump["seed"], taken, entry["workflow"]) if entry["refill"] else None
        if came is not None:
            sample[came.number] = sample.get(entry["number"], False)
    return list(sample.items())


def _listed(pairs: Iterable[tuple[int, bool]]) -> str:
    return ", ".join(f"#{number}{' (twice)' if is_double else ''}" for number, is_double in pairs) or "nothing"

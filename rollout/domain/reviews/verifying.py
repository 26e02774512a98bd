"""Whether a stored draw is what its seed and frame give, replacements included. Works on a dump, without a database.

A dump is a mapping as JSON has it: `algorithm`, `seed`, `size`, `double`, `frame` ([[number, workflow, hash]]),
`frame_sha256`, `strata` ([{workflow, frame, drawn}]), `replaced` ([{number, workflow, refill, passed}], in their order;
`passed` are the numbers that were next but could not be reviewed any more, none where it is not there) and `sample`
([[number, scored twice]], in the order of the positions).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rollout.domain.reviews import sampling
from rollout.domain.reviews.sampling import Entry

NEEDED = ("algorithm", "seed", "size", "double", "frame", "frame_sha256", "strata", "replaced", "sample")


def _number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _text(value: object) -> bool:
    return isinstance(value, str)


def _list_of(fits: Callable[[Any], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(fits(one) for one in value)


def _is_replaced(entry: Any) -> bool:
    if not isinstance(entry, Mapping) or not _list_of(_number)(entry.get("passed", [])):
        return False
    return _number(entry.get("number")) and _text(entry.get("workflow")) and isinstance(entry.get("refill"), bool)


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "algorithm": _text,
    "seed": _text,
    "size": _number,
    "double": _number,
    "frame": _list_of(lambda row: isinstance(row, list)),
    "frame_sha256": _text,
    "strata": _list_of(lambda row: isinstance(row, Mapping)),
    "replaced": _list_of(_is_replaced),
    "sample": _list_of(lambda pair: isinstance(pair, list) and len(pair) == 2 and _number(pair[0])),
}


def faults(dump: Any) -> list[str]:
    """What differs from a new draw, one sentence each; empty: nothing. ValueError for what is no dump."""
    if not isinstance(dump, Mapping):
        raise ValueError("This is no stored draw: it is no object with names and values.")
    lacks = [name for name in NEEDED if name not in dump]
    if lacks:
        raise ValueError(f"This is no stored draw: {', '.join(lacks)} is not in it.")
    odd = [name for name, fits in _SHAPES.items() if not fits(dump[name])]
    if odd:
        raise ValueError(f"This is no stored draw: {', '.join(odd)} is not of the form that a draw has.")
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

"""What is wrong with a plan, and where: the records that its rules yield."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass

Known = Collection[str] | None  # None: any word will do, for plans that were checked before


@dataclass(frozen=True, slots=True)
class Fault:
    """`field` of `subject` is wrong; an empty field means the whole record."""

    subject: object
    field: str
    sentence: str


def unknown(what: str, value: str, among: Collection[str]) -> str:
    """A sentence for a word that is not known, with the nearest one that is."""
    close = difflib.get_close_matches(value, list(among), n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(among))}."
    return f"There is no {what} {value!r}; {hint}"


def known(subject: object, field: str, value: str, among: Known, what: str = "") -> Iterator[Fault]:
    if among is not None and value not in among:
        yield Fault(subject, field, unknown(what or field, value, among))

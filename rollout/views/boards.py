"""The trigger board with its distances in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rollout.domain import wording
from rollout.domain.measures import Unit
from rollout.services.trigger_board import BoardRow
from rollout.views.criteria import WORDS


@dataclass(frozen=True, slots=True)
class BoardLine:
    row: BoardRow

    @property
    def word(self) -> str:
        """From a trigger's side: what passes is quiet, what breaches is past its limit."""
        if not self.row.in_force:
            return "its step is not live"
        known = {"pass": "within", "breach": "past its limit", "": "by hand"}
        return known.get(self.row.verdict) or WORDS[self.row.verdict]

    @property
    def tone(self) -> str:
        return self.row.verdict if self.row.in_force else ""

    @property
    def distance(self) -> str:
        if self.row.distance is None:
            return "–"
        far = wording.value(abs(self.row.distance), Unit(self.row.unit))
        if self.row.distance == 0:
            return "any more fires" if self.row.comparator in {">", "<"} else "at the limit"
        return f"{far} left" if self.row.distance > 0 else f"past by {far}"

    @property
    def per(self) -> str:
        return f"per {self.row.per}" if self.row.per else ""

    @property
    def action(self) -> str:
        return self.row.action.replace("_", " ")


def lines(board: Iterable[BoardRow]) -> list[BoardLine]:
    return [BoardLine(row) for row in board]

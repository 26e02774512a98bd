"""The label grammar on GitHub (DESIGN.md, section 2). Labels compare case-insensitively."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.domain.states import State

MAX_LABEL = 50  # GitHub's own limit, in characters


@dataclass(frozen=True, slots=True)
class LabelGrammar:
    """Our labels, each with the repository's `prefix` in front (often empty)."""

    prefix: str = ""

    @property
    def site_monitor(self) -> str:
        return f"{self.prefix}site-monitor"

    @property
    def triage(self) -> str:
        return f"{self.prefix}monitor::triage"

    @property
    def needs_clarification(self) -> str:
        return f"{self.prefix}needs clarification"

    def state(self, state: State) -> str:
        return f"{self.prefix}state::{state.value}"

    def workflow(self, slug: str) -> str:
        return f"{self.prefix}workflow::{slug}"

    def specialist(self, slug: str) -> str:
        return f"{self.prefix}specialist::{slug}"

    def states_in(self, labels: Iterable[str]) -> tuple[State, ...]:
        """The known pipeline states among `labels`, in pipeline order, each once."""
        words = set(self.values(labels, "state::"))
        return tuple(state for state in State if state.value in words)

    def unknown_states_in(self, labels: Iterable[str]) -> tuple[str, ...]:
        """`state::` labels that name no state of ours."""
        known = {state.value for state in State}
        return tuple(word for word in self.values(labels, "state::") if word not in known)

    def values(self, labels: Iterable[str], family: str) -> tuple[str, ...]:
        """What stands behind `family` ("workflow::") in our labels, lower-cased, in order."""
        head = f"{self.prefix}{family}".lower()
        return tuple(name.lower()[len(head) :] for name in labels if name.lower().startswith(head))

    def is_ours(self, labels: Iterable[str]) -> bool:
        """Whether an issue with these labels belongs to the pipeline."""
        return has(labels, self.site_monitor) or bool(self.values(labels, "state::"))


def length_problem(names: Iterable[str]) -> str:
    """One sentence naming the first label that GitHub would refuse for its length; empty when all fit."""
    for name in names:
        if len(name) > MAX_LABEL:
            return (
                f"The label {name!r} has {len(name)} characters and GitHub takes {MAX_LABEL}: shorten the label prefix "
                "or the slug behind it."
            )
    return ""


def has(labels: Iterable[str], name: str) -> bool:
    """Whether `name` is among `labels`, whatever the case."""
    return name.lower() in {label.lower() for label in labels}

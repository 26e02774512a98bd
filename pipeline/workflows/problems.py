"""What is wrong with a workflow or specialist file: every problem with its place, not only the first."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """`line` and `column` count from 1."""

    line: int
    column: int
    sentence: str


class WorkflowFileError(ValueError):
    """A file that cannot be imported. `problems` are in the order of the file; the message names the first."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(set(problems)))
        first = self.problems[0]
        self.line, self.column, self.sentence = first.line, first.column, first.sentence
        more = len(self.problems) - 1
        others = f" ({more} more problem{'s' if more > 1 else ''} in this file)" if more else ""
        super().__init__(f"{self.place(first)}: {first.sentence}{others}")

    def place(self, problem: Problem) -> str:
        return f"{self.file}, line {problem.line}, column {problem.column}"

    def lines(self) -> tuple[str, ...]:
        """One line per problem."""
        return tuple(f"{self.place(problem)}: {problem.sentence}" for problem in self.problems)

"""The classifier that asks a language model, and the rules when it may not, cannot, or answers nonsense."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from pipeline.ai import prompt
from pipeline.ai.endpoint import Answer, BadKey, Endpoint, EndpointError, Message, Retired, TryLater
from pipeline.ai.schema import ModelAssessment, parse, schema
from pipeline.domain import issue_reading
from pipeline.domain.classification import Assessment, Classifier, IssueText, Usage
from pipeline.domain.workflows import WorkflowSpec

logger = logging.getLogger(__name__)

PATIENCE = 3  # passing failures in a row, after which this classifier stops asking

USED_UP = "The daily quota of language model calls is used up."
NO_WORKFLOWS = "There is no workflow to choose from, so no language model was asked."


class Budget(Protocol):
    """The daily quota of calls, shared by all workers."""

    def take(self) -> bool:
        """Use one call of today's; False when there is none left."""
        ...

    def record(self, usage: Usage) -> None:
        """What an assessment cost, whether or not its answer was used."""
        ...


@dataclass
class _Spent:
    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0


class _Unusable(Exception):
    """No usable answer; `str()` is the sentence for `fell_back`."""


class ModelClassifier:
    """Implements `Classifier`; made anew for each run, because it stops asking an endpoint that keeps failing."""

    name = "model"

    def __init__(self, endpoint: Endpoint, fallback: Classifier, budget: Budget) -> None:
        self._endpoint = endpoint
        self._fallback = fallback
        self._budget = budget
        self._failures = 0
        self._stopped = ""

    def assess(self, issue: IssueText, workflows: Sequence[WorkflowSpec]) -> Assessment:
        spent = _Spent()
        try:
            found = self._asked(issue, workflows, spent)
        except _Unusable as unusable:
            logger.warning("model_fell_back", extra={"issue": issue.number, "reason": str(unusable)})
            assessed = replace(self._fallback.assess(issue, workflows), fell_back=str(unusable))
            return replace(assessed, usage=self._usage(spent)) if spent.calls else assessed
        finally:
            if spent.calls:
                self._budget.record(self._usage(spent))
        reading = issue_reading.read(issue)
        return Assessment(
            summary=found.summary or issue_reading.summary(reading),
            candidates=found.candidates,
            key_topics=found.key_topics,
            # Found in the text by expression: a model can make indicators up.
            indicators=issue_reading.indicators(reading),
            urgency=found.urgency,
            content_type=found.content_type,
            usage=self._usage(spent),
        )

    def _asked(self, issue: IssueText, workflows: Sequence[WorkflowSpec], spent: _Spent) -> ModelAssessment:
        """The answer, or that of one repair. _Unusable otherwise."""
        if not workflows:
            raise _Unusable(NO_WORKFLOWS)
        slugs = [spec.slug for spec in workflows]
        asked = prompt.messages(issue, workflows)
        answer = self._call(asked, slugs, spent)
        try:
            return parse(answer.text, slugs)
        except ValueError as error:
            fault = str(error)
        answer = self._call(prompt.repair(asked, answer.text, fault), slugs, spent)
        try:
            return parse(answer.text, slugs)
        except ValueError as error:
            raise _Unusable(f"{self._endpoint.name} gave an unusable answer twice: {error}") from error

    def _call(self, messages: Sequence[Message], slugs: Sequence[str], spent: _Spent) -> Answer:
        if self._stopped:
            raise _Unusable(self._stopped)
        if not self._budget.take():
            raise _Unusable(USED_UP)
        spent.calls += 1
        try:
            answer = self._endpoint.ask(messages, schema(slugs))
        except EndpointError as error:
            self._note(error)
            raise _Unusable(str(error)) from error
        self._failures = 0
        spent.tokens_in += answer.tokens_in
        spent.tokens_out += answer.tokens_out
        return answer

    def _note(self, error: EndpointError) -> None:
        """A retired provider or a bad key will not get better in this run; a few failures in a row hardly will."""
        self._failures += isinstance(error, TryLater)
        if isinstance(error, (Retired, BadKey)) or self._failures >= PATIENCE:
            self._stopped = f"{error} It is not asked again in this run."

    def _usage(self, spent: _Spent) -> Usage:
        return Usage(self._endpoint.name, self._endpoint.model, spent.calls, spent.tokens_in, spent.tokens_out)

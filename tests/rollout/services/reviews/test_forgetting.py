"""The demonstration goes without a trace, its reviews with it; another repository's stay."""

from __future__ import annotations

import pytest

from pipeline.models import Repository
from pipeline.services import demonstration
from rollout.models import Review, ReviewBatch
from tests.factories import make_repository
from tests.rollout import factories as make

pytestmark = pytest.mark.django_db


def reviewed(repository: Repository) -> None:
    sample = make.make_sample(batch=make.make_batch(repository=repository), is_double=True)
    first, _ = (make.make_review(sample=sample, state="submitted") for _ in range(2))
    make.make_score(review=first)
    make.make_adjudication(sample=sample, state="settled", chosen=first)
    make.make_improvement(repository=repository, batch=sample.batch)


def test_removing_the_demonstration_removes_its_reviews_alone() -> None:
    shown, real = make_repository(is_demonstration=True), make_repository()
    reviewed(shown)
    reviewed(real)

    assert demonstration.remove() == 1

    assert [batch.repository for batch in ReviewBatch.objects.all()] == [real]
    assert Review.objects.count() == 2

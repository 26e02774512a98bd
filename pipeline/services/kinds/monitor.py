"""monitor: look at every source, open an issue for each new discovery."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, OuterRef, Subquery

from pipeline import clock
from pipeline.domain import plan_monitor
from pipeline.domain.plan import Plan
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Discovery, Run, RunItem, Source
from pipeline.services import discoveries
from pipeline.services.kinds.base import Candidate, NoPrefetch, asked_for

# A source that does not answer costs ten seconds; the rest, least recently looked at first, is the next run's.
LOOKING = timedelta(minutes=2)


class Monitor(NoPrefetch):
    """Dry runs look at sources too: a discovery is our own row, not a change to GitHub."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        if asked_for(run) is not None:
            return []  # a person named issues; what has none yet is not among them
        _look(run)
        stuck = RunItem.objects.filter(
            discovery=OuterRef("pk"), error_type__in=(RunItem.ErrorType.PERMANENT, RunItem.ErrorType.CONFLICT)
        ).order_by("-finished_at")
        new = Discovery.objects.filter(repository=run.repository, status=Discovery.Status.NEW).annotate(
            stuck_at=Subquery(stuck.values("finished_at")[:1])
        )
        # What GitHub refused before comes last, so that it starves nobody.
        chosen = new.order_by(F("stuck_at").asc(nulls_first=True), "pk")[: run.limit]
        return [Candidate(discovery=row) for row in chosen]

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        row = item.discovery
        if row is None:
            raise ValueError(f"{item} has no discovery; monitor works on discoveries only.")
        found = plan_monitor.Found(
            id=row.pk,
            source=row.source.name if row.source else "a removed source",
            url=row.url,
            title=row.title,
            excerpt=row.excerpt,
            found_at=row.found_at,
            labels=tuple(row.source.labels) if row.source else (),
        )
        return plan_monitor.plan(found, item.run.repository.grammar)


def _look(run: Run) -> None:
    fetch = discoveries.fetcher()
    ends = clock.now() + LOOKING
    sources = Source.objects.filter(repository=run.repository, active=True).select_related("repository")
    for source in sources.order_by(F("checked_at").asc(nulls_first=True), "pk"):
        if clock.now() > ends:
            return
        discoveries.collect(source, fetch)

"""monitor: look at every source, open an issue for each new discovery."""

from __future__ import annotations

from pipeline.domain import plan_monitor
from pipeline.domain.plan import Plan
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Discovery, Run, RunItem, Source
from pipeline.services import discoveries
from pipeline.services.kinds.base import Candidate, NoPrefetch


class Monitor(NoPrefetch):
    """Dry runs look at sources too: a discovery is our own row, not a change to GitHub."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        fetch = discoveries.fetcher()
        for source in Source.objects.filter(repository=run.repository, active=True).select_related("repository"):
            discoveries.collect(source, fetch)
        new = Discovery.objects.filter(repository=run.repository, status=Discovery.Status.NEW).order_by("pk")
        return [Candidate(discovery=row) for row in new[: run.limit]]

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

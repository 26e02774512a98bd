"""sync: read what changed on GitHub. It writes nothing there, so it has no items."""

from __future__ import annotations

from pipeline.domain.plan import Plan, skip
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Run, RunItem
from pipeline.services import repositories, sync
from pipeline.services.kinds.base import Candidate, NoPrefetch, Unfinished


class Sync(NoPrefetch):
    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        repositories.refresh(run.repository, github)
        if not sync.sync(run.repository, github).finished:
            raise Unfinished
        sync.look_again(run.repository, github)
        return []

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        return skip("read", "Synchronising only reads.")

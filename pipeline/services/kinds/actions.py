"""actions: GitHub Actions workflows switched off one by one, or moved to the archive by one pull request."""

from __future__ import annotations

from pipeline.domain import plan_actions
from pipeline.domain.plan import Plan
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github.port import GitHub
from pipeline.models import Run, RunItem
from pipeline.services.kinds.base import Candidate, NoPrefetch


class Actions(NoPrefetch):
    """`run.options` has `disable`: [{id, path}], or `archive`: [path]."""

    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        found = [Candidate(facts={"workflow": row}) for row in run.options.get("disable", [])]
        if run.options.get("archive"):
            found.append(Candidate(facts={"archive": list(run.options["archive"])}))
        return found

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if "archive" in item.facts:
            return _archive(item, github)
        wanted = item.facts["workflow"]
        states = {row.id: row.state for row in github.actions_workflows()}
        return plan_actions.plan_disable(int(wanted["id"]), str(wanted["path"]), states.get(int(wanted["id"]), ""))


def _archive(item: RunItem, github: GitHub) -> Plan:
    repository = item.run.repository
    files: dict[str, str | None] = {}
    for path in item.facts["archive"]:
        content = github.file(path, repository.default_branch)
        files[path] = None if content is None else content.decode("utf-8", "replace")
    return plan_actions.plan_archive(
        files,
        branch=f"archive-workflows-{item.run_id}",
        base=repository.default_branch,
        reason=item.run.reason,
        place=repository.full_name,
    )

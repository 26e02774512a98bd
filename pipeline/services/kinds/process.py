"""process: make assigned issues ready for Copilot and hand them over."""

from __future__ import annotations

from pipeline import clock
from pipeline.domain import eligibility, plan_process
from pipeline.domain.plan import Plan, conflict, skip
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.domain.states import State
from pipeline.domain.suspicion import suspicions, text_hash
from pipeline.domain.workflows import WorkflowSpec
from pipeline.github.port import GitHub, Refused
from pipeline.models import Effect, Handover, Issue, Mode, Run, RunItem
from pipeline.services import sync, workflows
from pipeline.services.kinds.assign import choose, left_out, waiting
from pipeline.services.kinds.base import Candidate, NoPrefetch, written_by_us


class Process(NoPrefetch):
    def select(self, run: Run, github: GitHub) -> list[Candidate]:
        sync.sync(run.repository, github)
        chosen = [*choose(run, waiting(run, State.ASSIGNED)), *left_out(run, State.ASSIGNED)]
        if run.mode == Mode.LIVE and any(not row.skipped for row in chosen) and not github.can_assign_copilot():
            raise Refused(_no_copilot(run))
        return chosen

    def plan(self, item: RunItem, snapshot: IssueSnapshot | None, github: GitHub) -> Plan:
        if snapshot is None or item.issue is None:
            return skip("no issue", "There is no issue to process.")
        repository = item.run.repository
        refused = eligibility.refusal(snapshot, State.ASSIGNED, repository.grammar)
        if refused:
            return skip("skipped", refused)
        spec = _workflow(snapshot, workflows.in_force(repository), item)
        specialist = workflows.specialists().get(spec.specialist) if spec else None
        under_way = _under_way(item.issue)
        # Once it is handed over only labels are left to write, whatever became of the branch.
        scaffold, misfit = ("", "") if under_way else _scaffold(item.issue, spec, github)
        if misfit:
            return conflict("no scaffold", misfit)
        task = plan_process.Task(
            issue_id=item.issue.pk,
            repository=repository.full_name,
            default_branch=repository.default_branch,
            now=clock.now(),
            generation=item.issue.handovers.count(),
            scaffold=scaffold,
            under_way=under_way,
            suspicions=() if _approved(item.issue, snapshot) else suspicions(snapshot.title, snapshot.body),
            written=written_by_us(item.issue),
        )
        return plan_process.plan(snapshot, spec, specialist, task, repository.grammar)


def _no_copilot(run: Run) -> str:
    """Told before anything is written: else each issue would get a scaffold that nobody works on."""
    return (
        f"Copilot cannot be assigned in {run.repository}: enable the coding agent for the repository, and let the "
        "hand-over credential be a user token with write access. Nothing was changed."
    )


def _workflow(snapshot: IssueSnapshot, specs: dict[str, WorkflowSpec], item: RunItem) -> WorkflowSpec | None:
    """The one workflow that the labels name; several or an unknown one are for a person to sort out."""
    named = item.run.repository.grammar.values(snapshot.labels, "workflow::")
    return specs.get(named[0]) if len(named) == 1 else None


def _scaffold(issue: Issue, spec: WorkflowSpec | None, github: GitHub) -> tuple[str, str]:
    """The branch of an earlier scaffold that still stands, and why it cannot be used; there is never a second one."""
    made = issue.effects.filter(kind="create_branch", state=Effect.State.APPLIED, reverted_at__isnull=True)
    last = made.select_related("item").order_by("-pk").first()
    if last is None:
        return "", ""
    branch, before = str(last.payload["branch"]), last.item.facts.get("workflow")
    stands = github.branch(branch) is not None
    if spec is None or before in (None, spec.slug):
        gone = f"The scaffold branch {branch} is gone from GitHub; restore it there from its pull request."
        return branch, "" if stands else gone
    other = (
        f"The scaffold branch {branch} was prepared for the workflow {before!r}; revert run {last.item.run_id}, "
        f"or delete the branch, to have one for {spec.slug!r}."
    )
    return "", other if stands else ""


def _under_way(issue: Issue) -> bool:
    """Handed over by a run that then failed to move the issue on; one that a person moved back is not meant."""
    last = issue.handovers.filter(outcome__in=Handover.OPEN).last()
    return last is not None and not issue.transitions.filter(after=State.COPILOT, at__gte=last.requested_at).exists()


def _approved(issue: Issue, snapshot: IssueSnapshot) -> bool:
    """Whether a person chose the workflow of this very text."""
    last = (
        issue.items.filter(run__kind="assign", state=RunItem.State.DONE, facts__by_person=True).order_by("-pk").first()
    )
    return last is not None and last.facts.get("text") == text_hash(snapshot.title, snapshot.body)

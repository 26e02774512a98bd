"""Sees to it that the labels a live run needs exist: the missing ones are created as effects like any other change."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.labels import length_problem
from pipeline.domain.plan import Plan, Planned, Verdict
from pipeline.domain.states import State
from pipeline.github.port import GitHub, GitHubError, IssueTarget, QuotaExhausted, Refused, Transient
from pipeline.models import Effect, Repository, RepositoryLabel, Run, RunItem, Source
from pipeline.services import claims, effects, guard, workflows

COLOURS = {"state": "1d76db", "workflow": "5319e7", "specialist": "0e8a16"}
OTHER_COLOUR = "fbca04"


def wanted(repository: Repository) -> dict[str, str]:
    """Label → description, for everything that a run may set in this repository."""
    grammar = repository.grammar
    found = {
        grammar.site_monitor: "Found by site monitoring",
        grammar.triage: "Waits for its workflow",
        grammar.needs_clarification: "A person has to say what this is",
    }
    found |= {grammar.state(state): f"Pipeline state: {state.value}" for state in State}
    for spec in workflows.in_force(repository).values():
        found[grammar.workflow(spec.slug)] = spec.name
        found[grammar.specialist(spec.specialist)] = "Specialist"
    for extra in Source.objects.filter(repository=repository, active=True).values_list("labels", flat=True):
        found |= {str(name): "Set by a source" for name in extra}
    return found


def ensure(run: Run, github: GitHub) -> None:
    """Create what is missing, before any item needs it; raises Refused when GitHub does not take a label.

    After a stop nothing is created: the items that follow meet the same guard.
    """
    needed = wanted(run.repository)
    if not _missing(run.repository, needed):
        return
    too_long = length_problem(needed)
    if too_long:
        raise Refused(f"{too_long} Nothing was changed.")
    _learn(run.repository, github)
    missing = _missing(run.repository, needed)
    if missing:
        _create(run, github, {name: needed[name] for name in missing})


def relearn(repository: Repository, github: GitHub) -> None:
    """Forget labels that people deleted or renamed on GitHub: their node ids name nothing, or another label.

    The next live run makes anew what it needs. A list without any label is a fault until proven. Raises GitHubError.
    """
    # Of a label that a run makes while the list is being read the list knows nothing.
    before = list(RepositoryLabel.objects.filter(repository=repository).values_list("pk", flat=True))
    found = github.labels()
    if not found:
        return
    with transaction.atomic():
        RepositoryLabel.objects.filter(pk__in=before).exclude(name__in=found).delete()
        _keep(repository, found)


def ids_of(repository: Repository) -> dict[str, str]:
    """Lower-cased label → node id, as the GraphQL writer wants them."""
    rows = RepositoryLabel.objects.filter(repository=repository)
    return {name.lower(): node_id for name, node_id in rows.values_list("name", "node_id")}


def _missing(repository: Repository, needed: dict[str, str]) -> list[str]:
    known = ids_of(repository)
    return [name for name in needed if name.lower() not in known]


def _learn(repository: Repository, github: GitHub) -> None:
    _keep(repository, github.labels())


def _keep(repository: Repository, found: Mapping[str, str]) -> None:
    for name, node_id in found.items():
        RepositoryLabel.objects.update_or_create(repository=repository, name=name, defaults={"node_id": node_id})


def _create(run: Run, github: GitHub, missing: dict[str, str]) -> None:
    now = clock.now()
    item = RunItem.objects.create(
        run=run,
        position=run.items.count(),
        live=True,
        state=RunItem.State.WORKING,
        stage=RunItem.Stage.WRITE,
        epoch=1,
        attempts=1,
        claimed_until=now + claims.lease(),
        started_at=now,
    )
    planned = tuple(
        Planned(changes.CreateLabel(name, _colour(name), description[:100])) for name, description in missing.items()
    )
    plan = Plan(Verdict.CHANGE, "labels", f"The repository lacked {len(missing)} of our labels.", planned)
    effects.store(item, plan)
    try:
        stopped = _send(run, github, item)
    except QuotaExhausted as error:
        effects.cancel_planned(item, str(error))
        claims.release(item, RunItem.State.DEFERRED, reason=str(error)[:500], error_type=RunItem.ErrorType.QUOTA)
        raise
    failed = list(item.effects.exclude(state=Effect.State.APPLIED).order_by("order"))
    if stopped:
        effects.cancel_planned(item, stopped)
        claims.release(item, RunItem.State.CANCELLED, reason=stopped[:500])
    elif failed:
        _settle_by_list(run, github, item, failed)
    else:
        claims.release(item, RunItem.State.DONE)


def _send(run: Run, github: GitHub, item: RunItem) -> str:
    """Until all are sent or one fails; why not, where a stop came first."""
    nowhere = IssueTarget(number=None, node_id="", body="")
    one_by_one = run.repository.protocol == Repository.Protocol.REST
    while rows := effects.next_rows(item, one_by_one=one_by_one):
        stopped = guard.why_not(item)
        if stopped:
            return stopped
        effects.send(item, rows, github, nowhere)
        if any(row.state != Effect.State.APPLIED for row in rows):
            break
    return ""


def _settle_by_list(run: Run, github: GitHub, item: RunItem, failed: list[Effect]) -> None:
    """A label that another worker made meanwhile, or whose answer was lost, shows in the list."""
    reason = failed[0].error or "GitHub did not create a label."
    try:
        _learn(run.repository, github)
    except GitHubError as error:
        reason = str(error)
    still = {name.lower() for name in _missing(run.repository, {row.payload["name"]: "" for row in failed})}
    for row in failed:
        if row.payload["name"].lower() not in still:
            Effect.objects.filter(pk=row.pk).update(state=Effect.State.APPLIED, settled_at=clock.now())
    unknown = [row for row in failed if row.state == Effect.State.UNKNOWN and row.payload["name"].lower() in still]
    if unknown:  # it may still land: looked up after the quarantine, like any other
        due = max(row.look_up_at for row in unknown if row.look_up_at)
        claims.release(
            item, RunItem.State.WAITING, due_at=due, error_type=RunItem.ErrorType.UNKNOWN, reason=reason[:500]
        )
        raise Transient(reason)
    effects.cancel_planned(item, reason)
    claims.release(item, RunItem.State.FAILED if still else RunItem.State.DONE, reason=reason[:500])
    if still:
        refused = any(row.state == Effect.State.REFUSED and row.payload["name"].lower() in still for row in failed)
        raise (Refused if refused else Transient)(f"{reason} Missing labels: {', '.join(sorted(still))}.")


def _colour(name: str) -> str:
    family = name.split("::", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]
    return COLOURS.get(family, OTHER_COLOUR)

"""Sees to it that the labels a live run needs exist: the missing ones are created as effects like any other change."""

from __future__ import annotations

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.plan import Plan, Planned, Verdict
from pipeline.domain.states import State
from pipeline.github.port import GitHub, IssueTarget, Refused
from pipeline.models import Effect, Repository, RepositoryLabel, Run, RunItem, Source
from pipeline.services import claims, effects, workflows

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
    """Create what is missing, before any item needs it; raises Refused when GitHub does not take a label."""
    needed = wanted(run.repository)
    if not _missing(run.repository, needed):
        return
    _learn(run.repository, github)
    missing = _missing(run.repository, needed)
    if missing:
        _create(run, github, {name: needed[name] for name in missing})


def ids_of(repository: Repository) -> dict[str, str]:
    """Lower-cased label → node id, as the GraphQL writer wants them."""
    rows = RepositoryLabel.objects.filter(repository=repository)
    return {name.lower(): node_id for name, node_id in rows.values_list("name", "node_id")}


def _missing(repository: Repository, needed: dict[str, str]) -> list[str]:
    known = ids_of(repository)
    return [name for name in needed if name.lower() not in known]


def _learn(repository: Repository, github: GitHub) -> None:
    for name, node_id in github.labels().items():
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
    rows = effects.send_step(item, 0, github, IssueTarget(number=None, node_id="", body=""))
    failed = [row for row in rows if row.state != Effect.State.APPLIED]
    if not failed:
        claims.release(item, RunItem.State.DONE)
        return
    # A label that another worker made meanwhile, or whose answer was lost, shows in the list.
    _learn(run.repository, github)
    still = _missing(run.repository, missing)
    reason = failed[0].error or "GitHub did not create a label."
    state = RunItem.State.FAILED if still else RunItem.State.DONE
    claims.release(item, state, reason=reason[:500])
    _settle_by_list(failed, {name.lower() for name in still})
    if still:
        raise Refused(f"{reason} Missing labels: {', '.join(still)}.")


def _settle_by_list(rows: list[Effect], still: set[str]) -> None:
    for row in rows:
        there = row.payload["name"].lower() not in still
        state = Effect.State.APPLIED if there else Effect.State.REFUSED
        Effect.objects.filter(pk=row.pk).update(state=state, settled_at=clock.now())


def _colour(name: str) -> str:
    family = name.split("::", maxsplit=1)[0].rsplit("/", maxsplit=1)[-1]
    return COLOURS.get(family, OTHER_COLOUR)

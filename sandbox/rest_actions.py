"""Actions: workflows, which can be switched off and on, and the runs that wait for approval."""

from __future__ import annotations

from typing import Any

from sandbox import rest
from sandbox.errors import not_found
from sandbox.ids import node_id
from sandbox.model import ActionsRun, ActionsWorkflow, Repository
from sandbox.routing import Request, Response, Routes
from sandbox.shapes import Shapes, iso

routes = Routes(prefix=rest.PREFIX, github=True)
ACTIONS = rest.REPO + "/actions"


def _show(shapes: Shapes, repository: Repository, workflow: ActionsWorkflow) -> dict[str, Any]:
    page = f"{shapes.html}/{repository.full_name}"
    return {
        "id": workflow.id,
        "node_id": node_id("W", workflow.id),
        "name": workflow.name,
        "path": workflow.path,
        "state": workflow.state,
        "created_at": iso(workflow.created_at),
        "updated_at": iso(workflow.created_at),
        "url": f"{shapes.repo_url(repository)}/actions/workflows/{workflow.id}",
        "html_url": f"{page}/blob/{repository.default_branch}/{workflow.path}",
        "badge_url": f"{page}/workflows/{workflow.name.replace(' ', '%20')}/badge.svg",
    }


@routes.route("GET", ACTIONS + "/workflows")
def workflows(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    shown = [_show(shapes, repository, workflow) for workflow in rest.visible(request, repository.workflows)]
    return Response.json({"total_count": len(shown), "workflows": shown})


@routes.route("GET", ACTIONS + "/workflows/{id}")
def workflow(request: Request) -> Response:
    repository, found = _workflow(request)
    return Response.json(_show(rest.shapes_of(request), repository, found))


@routes.route("PUT", ACTIONS + "/workflows/{id}/enable")
def enable(request: Request) -> Response:
    return _switch(request, "active")


@routes.route("PUT", ACTIONS + "/workflows/{id}/disable")
def disable(request: Request) -> Response:
    return _switch(request, "disabled_manually")


def _switch(request: Request, state: str) -> Response:
    repository, found = _workflow(request)
    rest.require_write(request, repository)
    request.call.note("workflow", found.state, state, path=found.path)
    found.state = state
    request.sandbox.world.touch()
    return Response.empty()


def _workflow(request: Request) -> tuple[Repository, ActionsWorkflow]:
    """By number or by file name."""
    repository, wanted = rest.repository_of(request), request.params["id"]
    for found in repository.workflows:
        if wanted in (str(found.id), found.path.rsplit("/", 1)[-1]):
            return repository, found
    raise not_found()


@routes.route("GET", ACTIONS + "/runs")
def runs(request: Request) -> Response:
    repository, shapes = rest.repository_of(request), rest.shapes_of(request)
    query = request.query
    found = [
        run
        for run in reversed(repository.runs)
        if query.get("branch", run.head_branch) == run.head_branch
        and query.get("head_sha", run.head_sha) == run.head_sha
        and query.get("status", run.status) in (run.status, run.conclusion)
    ]
    shown = [_show_run(shapes, repository, run) for run in rest.visible(request, found)]
    return Response.json({"total_count": len(shown), "workflow_runs": shown[:100]})


def _show_run(shapes: Shapes, repository: Repository, run: ActionsRun) -> dict[str, Any]:
    url = f"{shapes.repo_url(repository)}/actions/runs/{run.id}"
    page = f"{shapes.html}/{repository.full_name}/actions/runs/{run.id}"
    path = next((item.path for item in repository.workflows if item.id == run.workflow_id), "")
    parts = ("jobs", "logs", "artifacts", "cancel", "rerun")
    return {
        "id": run.id,
        "name": path,
        "node_id": node_id("WFR", run.id),
        "check_suite_id": run.id,
        "check_suite_node_id": node_id("CS", run.id),
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "path": path,
        "display_title": run.head_branch,
        "run_number": 1,
        "run_attempt": 1,
        "event": "pull_request",
        "status": run.status,
        "conclusion": run.conclusion,
        "workflow_id": run.workflow_id,
        "url": url,
        "html_url": page,
        "pull_requests": [],
        "created_at": iso(run.created_at),
        "updated_at": iso(run.created_at),
        "run_started_at": iso(run.created_at),
        "actor": shapes.user("Copilot"),
        "triggering_actor": shapes.user("Copilot"),
        **{f"{part}_url": f"{url}/{part}" for part in parts},
        "check_suite_url": f"{shapes.repo_url(repository)}/check-suites/{run.id}",
        "previous_attempt_url": None,
        "workflow_url": f"{shapes.repo_url(repository)}/actions/workflows/{run.workflow_id}",
        "head_commit": None,
        "repository": shapes.minimal_repository(repository),
        "head_repository": shapes.minimal_repository(repository),
    }

"""Plain pages for people who follow a link "open on GitHub". Everything shown is escaped."""

from __future__ import annotations

from html import escape

from sandbox import git
from sandbox.errors import Refusal
from sandbox.model import Issue, Repository
from sandbox.routing import Handler, Request, Response, Routes
from sandbox.world import Moved

routes = Routes()
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem;color:#1f2328}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f8fa;padding:1rem;border-radius:6px}"
    ".label{border:1px solid #d0d7de;border-radius:1rem;padding:0 .6rem;margin-right:.3rem;font-size:.85em}"
    ".quiet{color:#59636e}"
    "table{border-collapse:collapse;width:100%}td{padding:.3rem .5rem;border-top:1px solid #d0d7de}"
)
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def _page(title: str, body: str, status: int = 200) -> Response:
    text = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style></head><body><p class=quiet>Sandbox: a stand-in for GitHub. "
        f'<a href="/">All repositories</a></p>{body}</body></html>'
    )
    response = Response.html(text, status)
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


def _found(handler: Handler) -> Handler:
    """Under the lock; what is not there gets a page that says so."""

    def guarded(request: Request) -> Response:
        try:
            with request.sandbox.world.lock:
                return handler(request)
        except Moved as moved:
            full_name, _, number = moved.target.partition("#")
            return Response.empty(302, {"Location": f"/{full_name}/issues/{number}"})
        except Refusal as refusal:
            return _page("Not here", f"<h1>{escape(refusal.message)}</h1>", 404)

    return guarded


def _labels(issue: Issue) -> str:
    return "".join(f"<span class=label>{escape(name)}</span>" for name in issue.labels)


def _row(repository: Repository, issue: Issue) -> str:
    kind = "pull" if issue.pull else "issues"
    return (
        f'<tr><td>#{issue.number}</td><td><a href="/{escape(repository.full_name)}/{kind}/{issue.number}">'
        f"{escape(issue.title)}</a> {_labels(issue)}</td><td class=quiet>{_state(issue)}</td></tr>"
    )


def _state(issue: Issue) -> str:
    if issue.pull and issue.pull.merged_at:
        return "merged"
    return f"{issue.state}, draft" if issue.pull and issue.pull.draft and issue.state == "open" else issue.state


@routes.route("GET", "/")
@_found
def index(request: Request) -> Response:
    items = "".join(
        f'<li><a href="/{escape(item.full_name)}">{escape(item.full_name)}</a> '
        f"<span class=quiet>{escape(item.description)}</span></li>"
        for item in request.sandbox.world.state.repositories.values()
    )
    return _page("Repositories", f"<h1>Repositories</h1><ul>{items}</ul>")


@routes.route("GET", "/{owner}/{repo}")
@_found
def repository(request: Request) -> Response:
    found = _repository(request)
    rows = "".join(_row(found, issue) for issue in reversed(found.issues.values()) if not issue.deleted)
    files = _tree_link(found, found.default_branch)
    table = f"<table>{rows}</table>" if rows else "<p>No issues yet.</p>"
    return _page(found.full_name, f"<h1>{escape(found.full_name)}</h1><p>{files}</p>{table}")


@routes.route("GET", "/{owner}/{repo}/issues")
@_found
def issues(request: Request) -> Response:
    return repository(request)


@routes.route("GET", "/{owner}/{repo}/issues/{number}")
@routes.route("GET", "/{owner}/{repo}/pull/{number}")
@_found
def issue(request: Request) -> Response:
    found = _repository(request)
    text = request.params["number"]
    shown = request.sandbox.world.issue(found, int(text) if text.isdigit() else 0)
    people = ", ".join(escape(login) for login in shown.assignees) or "nobody"
    comments = "".join(
        f'<h3 id="issuecomment-{made.id}">{escape(made.author)} '
        f"<span class=quiet>{made.created_at:%Y-%m-%d %H:%M} UTC</span></h3>"
        f"<pre>{escape(made.body)}</pre>"
        for made in shown.comments
    )
    body = (
        f"<h1>{escape(shown.title)} <span class=quiet>#{shown.number}</span></h1>"
        f"<p>{_labels(shown)}</p>"
        f"<p class=quiet>{_state(shown)} · opened by {escape(shown.author)} · assigned to {people}"
        f"{' · locked' if shown.locked else ''}</p>{_pull(found, shown)}<pre>{escape(shown.body)}</pre>{comments}"
    )
    return _page(f"{shown.title} · #{shown.number}", body)


def _pull(found: Repository, shown: Issue) -> str:
    if shown.pull is None:
        return ""
    return f"<p>{_tree_link(found, shown.pull.head)} → {_tree_link(found, shown.pull.base)}</p>"


def _tree_link(found: Repository, branch: str) -> str:
    return f'<a href="/{escape(found.full_name)}/tree/{escape(branch)}">{escape(branch)}</a>'


@routes.route("GET", "/{owner}/{repo}/tree/{branch:path}")
@_found
def tree(request: Request) -> Response:
    """All files of a branch, with links."""
    found, branch = _repository(request), request.params["branch"]
    paths = git.listing(found.git, git.head(found.git, branch).tree)
    items = "".join(
        f'<li><a href="/{escape(found.full_name)}/blob/{escape(branch)}/{escape(path)}">{escape(path)}</a></li>'
        for path in paths
    )
    return _page(branch, f"<h1>{escape(branch)}</h1><ul>{items}</ul>")


@routes.route("GET", "/{owner}/{repo}/blob/{rest:path}")
@_found
def blob(request: Request) -> Response:
    """Branch names hold slashes too: the longest branch that fits is meant."""
    found, rest = _repository(request), request.params["rest"]
    names = sorted((ref.removeprefix("heads/") for ref in found.git.refs), key=len, reverse=True)
    branch = next((name for name in names if rest.startswith(f"{name}/")), "")
    path = rest[len(branch) + 1 :]
    entry = git.entry(found.git, git.head(found.git, branch).tree, path)
    if entry is None or entry[0] != "blob":
        raise Refusal(404, f"There is no file {path} on {branch}.")
    text = git.blob(found.git, entry[1]).decode(errors="replace")
    return _page(path, f"<h1>{escape(path)}</h1><p>{_tree_link(found, branch)}</p><pre>{escape(text)}</pre>")


def _repository(request: Request) -> Repository:
    return request.sandbox.world.repository(request.params["owner"], request.params["repo"])

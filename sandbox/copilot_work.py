"""The traces that Copilot leaves in a repository: branch, commits, pull request, timeline."""

from __future__ import annotations

from sandbox import git, issues, pulls
from sandbox.call import Call
from sandbox.model import ActionsRun, Issue, Repository, Session
from sandbox.world import World

WORK_IN_PROGRESS = "[WIP] "
FIRST_BODY = """Thanks for assigning this issue to me. I'm starting to work on it.

{quote}

Fixes #{number}."""
LAST_BODY = """{title}: the deliverables are filled in; sources and open questions stand at the end of each file.

Fixes #{number}."""
RESULT = """
<!-- simulated work of the sandbox's Copilot, part {part} -->

Findings for issue #{number}, "{title}": the source was read in full, its claims were checked against two independent
accounts, and what could not be confirmed is marked as such. Confidence: moderate.
"""


def open_pull(world: World, repository: Repository, issue: Issue, session: Session, call: Call) -> Issue:
    """Branch, empty first commit, draft pull request, and the events by which it is found."""
    store = repository.git
    base = git.head(store, session.base_branch)
    branch = _free_branch(repository, issue.number)
    sha = git.commit(store, base.tree, [base.sha], "Initial plan", call.actor, world.now())
    store.refs[f"heads/{branch}"] = sha
    session.branch = branch
    quote = "\n".join(f"> {line}" for line in issue.body.splitlines()[:40])
    body = FIRST_BODY.format(quote=quote, number=issue.number)[: issues.MAX_BODY]
    title = (WORK_IN_PROGRESS + issue.title)[: issues.MAX_TITLE]
    pull = pulls.create(world, repository, call, title, body, branch, session.base_branch, draft=True)
    pull.assignees = list(dict.fromkeys([session.by, call.actor]))
    issues.trace(world, issue, call, "connected")
    human = Call(session.by, "human")
    issues.trace(world, pull, human, "copilot_work_started")
    issues.touched(world, repository, issue, call)
    issues.touched(world, repository, pull, call)
    return pull


def commit(world: World, repository: Repository, issue: Issue, pull: Issue, session: Session, call: Call) -> None:
    """One commit that adds to the files it has been given, or to a report of its own."""
    store = repository.git
    head = git.head(store, session.branch or "")
    own = _task_files(repository, session) or [f"reports/issue-{issue.number}.md"]
    part, count = session.commits_made + 1, session.commits_made + session.commits_left
    chosen = own[session.commits_made :: max(count, 1)] or own[:1]
    text = RESULT.format(part=part, number=issue.number, title=issue.title)
    files: git.Files = {}
    for path in chosen:
        found = git.entry(store, head.tree, path)
        before = git.blob(store, found[1]) if found and found[0] == "blob" else f"# {issue.title}\n".encode()
        files[path] = before + text.encode()
    message = f"Work on #{issue.number}, part {part}"
    sha = git.commit(store, git.with_files(store, head.tree, files), [head.sha], message, call.actor, world.now())
    store.refs[f"heads/{session.branch}"] = sha
    call.note("ref", head.sha, sha, ref=f"refs/heads/{session.branch}", files=sorted(files))
    issues.trace(world, pull, call, "committed", commit_id=sha)
    issues.touched(world, repository, pull, call)
    issues.emit(world, repository, pull, call, "synchronize")


def finish(world: World, repository: Repository, issue: Issue, pull: Issue, session: Session, call: Call) -> None:
    """The title loses its [WIP], and a person is asked to review. It stays a draft, as the real one's does."""
    body = LAST_BODY.format(title=issue.title, number=issue.number)
    pulls.edit(world, repository, pull, call, pull.title.removeprefix(WORK_IN_PROGRESS), body)
    issues.trace(world, pull, call, "copilot_work_finished")
    pulls.request_review(world, repository, pull, call, session.by)


def await_approval(world: World, repository: Repository, pull: Issue) -> None:
    """Every Actions workflow gets a run that nobody has approved yet."""
    half = pulls.half(pull)
    sha = pulls.head_sha(repository, pull)
    for workflow in repository.workflows:
        run = ActionsRun(world.next_id(), workflow.id, half.head, sha, world.now(), "completed", "action_required")
        repository.runs.append(run)
    world.touch()


def approve_runs(world: World, repository: Repository, pull: Issue) -> None:
    for run in repository.runs:
        if run.head_branch == pulls.half(pull).head and run.conclusion == "action_required":
            run.conclusion = "success"
    world.touch()


def _task_files(repository: Repository, session: Session) -> list[str]:
    """The files that the base branch has and the default branch lacks."""
    if session.base_branch == repository.default_branch:
        return []
    store = repository.git
    base = git.head(store, session.base_branch).sha
    meeting = git.merge_base(store, base, git.head(store, repository.default_branch).sha)
    return [path for path, (_, after) in git.changed(store, meeting, base).items() if after]


def _free_branch(repository: Repository, number: int) -> str:
    name, again = f"copilot/fix-{number}", 2
    while f"heads/{name}" in repository.git.refs:
        name, again = f"copilot/fix-{number}-{again}", again + 1
    return name

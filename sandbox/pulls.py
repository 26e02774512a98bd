"""What can be done to a pull request."""

from __future__ import annotations

from sandbox import git, issues, references
from sandbox.call import Call
from sandbox.errors import Refusal, not_found, validation_failed
from sandbox.model import Issue, Pull, Repository, Review
from sandbox.world import World


def create(
    world: World, repository: Repository, call: Call, title: str, body: str, head: str, base: str, draft: bool = False
) -> Issue:
    """`head` may be written owner:branch."""
    issues.check_writable(repository)
    issues.check_text(title, body, "PullRequest")
    head = head.rpartition(":")[2]
    refs = repository.git.refs
    for name, field in ((head, "head"), (base, "base")):
        if f"heads/{name}" not in refs:
            raise validation_failed("PullRequest", field, "invalid")
    if find_open(repository, head, base):
        message = f"A pull request already exists for {repository.owner}:{head}."
        raise validation_failed("PullRequest", "base", "custom", message)
    head_sha, base_sha = refs[f"heads/{head}"], refs[f"heads/{base}"]
    if not git.ahead(repository.git, base_sha, head_sha):
        raise validation_failed("PullRequest", "base", "custom", f"No commits between {base} and {head}")
    repository.last_number += 1
    now = world.now()
    issue = Issue(world.next_id(), repository.last_number, title, body, call.actor, now, now)
    issue.pull = Pull(world.next_id(), head, base, head_sha, base_sha, draft)
    repository.issues[issue.number] = issue
    for commit in git.ahead(repository.git, base_sha, head_sha):
        issues.trace(world, issue, call, "committed", commit_id=commit.sha)
    call.note("pull", None, issue.number, title=title, head=head, base=base)
    refer(world, repository, issue, call)
    issues.touched(world, repository, issue, call)
    issues.emit(world, repository, issue, call, "opened")
    return issue


def find_open(repository: Repository, head: str, base: str | None = None) -> list[Issue]:
    return [
        issue
        for issue in repository.issues.values()
        if issue.pull and issue.state == "open" and issue.pull.head == head and base in (None, issue.pull.base)
    ]


def refer(world: World, repository: Repository, issue: Issue, call: Call) -> None:
    """Leave a cross-reference on each issue that the text names, once; note which ones a merge would close.

    Keywords count for pull requests into the default branch only.
    """
    pull = half(issue)
    pull.closes = references.closing(issue.body) if pull.base == repository.default_branch else []
    for number in references.mentioned(f"{issue.title}\n{issue.body}"):
        target = repository.issues.get(number)
        if target is None or target is issue or target.deleted or _refers(target, issue.number):
            continue
        issues.trace(world, target, call, "cross-referenced", repository=repository.full_name, number=issue.number)


def _refers(target: Issue, number: int) -> bool:
    return any(entry.event == "cross-referenced" and entry.data["number"] == number for entry in target.timeline)


def edit(
    world: World,
    repository: Repository,
    issue: Issue,
    call: Call,
    title: str | None,
    body: str | None,
    base: str | None = None,
) -> None:
    pull = half(issue)
    issues.check_writable(repository)
    issues.check_text(title, body, "PullRequest")
    if base is not None and base != pull.base:
        if f"heads/{base}" not in repository.git.refs:
            raise validation_failed("PullRequest", "base", "invalid")
        call.note("base", pull.base, base)
        pull.base = base
    issues.edit(world, repository, issue, call, title, body)
    refer(world, repository, issue, call)


def close(world: World, repository: Repository, issue: Issue, call: Call) -> None:
    _freeze(repository, issue)
    issues.set_state(world, repository, issue, call, "closed")


def reopen(world: World, repository: Repository, issue: Issue, call: Call) -> None:
    if half(issue).merged_at or f"heads/{half(issue).head}" not in repository.git.refs:
        raise validation_failed("PullRequest", "state", "invalid")
    issues.set_state(world, repository, issue, call, "open")


def ready(world: World, repository: Repository, issue: Issue, call: Call) -> None:
    pull = half(issue)
    if not pull.draft:
        return
    pull.draft = False
    call.note("draft", True, False)
    issues.trace(world, issue, call, "ready_for_review")
    issues.touched(world, repository, issue, call)
    issues.emit(world, repository, issue, call, "ready_for_review")


def request_review(world: World, repository: Repository, issue: Issue, call: Call, login: str) -> None:
    pull = half(issue)
    if login not in pull.requested_reviewers:
        pull.requested_reviewers.append(login)
    issues.trace(world, issue, call, "review_requested", review_requester=call.actor, requested_reviewer=login)
    issues.touched(world, repository, issue, call)
    issues.emit(world, repository, issue, call, "review_requested")


def review(world: World, repository: Repository, issue: Issue, call: Call, state: str, body: str) -> Review:
    made = Review(world.next_id(), call.actor, state, body, world.now(), head_sha(repository, issue))
    half(issue).reviews.append(made)
    issues.trace(world, issue, call, "reviewed", state=state.lower(), body=body)
    call.note("review", None, state)
    issues.touched(world, repository, issue, call)
    return made


def merge(world: World, repository: Repository, issue: Issue, call: Call, title: str | None = None) -> str:
    """Merge, and close what the text says is fixed when it goes into the default branch. The sha of the merge."""
    issues.check_writable(repository)
    pull, store = half(issue), repository.git
    if pull.merged_at or issue.state == "closed" or pull.conflicts:
        raise Refusal(405, "Pull Request is not mergeable")
    if pull.draft:
        raise Refusal(405, "Pull Request is still a draft")
    _freeze(repository, issue)
    sha = _merge_commit(world, repository, issue, call, title)
    store.refs[f"heads/{pull.base}"] = sha
    pull.merge_sha, pull.merged_at, pull.merged_by = sha, world.now(), call.actor
    call.note("merged", None, issue.number, base=pull.base, sha=sha)
    issues.trace(world, issue, call, "merged", commit_id=sha)
    issues.set_state(world, repository, issue, call, "closed")
    for number in pull.closes:
        target = repository.issues.get(number)
        if target and not target.pull and not target.deleted and pull.base == repository.default_branch:
            issues.set_state(world, repository, target, call, "closed", "completed")
    call.about(repository.full_name, issue.number)
    return sha


def _merge_commit(world: World, repository: Repository, issue: Issue, call: Call, title: str | None) -> str:
    """Three-way by file: where both sides changed one, the pull request wins."""
    pull, store = half(issue), repository.git
    meeting = git.merge_base(store, pull.head_sha, pull.base_sha)
    files: git.Files = {
        path: git.blob(store, after) if after else None
        for path, (_, after) in git.changed(store, meeting, pull.head_sha).items()
    }
    tree = git.with_files(store, store.commits[pull.base_sha].tree, files)
    message = title or f"Merge pull request #{issue.number} from {repository.owner}/{pull.head}\n\n{issue.title}"
    return git.commit(store, tree, [pull.base_sha, pull.head_sha], message, call.actor, world.now())


def _freeze(repository: Repository, issue: Issue) -> None:
    pull, refs = half(issue), repository.git.refs
    pull.head_sha = refs.get(f"heads/{pull.head}", pull.head_sha)
    pull.base_sha = refs.get(f"heads/{pull.base}", pull.base_sha)


def head_sha(repository: Repository, issue: Issue) -> str:
    pull = half(issue)
    if issue.state == "closed":
        return pull.head_sha
    return repository.git.refs.get(f"heads/{pull.head}", pull.head_sha)


def delete_branch(world: World, repository: Repository, call: Call, short: str) -> None:
    """Open pull requests from it are closed, as GitHub does."""
    issues.check_writable(repository)
    if short not in repository.git.refs:
        raise Refusal(422, "Reference does not exist")
    name = short.removeprefix("heads/")
    if name == repository.default_branch:
        raise Refusal(422, "Cannot delete the default branch")
    for issue in find_open(repository, name):
        close(world, repository, issue, call)
    call.about(repository.full_name)
    call.note("ref", repository.git.refs.pop(short), None, ref=f"refs/{short}")
    world.touch()


def obstruct(world: World, issue: Issue, call: Call, conflicts: bool, checks: str) -> None:
    """What stands in the way of a merge, as others and Actions bring it about: it is no change of the pull request."""
    if checks not in ("", "success", "failure"):
        raise ValueError(f"Checks come out as success or failure, or there are none; {checks!r} is neither.")
    pull = half(issue)
    call.note("obstacle", [pull.conflicts, pull.checks], [conflicts, checks])
    pull.conflicts, pull.checks = conflicts, checks
    world.touch()


def half(issue: Issue) -> Pull:
    if issue.pull is None:
        raise not_found()
    return issue.pull

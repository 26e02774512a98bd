"""Repositories, branches, commits, files and pull requests, as REST shows them."""

from __future__ import annotations

import base64
from typing import Any

from sandbox import git
from sandbox.ids import node_id, text_id
from sandbox.model import Commit, Issue, Pull, Repository, Review
from sandbox.shapes import Json, Shapes, iso, unsigned


def full_repository(shapes: Shapes, repository: Repository) -> Json:
    page = f"{shapes.html}/{repository.full_name}"
    open_count = sum(1 for issue in repository.issues.values() if issue.state == "open" and not issue.deleted)
    created = iso(repository.created_at)
    return shapes.minimal_repository(repository) | {
        "git_url": f"git:{page.split(':', 1)[1]}.git",
        "ssh_url": f"git@localhost:{repository.full_name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "mirror_url": None,
        "homepage": None,
        "language": "Markdown",
        "forks_count": 0, "forks": 0, "stargazers_count": 0, "watchers_count": 0, "watchers": 0, "size": 1,
        "subscribers_count": 0, "network_count": 0,
        "default_branch": repository.default_branch,
        "open_issues_count": open_count, "open_issues": open_count,
        "is_template": False, "topics": [],
        "has_issues": True, "has_projects": False, "has_wiki": False, "has_pages": False, "has_downloads": False,
        "has_discussions": False, "has_pull_requests": True,
        "archived": repository.archived, "disabled": False,
        "visibility": "private" if repository.private else "public",
        "pushed_at": created, "created_at": created, "updated_at": created,
        "permissions": {"admin": True, "maintain": True, "push": True, "triage": True, "pull": True},
        "allow_rebase_merge": True, "allow_squash_merge": True, "allow_merge_commit": True, "allow_auto_merge": False,
        "delete_branch_on_merge": False, "allow_forking": True, "web_commit_signoff_required": False, "license": None,
    }  # fmt: skip


def person(commit: Commit) -> Json:
    return {"name": commit.author, "email": f"{commit.author}@users.noreply.github.com", "date": iso(commit.created_at)}


def commit(shapes: Shapes, repository: Repository, found: Commit) -> Json:
    """As `/commits` shows it."""
    url, page = shapes.repo_url(repository), f"{shapes.html}/{repository.full_name}/commit"
    return {
        "sha": found.sha,
        "node_id": text_id("C", repository.id, found.sha),
        "commit": {
            "author": person(found),
            "committer": person(found),
            "message": found.message,
            "tree": {"sha": found.tree, "url": f"{url}/git/trees/{found.tree}"},
            "url": f"{url}/git/commits/{found.sha}",
            "comment_count": 0,
            "verification": unsigned(),
        },
        "url": f"{url}/commits/{found.sha}",
        "html_url": f"{page}/{found.sha}",
        "comments_url": f"{url}/commits/{found.sha}/comments",
        "author": shapes.user(found.author),
        "committer": shapes.user(found.author),
        "parents": [{"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/{sha}"} for sha in found.parents],
    }


def git_commit(shapes: Shapes, repository: Repository, found: Commit) -> Json:
    """As `/git/commits` shows it."""
    url, page = shapes.repo_url(repository), f"{shapes.html}/{repository.full_name}/commit"
    return {
        "sha": found.sha,
        "node_id": text_id("C", repository.id, found.sha),
        "url": f"{url}/git/commits/{found.sha}",
        "html_url": f"{page}/{found.sha}",
        "author": person(found),
        "committer": person(found),
        "message": found.message,
        "tree": {"sha": found.tree, "url": f"{url}/git/trees/{found.tree}"},
        "parents": [
            {"sha": sha, "url": f"{url}/git/commits/{sha}", "html_url": f"{page}/{sha}"} for sha in found.parents
        ],
        "verification": unsigned(),
    }


def branch(shapes: Shapes, repository: Repository, name: str) -> Json:
    url = f"{shapes.repo_url(repository)}/branches/{name}"
    return {
        "name": name,
        "commit": commit(shapes, repository, git.head(repository.git, name)),
        "_links": {"self": url, "html": f"{shapes.html}/{repository.full_name}/tree/{name}"},
        "protected": False,
        "protection": {
            "enabled": False,
            "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
        },
        "protection_url": f"{url}/protection",
    }


def ref(shapes: Shapes, repository: Repository, short: str) -> Json:
    """`short`: "heads/main"."""
    url, sha = shapes.repo_url(repository), repository.git.refs[short]
    return {
        "ref": f"refs/{short}",
        "node_id": text_id("REF", repository.id, f"refs/{short}"),
        "url": f"{url}/git/refs/{short}",
        "object": {"sha": sha, "type": "commit", "url": f"{url}/git/commits/{sha}"},
    }


def tree(shapes: Shapes, repository: Repository, sha: str, recursive: bool) -> Json:
    url = f"{shapes.repo_url(repository)}/git"
    entries = _tree_entries(url, repository, sha, "", recursive)
    return {"sha": sha, "url": f"{url}/trees/{sha}", "tree": entries, "truncated": False}


def _tree_entries(url: str, repository: Repository, sha: str, prefix: str, recursive: bool) -> list[Json]:
    entries: list[Json] = []
    for name, (mode, kind, held) in repository.git.trees[sha].items():
        entry: Json = {
            "path": f"{prefix}{name}",
            "mode": mode,
            "type": kind,
            "sha": held,
            "url": f"{url}/{kind}s/{held}",
        }
        if kind == "blob":
            entry["size"] = len(git.blob(repository.git, held))
        entries.append(entry)
        if kind == "tree" and recursive:
            entries += _tree_entries(url, repository, held, f"{prefix}{name}/", recursive)
    return entries


def content(shapes: Shapes, repository: Repository, path: str, kind: str, sha: str, at: str, whole: bool) -> Json:
    """One file or folder as `/contents` shows it; `whole` adds the file's text."""
    url, page = shapes.repo_url(repository), f"{shapes.html}/{repository.full_name}"
    own = f"{url}/contents/{path}?ref={at}"
    is_file = kind == "blob"
    raw = git.blob(repository.git, sha) if is_file else b""
    download = f"{page}/raw/{at}/{path}" if is_file else None
    shape: Json = {
        "type": "file" if is_file else "dir",
        "size": len(raw),
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": sha,
        "url": own,
        "git_url": f"{url}/git/{kind}s/{sha}",
        "html_url": f"{page}/{'blob' if is_file else 'tree'}/{at}/{path}",
        "download_url": download,
        "_links": {
            "git": f"{url}/git/{kind}s/{sha}",
            "self": own,
            "html": f"{page}/{'blob' if is_file else 'tree'}/{at}/{path}",
        },
    }
    if whole:
        shape |= {"encoding": "base64", "content": base64.encodebytes(raw).decode()}
    return shape


def changed_files(shapes: Shapes, repository: Repository, base: str | None, head: str) -> list[Json]:
    store, url = repository.git, shapes.repo_url(repository)
    files: list[Json] = []
    for path, (before, after) in git.changed(store, base, head).items():
        plus = _lines(repository, after)
        minus = _lines(repository, before)
        files.append(
            {
                "sha": after or before,
                "filename": path,
                "status": "added" if before is None else "removed" if after is None else "modified",
                "additions": plus, "deletions": minus, "changes": plus + minus,
                "blob_url": f"{shapes.html}/{repository.full_name}/blob/{head}/{path}",
                "raw_url": f"{shapes.html}/{repository.full_name}/raw/{head}/{path}",
                "contents_url": f"{url}/contents/{path}?ref={head}",
            }
        )  # fmt: skip
    return files


def _lines(repository: Repository, sha: str | None) -> int:
    return git.blob(repository.git, sha).count(b"\n") if sha else 0


def comparison(shapes: Shapes, repository: Repository, base: Commit, head: Commit) -> Json:
    store, page = repository.git, f"{shapes.html}/{repository.full_name}"
    meeting = git.merge_base(store, head.sha, base.sha)
    ahead, behind = git.ahead(store, base.sha, head.sha), git.ahead(store, head.sha, base.sha)
    status = "diverged" if ahead and behind else "ahead" if ahead else "behind" if behind else "identical"
    url = f"{shapes.repo_url(repository)}/compare/{base.sha}...{head.sha}"
    return {
        "url": url,
        "html_url": f"{page}/compare/{base.sha}...{head.sha}",
        "permalink_url": f"{page}/compare/{base.sha}...{head.sha}",
        "diff_url": f"{page}/compare/{base.sha}...{head.sha}.diff",
        "patch_url": f"{page}/compare/{base.sha}...{head.sha}.patch",
        "base_commit": commit(shapes, repository, base),
        "merge_base_commit": commit(shapes, repository, store.commits[meeting] if meeting else base),
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "commits": [commit(shapes, repository, item) for item in ahead],
        "files": changed_files(shapes, repository, meeting, head.sha),
    }


def _end(shapes: Shapes, repository: Repository, name: str, sha: str) -> Json:
    return {
        "label": f"{repository.owner}:{name}",
        "ref": name,
        "sha": sha,
        "user": shapes.user(repository.owner),
        "repo": full_repository(shapes, repository),
    }


def simple_pull(shapes: Shapes, repository: Repository, issue: Issue) -> Json:
    """A pull request as lists show it."""
    pull = pull_half(issue)
    url, page = f"{shapes.repo_url(repository)}/pulls/{issue.number}", shapes.issue_html(repository, issue)
    head_sha, base_sha = shas(repository, issue)
    base = shapes.issue(repository, issue)
    names = ("id", "node_id", "number", "state", "locked", "title", "user", "body", "labels", "milestone",
             "active_lock_reason", "created_at", "updated_at", "closed_at", "assignee", "assignees",
             "author_association", "html_url", "comments_url")  # fmt: skip
    links = {
        "self": url, "html": page, "issue": base["url"], "comments": base["comments_url"],
        "review_comments": f"{url}/comments", "review_comment": f"{url}/comments{{/number}}",
        "commits": f"{url}/commits", "statuses": f"{shapes.repo_url(repository)}/statuses/{head_sha}",
    }  # fmt: skip
    return {name: base[name] for name in names} | {
        "id": pull.id,
        "url": url,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": base["url"],
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "statuses_url": links["statuses"],
        "merged_at": iso(pull.merged_at),
        "merge_commit_sha": pull.merge_sha,
        "requested_reviewers": [shapes.user(login) for login in pull.requested_reviewers],
        "requested_teams": [],
        "head": _end(shapes, repository, pull.head, head_sha),
        "base": _end(shapes, repository, pull.base, base_sha),
        "_links": {name: {"href": href} for name, href in links.items()},
        "auto_merge": None,
        "draft": pull.draft,
    }


def pull_request(shapes: Shapes, repository: Repository, issue: Issue) -> Json:
    """One pull request in full."""
    pull, store = pull_half(issue), repository.git
    head_sha, base_sha = shas(repository, issue)
    meeting = git.merge_base(store, head_sha, base_sha)
    files = changed_files(shapes, repository, meeting, head_sha)
    return simple_pull(shapes, repository, issue) | {
        "merged": pull.merged_at is not None,
        "mergeable": None if pull.merged_at else not pull.conflicts,
        "rebaseable": None if pull.merged_at else True,
        "mergeable_state": _mergeable_state(pull),
        "merged_by": shapes.maybe_user(pull.merged_by),
        "comments": len(issue.comments),
        "review_comments": 0,
        "maintainer_can_modify": False,
        "commits": len(git.ahead(store, base_sha, head_sha)),
        "additions": sum(file["additions"] for file in files),
        "deletions": sum(file["deletions"] for file in files),
        "changed_files": len(files),
    }


def _mergeable_state(pull: Pull) -> str:
    if pull.merged_at:
        return "unknown"
    if pull.conflicts:
        return "dirty"
    if pull.draft:
        return "draft"
    return "unstable" if pull.checks == "failure" else "clean"


def pull_half(issue: Issue) -> Any:
    if issue.pull is None:
        raise ValueError(f"Issue {issue.number} is no pull request.")
    return issue.pull


def shas(repository: Repository, issue: Issue) -> tuple[str, str]:
    """Head and base: those of the branches while it is open, frozen afterwards."""
    pull, refs = pull_half(issue), repository.git.refs
    if issue.state == "closed":
        return pull.head_sha, pull.base_sha
    return refs.get(f"heads/{pull.head}", pull.head_sha), refs.get(f"heads/{pull.base}", pull.base_sha)


def review(shapes: Shapes, repository: Repository, issue: Issue, found: Review) -> Json:
    url = f"{shapes.repo_url(repository)}/pulls/{issue.number}"
    page = f"{shapes.issue_html(repository, issue)}#pullrequestreview-{found.id}"
    return {
        "id": found.id,
        "node_id": node_id("PRR", found.id),
        "user": shapes.user(found.author),
        "body": found.body,
        "state": found.state,
        "html_url": page,
        "pull_request_url": url,
        "_links": {"html": {"href": page}, "pull_request": {"href": url}},
        "submitted_at": iso(found.submitted_at),
        "commit_id": found.commit_id,
        "author_association": shapes.association(repository, found.author),
    }

"""People, issues and what hangs on them, as REST shows them."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from sandbox import labels as label_store
from sandbox.ids import account_node_id, node_id
from sandbox.model import COPILOT_APP, COPILOT_LOGIN, Comment, Entry, Issue, Label, Repository
from sandbox.world import World

Json = dict[str, Any]
REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
COPILOT_EVENTS = ("copilot_work_started", "copilot_work_finished", "copilot_work_finished_failure")


def iso(moment: datetime | None) -> str | None:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


class Shapes:
    """Bound to a world and to the address by which the client knows the server."""

    def __init__(self, world: World, base_url: str) -> None:
        self.world = world
        self.html = base_url
        self.api = f"{base_url}/api/v3"

    def repo_url(self, repository: Repository) -> str:
        return f"{self.api}/repos/{repository.full_name}"

    def user(self, login: str) -> Json:
        account = self.world.account(login)
        url = f"{self.api}/users/{account.login}"
        copilot = account.login == COPILOT_LOGIN
        page = "https://github.com/apps/copilot-swe-agent" if copilot else f"{self.html}/{account.login}"
        names = ("followers", "subscriptions", "repos", "received_events")
        return {
            "login": account.login,
            "id": account.id,
            "node_id": account_node_id(account),
            "avatar_url": f"{self.html}/avatars/{account.id}",
            "gravatar_id": "",
            "url": url,
            "html_url": page,
            "organizations_url": f"{url}/orgs",
            "following_url": f"{url}/following{{/other_user}}",
            "gists_url": f"{url}/gists{{/gist_id}}",
            "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
            "events_url": f"{url}/events{{/privacy}}",
            **{f"{name}_url": f"{url}/{name}" for name in names},
            "type": account.type,
            "site_admin": False,
            "user_view_type": "public",
        }

    def maybe_user(self, login: str | None) -> Json | None:
        return self.user(login) if login else None

    def association(self, repository: Repository, login: str) -> str:
        if login == repository.owner:
            return "OWNER"
        return "COLLABORATOR" if login in repository.collaborators else "NONE"

    def label(self, repository: Repository, label: Label) -> Json:
        return {
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": f"{self.repo_url(repository)}/labels/{label.name.replace(' ', '%20')}",
            "name": label.name,
            "color": label.color,
            "default": label.is_default,
            "description": label.description,
        }

    def issue_labels(self, repository: Repository, issue: Issue) -> list[Json]:
        found = (label_store.find(repository, name) for name in issue.labels)
        return [self.label(repository, label) for label in found if label]

    def issue_html(self, repository: Repository, issue: Issue) -> str:
        return f"{self.html}/{repository.full_name}/{'pull' if issue.pull else 'issues'}/{issue.number}"

    def issue(self, repository: Repository, issue: Issue) -> Json:
        url = f"{self.repo_url(repository)}/issues/{issue.number}"
        assignees = [self.user(login) for login in issue.assignees]
        shape: Json = {
            "url": url,
            "repository_url": self.repo_url(repository),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": self.issue_html(repository, issue),
            "id": issue.id,
            "node_id": node_id("PR" if issue.pull else "I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.user(issue.author),
            "labels": self.issue_labels(repository, issue),
            "state": issue.state,
            "locked": issue.locked,
            "assignee": assignees[0] if assignees else None,
            "assignees": assignees,
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": iso(issue.created_at),
            "updated_at": iso(issue.updated_at),
            "closed_at": iso(issue.closed_at),
            "author_association": self.association(repository, issue.author),
            "active_lock_reason": issue.lock_reason,
            "body": issue.body or None,
            "closed_by": self.maybe_user(issue.closed_by),
            "reactions": {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)},
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": None,
            "state_reason": issue.state_reason,
        }
        if issue.pull:
            pull = f"{self.repo_url(repository)}/pulls/{issue.number}"
            page = self.issue_html(repository, issue)
            shape["draft"] = issue.pull.draft
            shape["pull_request"] = {
                "url": pull,
                "html_url": page,
                "diff_url": f"{page}.diff",
                "patch_url": f"{page}.patch",
                "merged_at": iso(issue.pull.merged_at),
            }
        return shape

    def comment(self, repository: Repository, issue: Issue, comment: Comment) -> Json:
        url = f"{self.repo_url(repository)}/issues/comments/{comment.id}"
        return {
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "url": url,
            "html_url": f"{self.issue_html(repository, issue)}#issuecomment-{comment.id}",
            "issue_url": f"{self.repo_url(repository)}/issues/{issue.number}",
            "user": self.user(comment.author),
            "created_at": iso(comment.created_at),
            "updated_at": iso(comment.updated_at),
            "author_association": self.association(repository, comment.author),
            "body": comment.body,
            "reactions": {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(REACTIONS, 0)},
            "performed_via_github_app": None,
        }

    def timeline(self, repository: Repository, issue: Issue) -> list[Json]:
        """Events and comments, oldest first."""
        entries = [
            (entry.created_at, entry.id, self.entry(repository, entry) | self._review(repository, issue, entry))
            for entry in issue.timeline
        ]
        for made in issue.comments:
            shape = self.comment(repository, issue, made) | {"event": "commented", "actor": self.user(made.author)}
            entries.append((made.created_at, made.id, shape))
        return [shape for _, _, shape in sorted(entries, key=lambda item: item[:2])]

    def entry(self, repository: Repository, entry: Entry) -> Json:
        if entry.event == "cross-referenced":
            return self._cross_reference(entry)
        if entry.event == "committed":
            return self._committed(repository, entry)
        shape: Json = {
            "id": entry.id,
            "node_id": node_id("EV", entry.id),
            "url": f"{self.repo_url(repository)}/issues/events/{entry.id}",
            "actor": self.user(entry.actor),
            "event": entry.event,
            "commit_id": entry.data.get("commit_id"),
            "commit_url": None,
            "created_at": iso(entry.created_at),
            "performed_via_github_app": self._app() if entry.event in COPILOT_EVENTS else None,
        }
        for name, value in entry.data.items():
            shape[name] = self.user(value) if name in ("assignee", "review_requester", "requested_reviewer") else value
        return shape

    def _review(self, repository: Repository, issue: Issue, entry: Entry) -> Json:
        """What only a review's entry has."""
        if entry.event != "reviewed":
            return {}
        page = f"{self.issue_html(repository, issue)}#pullrequestreview-{entry.id}"
        return {"user": self.user(entry.actor), "submitted_at": iso(entry.created_at), "html_url": page}

    def _cross_reference(self, entry: Entry) -> Json:
        source = self.world.named(entry.data["repository"])
        issue = source.issues[entry.data["number"]]
        shape = self.issue(source, issue) | {"repository": self.minimal_repository(source)}
        return {
            "event": "cross-referenced",
            "actor": self.user(entry.actor),
            "created_at": iso(entry.created_at),
            "updated_at": iso(entry.created_at),
            "source": {"type": "issue", "issue": shape},
        }

    def _committed(self, repository: Repository, entry: Entry) -> Json:
        commit = repository.git.commits[entry.data["commit_id"]]
        email = f"{commit.author}@users.noreply.github.com"
        person = {"name": commit.author, "email": email, "date": iso(commit.created_at)}
        url = f"{self.repo_url(repository)}/git"
        page = f"{self.html}/{repository.full_name}"
        return {
            "event": "committed",
            "sha": commit.sha,
            "node_id": node_id("C", entry.id),
            "url": f"{url}/commits/{commit.sha}",
            "html_url": f"{page}/commit/{commit.sha}",
            "author": person,
            "committer": person,
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{url}/trees/{commit.tree}"},
            "parents": [
                {"sha": sha, "url": f"{url}/commits/{sha}", "html_url": f"{page}/commit/{sha}"}
                for sha in commit.parents
            ],
            "verification": unsigned(),
        }

    def _app(self) -> Json:
        return {
            **COPILOT_APP,
            "node_id": "A_kwHOABEybc4AEXIN",
            "owner": self.user("github"),
            "description": None,
            "external_url": "https://copilot.github.com",
            "html_url": "https://github.com/apps/copilot-swe-agent",
            "created_at": "2025-02-01T00:00:00Z",
            "updated_at": "2025-02-01T00:00:00Z",
            "permissions": {"contents": "write", "issues": "write", "pull_requests": "write", "metadata": "read"},
            "events": [],
        }

    def minimal_repository(self, repository: Repository) -> Json:
        url = self.repo_url(repository)
        return {
            "id": repository.id,
            "node_id": node_id("R", repository.id),
            "name": repository.name,
            "full_name": repository.full_name,
            "private": repository.private,
            "owner": self.user(repository.owner),
            "html_url": f"{self.html}/{repository.full_name}",
            "description": repository.description or None,
            "fork": False,
            "url": url,
            **{f"{name}_url": f"{url}/{path}" for name, path in REPOSITORY_URLS.items()},
        }


def unsigned() -> Json:
    return {"verified": False, "reason": "unsigned", "signature": None, "payload": None, "verified_at": None}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


REPOSITORY_URLS = {
    "archive": "{archive_format}{/ref}",
    "assignees": "assignees{/user}",
    "blobs": "git/blobs{/sha}",
    "branches": "branches{/branch}",
    "collaborators": "collaborators{/collaborator}",
    "comments": "comments{/number}",
    "commits": "commits{/sha}",
    "compare": "compare/{base}...{head}",
    "contents": "contents/{+path}",
    "contributors": "contributors",
    "deployments": "deployments",
    "downloads": "downloads",
    "events": "events",
    "forks": "forks",
    "git_commits": "git/commits{/sha}",
    "git_refs": "git/refs{/sha}",
    "git_tags": "git/tags{/sha}",
    "hooks": "hooks",
    "issue_comment": "issues/comments{/number}",
    "issue_events": "issues/events{/number}",
    "issues": "issues{/number}",
    "keys": "keys{/key_id}",
    "labels": "labels{/name}",
    "languages": "languages",
    "merges": "merges",
    "milestones": "milestones{/number}",
    "notifications": "notifications{?since,all,participating}",
    "pulls": "pulls{/number}",
    "releases": "releases{/id}",
    "stargazers": "stargazers",
    "statuses": "statuses/{sha}",
    "subscribers": "subscribers",
    "subscription": "subscription",
    "tags": "tags",
    "teams": "teams",
    "trees": "git/trees{/sha}",
}

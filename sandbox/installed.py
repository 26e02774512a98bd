"""Which tables of routes a sandbox serves, in the order in which they are asked."""

from __future__ import annotations

from sandbox import (
    ai,
    content,
    control,
    graphql_http,
    pages,
    rest_actions,
    rest_comments,
    rest_contents,
    rest_git,
    rest_hooks,
    rest_issues,
    rest_labels,
    rest_pulls,
    rest_repo,
    rest_user,
    sinks,
)
from sandbox.routing import Routes

TABLES: tuple[Routes, ...] = (
    control.routes,
    content.routes,
    ai.routes,
    sinks.routes,
    rest_user.routes,
    rest_repo.routes,
    rest_issues.routes,
    rest_labels.routes,
    rest_comments.routes,
    rest_pulls.routes,
    rest_git.routes,
    rest_contents.routes,
    rest_actions.routes,
    rest_hooks.routes,
    graphql_http.routes,
    pages.routes,  # last: its /{owner}/{repo} would swallow others
)

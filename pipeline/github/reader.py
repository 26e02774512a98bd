"""Reading over REST. Absence is believed only after the repository itself was seen to answer."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import quote

from pipeline import clock
from pipeline.domain.facts import Branch, Comment, HandoverFacts, Pull, TimelineEvent
from pipeline.domain.snapshot import IssueSnapshot
from pipeline.github import errors, parse
from pipeline.github.client import PER_PAGE, Answer, Ask, Client
from pipeline.github.port import (
    ActionsWorkflow,
    IssuePage,
    NotFound,
    Refused,
    RepositoryFacts,
    TokenFacts,
)

T = TypeVar("T")
COPILOT_ASSIGNEE = "copilot-swe-agent[bot]"  # the one spelling that REST does not drop in silence


def _validator(answer: Answer) -> str | None:
    """The page's ETag, where an unchanged page means an unchanged list: behind a full one something may be new."""
    full = isinstance(answer.data, list) and len(answer.data) >= PER_PAGE
    return None if full else answer.headers.get("etag")


class RestReader:
    """Every read that REST can do; the base of the GraphQL reader."""

    def __init__(self, client: Client, handover: Client, full_name: str) -> None:
        self._client = client
        self._handover = handover
        self._full_name = full_name

    # --- the repository and the token ---

    def repository(self) -> RepositoryFacts:
        return self._one("", "", parse.repository)

    def token(self) -> TokenFacts:
        return token_facts(self._client)

    def server_time(self) -> datetime:
        ask = Ask("GET", "/rate_limit", "/rate_limit", headers={"Cache-Control": "no-cache"})
        try:
            answer = self._client.rest(ask)
        except NotFound:  # an Enterprise Server without rate limits
            ask = Ask("GET", "/meta", "/meta", headers=ask.headers)
            answer = self._client.rest(ask)
        return parsed(ask, lambda: _date(answer.headers.get("date", "")))

    def can_assign_copilot(self) -> bool:
        path = f"/repos/{self._full_name}/assignees/{quote(COPILOT_ASSIGNEE, safe='')}"
        try:
            self._handover.rest(Ask("GET", path, "/repos/{repo}/assignees/{login}"))
        except NotFound:
            self.repository()
            return False
        return True

    # --- issues ---

    def issue(self, number: int) -> IssueSnapshot:
        return self._one(f"/issues/{number}", "/issues/{n}", lambda data: self._issue(data, number))

    def issues(self, *, since: datetime | None, etag: str | None, page: int = 1) -> IssuePage:
        params: dict[str, Any] = {"state": "all", "sort": "updated", "direction": "asc", "page": page}
        if since is not None:
            params["since"] = _stamp(since)
        headers = {"If-None-Match": etag} if etag else {}
        ask = self._ask("/issues", "/issues", {**params, "per_page": PER_PAGE}, headers)
        answer = self._client.rest(ask)
        if answer.status == 304:
            return IssuePage((), etag, None, not_modified=True)
        found = self._parsed(ask, answer, self._issues)
        return IssuePage(found, _validator(answer), answer.next_page)

    def issues_since_by_us(self, since: datetime) -> tuple[IssueSnapshot, ...]:
        params = {"state": "all", "sort": "created", "direction": "asc", "since": _stamp(since)}
        found = self._all("/issues", "/issues", lambda data: data, params)
        return tuple(issue for issue in self._issues(list(found)) if issue.created_at >= since)

    def comments(self, number: int) -> tuple[Comment, ...]:
        return self._all(f"/issues/{number}/comments", "/issues/{n}/comments", parse.comment)

    def timeline(self, number: int) -> tuple[TimelineEvent, ...]:
        return self._all(f"/issues/{number}/timeline", "/issues/{n}/timeline", parse.event)

    def labels(self) -> dict[str, str]:
        def read(data: Any) -> tuple[str, str]:
            return parse.field(data, "name", str), parse.optional(data, "node_id", str) or ""

        return dict(self._all("/labels", "/labels", read))

    # --- code ---

    def branch(self, name: str) -> Branch | None:
        path = f"/branches/{quote(name, safe='')}"
        return self._absent_is_none(lambda: self._one(path, "/branches/{branch}", parse.branch))

    def commits(self, branch: str, since: datetime) -> tuple[Branch, ...]:
        """Commits on `branch` since then, newest first, each as a Branch of that head."""

        def read(data: Any) -> Branch:
            return Branch(branch, parse.field(data, "sha", str), parse.field(data, "commit.message", str))

        return self._all("/commits", "/commits", read, {"sha": branch, "since": _stamp(since)})

    def file(self, path: str, ref: str) -> bytes | None:
        return self._absent_is_none(
            lambda: self._one(f"/contents/{quote(path)}", "/contents/{path}", _content, {"ref": ref})
        )

    def folder(self, path: str, ref: str) -> tuple[str, ...]:
        found = self._absent_is_none(
            lambda: self._one(f"/contents/{quote(path)}", "/contents/{path}", _files, {"ref": ref})
        )
        return found or ()

    def pull(self, number: int) -> Pull:
        return self._one(f"/pulls/{number}", "/pulls/{n}", parse.pull)

    def pulls_from(self, branch: str) -> tuple[Pull, ...]:
        owner = self._full_name.partition("/")[0]
        return self._all("/pulls", "/pulls", parse.pull, {"state": "all", "head": f"{owner}:{branch}"})

    def actions_workflows(self) -> tuple[ActionsWorkflow, ...]:
        found: list[ActionsWorkflow] = []
        query: Mapping[str, Any] = {"per_page": PER_PAGE}
        while query:
            ask = self._ask("/actions/workflows", "/actions/workflows", query)
            answer = self._client.rest(ask)
            found += self._parsed(ask, answer, _workflows)
            query = answer.next_query
        return tuple(found)

    # --- hand-overs ---

    def handovers(self, targets: Sequence[tuple[int, str]]) -> tuple[HandoverFacts, ...]:
        return tuple(self._handover_facts(number, node_id) for number, node_id in targets)

    def _handover_facts(self, number: int, node_id: str) -> HandoverFacts:
        try:
            issue = self.issue(number)
        except Refused as error:
            if error.status in (401, 403):
                raise
            return HandoverFacts(None, node_id, ())
        numbers = {event.pull_number: None for event in self.timeline(number) if self._refers(event)}
        return HandoverFacts(issue, node_id, tuple(self.pull(pull) for pull in numbers if pull))

    def _refers(self, event: TimelineEvent) -> bool:
        """A pull request of another repository may name this issue too; its number means something else here."""
        home = event.pull_repository.lower()
        return event.pull_number is not None and home in ("", self._full_name.lower())

    # --- how ---

    def _ask(
        self,
        path: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Ask:
        return Ask(
            "GET", f"/repos/{self._full_name}{path}", f"/repos/{{repo}}{route}", params or {}, headers=headers or {}
        )

    def _one(self, path: str, route: str, read: Callable[[Any], T], params: Mapping[str, Any] | None = None) -> T:
        ask = self._ask(path, route, params)
        return self._parsed(ask, self._client.rest(ask), read)

    def _all(
        self, path: str, route: str, read: Callable[[Any], T], params: Mapping[str, Any] | None = None
    ) -> tuple[T, ...]:
        ask = self._ask(path, route, params)
        found = self._client.pages(ask)
        return parsed(ask, lambda: parse.entries(found, read))

    def _parsed(self, ask: Ask, answer: Answer, read: Callable[[Any], T]) -> T:
        return parsed(ask, lambda: read(answer.data))

    def _absent_is_none(self, read: Callable[[], T]) -> T | None:
        """A 404 may also mean that the token lost access: then the repository itself is not seen either."""
        try:
            return read()
        except NotFound:
            self.repository()
            return None

    def _issue(self, data: Any, number: int) -> IssueSnapshot:
        if parse.is_pull(data):
            raise Refused(f"#{number} of {self._full_name} is a pull request, not an issue; it was left alone.")
        return parse.issue(data, clock.now())

    def _issues(self, data: Any) -> tuple[IssueSnapshot, ...]:
        read_at = clock.now()
        rows = parse.entries(data, lambda entry: entry)
        return tuple(parse.issue(entry, read_at) for entry in rows if not parse.is_pull(entry))


def parsed(ask: Ask, read: Callable[[], T]) -> T:
    """What `read` makes of an answer; a wrong shape becomes an error of ours."""
    try:
        return read()
    except parse.ShapeError as error:
        raise errors.unreadable(ask.asked, str(error)) from error


def token_facts(client: Client) -> TokenFacts:
    """Whose token a client carries; an installation's token has no user."""
    ask = Ask("GET", "/user", "/user")
    try:
        answer = client.rest(ask)
        login = parsed(ask, lambda: parse.field(answer.data, "login", str))
    except Refused as error:
        if error.status != 403:
            raise
        ask = Ask("GET", "/rate_limit", "/rate_limit")
        answer, login = client.rest(ask), "an app's installation"
    reset = _number(answer.headers.get("x-ratelimit-reset"))
    return TokenFacts(
        login=login,
        limit=_number(answer.headers.get("x-ratelimit-limit")),
        remaining=_number(answer.headers.get("x-ratelimit-remaining")),
        reset_at=datetime.fromtimestamp(reset, UTC) if reset is not None else None,
    )


def _date(text: str) -> datetime:
    """The `Date` header of an answer."""
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError) as error:
        raise parse.ShapeError("its Date header tells no time") from error


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and text.isdigit() else None


def _stamp(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _content(data: Any) -> bytes:
    if isinstance(data, list):
        raise parse.ShapeError("a file was expected, this is a folder")
    if parse.field(data, "encoding", str) != "base64":
        raise parse.ShapeError("the file is too large for the contents API (1 MB)")
    try:
        return base64.b64decode(parse.field(data, "content", str))
    except binascii.Error as error:
        raise parse.ShapeError("field 'content' is no base64") from error


def _files(data: Any) -> tuple[str, ...]:
    def paths() -> Iterator[str]:
        for entry in parse.entries(data, lambda entry: entry):
            if parse.field(entry, "type", str) == "file":
                yield parse.field(entry, "path", str)

    return tuple(paths())


def _workflows(data: Any) -> tuple[ActionsWorkflow, ...]:
    return parse.entries(parse.field(data, "workflows", list), parse.actions_workflow)

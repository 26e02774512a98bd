"""The client's own dealings: what it sends, what it makes of answers, and what never happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
import responses

from pipeline.github.client import API_VERSION, Answer, Ask, Client
from pipeline.github.port import QuotaExhausted, Refused, Transient, UnknownFate
from tests.pipeline.github.world import Counter

API = "https://api.github.com:443"
LABELS = Ask("GET", "/repos/a/b/labels", "/repos/{repo}/labels")
MUTATION = "mutation { a: addComment(input: $a) { clientMutationId } }"


@pytest.fixture
def client() -> Client:
    return Client("https://api.github.com/", "ghp_secret", Counter())


def link(**query: str) -> dict[str, str]:
    address = "&".join(f"{name}={value}" for name, value in query.items())
    return {"Link": f'<{API}/x?page=1>; rel="prev", <{API}/x?{address}>; rel="next", <{API}/x?page=9>; rel="last"'}


@responses.activate
def test_request_names_version_format_and_intent(client: Client) -> None:
    responses.post(f"{API}/repos/a/b/issues", json={}, status=201)
    client.rest(Ask("POST", "/repos/a/b/issues", "/repos/{repo}/issues", body={"title": "t"}, effect="key:hash"))
    sent = responses.calls[0].request.headers
    assert sent["X-GitHub-Api-Version"] == API_VERSION
    assert sent["Accept"] == "application/vnd.github+json"
    assert sent["X-Controlplane-Effect"] == "key:hash"
    assert sent["Authorization"] == "token ghp_secret"


@responses.activate
def test_pages_follow_the_cursor_that_github_gives(client: Client) -> None:
    responses.get(f"{API}/repos/a/b/labels", json=[1], headers=link(page="2", after="Y3Vyc29y", per_page="100"))
    responses.get(f"{API}/repos/a/b/labels", json=[2])
    assert client.pages(LABELS) == [1, 2]
    assert "after=Y3Vyc29y" in str(responses.calls[1].request.url)


@responses.activate
def test_list_without_end_is_given_up(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.github.client.MAX_PAGES", 3)
    responses.get(f"{API}/repos/a/b/labels", json=[1], headers=link(page="2"))
    with pytest.raises(Transient, match="goes on after 3 pages"):
        client.pages(LABELS)


@responses.activate
@pytest.mark.parametrize("status", [500, 502, 503])
def test_nothing_is_ever_sent_twice(client: Client, status: int) -> None:
    responses.post(f"{API}/repos/a/b/issues", status=status)
    with pytest.raises(UnknownFate):
        client.rest(Ask("POST", "/repos/a/b/issues", "/repos/{repo}/issues", body={}))
    assert len(responses.calls) == 1


@responses.activate
def test_list_that_is_no_list_is_tried_later(client: Client) -> None:
    responses.get(f"{API}/repos/a/b/labels", json={"message": "?"})
    with pytest.raises(Transient, match="a list was expected"):
        client.pages(LABELS)


@responses.activate
def test_answer_without_charset_is_read_as_utf8(client: Client) -> None:
    body = json.dumps(["Ü😀"], ensure_ascii=False).encode()
    responses.get(f"{API}/repos/a/b/labels", body=body, content_type="application/json")
    assert client.pages(LABELS) == ["Ü😀"]


@responses.activate
def test_hostile_depth_is_an_unreadable_answer(client: Client) -> None:
    responses.get(f"{API}/repos/a/b/labels", body="[" * 200_000)
    with pytest.raises(Transient, match="cannot be read"):
        client.pages(LABELS)


@responses.activate
@pytest.mark.parametrize("kind", ["RATE_LIMITED", "RATE_LIMIT"])
@pytest.mark.parametrize("data", [{}, {"data": None}, {"data": {"a": None}}])
def test_graphql_limit_with_status_200_is_a_limit(client: Client, kind: str, data: dict[str, Any]) -> None:
    errors = [{"type": kind, "message": "API rate limit exceeded"}]
    responses.post(f"{API}/graphql", json={**data, "errors": errors}, headers={"x-ratelimit-remaining": "0"})
    with pytest.raises(QuotaExhausted) as caught:
        client.graphql("write", MUTATION, {})
    assert not caught.value.secondary


@responses.activate
@pytest.mark.parametrize("body", [{"data": None}, [], {"errors": []}, "text"])
def test_graphql_answer_without_data_or_errors_to_a_write_is_of_unknown_fate(client: Client, body: Any) -> None:
    responses.post(f"{API}/graphql", json=body)
    with pytest.raises(UnknownFate):
        client.graphql("write", MUTATION, {})


@responses.activate
def test_graphql_query_that_the_server_does_not_know_is_refused(client: Client) -> None:
    failure = {"message": "Field 'x' doesn't exist on type 'Issue'", "extensions": {"code": "undefinedField"}}
    responses.post(f"{API}/graphql", json={"errors": [failure]})
    with pytest.raises(Refused, match="doesn't exist"):
        client.graphql("write", MUTATION, {})


@responses.activate
def test_secret_is_in_no_message(client: Client) -> None:
    responses.get(f"{API}/repos/a/b/labels", status=401, json={"message": "Bad credentials"})
    with pytest.raises(Refused) as caught:
        client.pages(LABELS)
    assert "ghp_secret" not in f"{caught.value!r} {client!r} {vars(client.rest.__self__)}"  # type: ignore[attr-defined]


@pytest.mark.parametrize("header", ["", "nonsense", "<>; rel=next", '<https://x/y?page=two>; rel="next"'])
def test_link_that_leads_nowhere_is_the_last_page(header: str) -> None:
    assert Answer(200, {"link": header}, []).next_page is None

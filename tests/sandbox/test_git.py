"""Branches, commits, files and pull requests over REST."""

from __future__ import annotations

import base64

from github.Repository import Repository

from sandbox import git
from sandbox.model import GitStore
from tests.sandbox.conftest import START, Client


def _branch(client: Client, name: str, path: str = "notes/a.md", text: str = "hello\n") -> str:
    """A branch with one file, the way the pipeline makes it; the sha of its commit."""
    base = client.get("branches/main").json()["commit"]
    tree = client.post(
        "git/trees",
        {
            "base_tree": base["commit"]["tree"]["sha"],
            "tree": [{"path": path, "mode": "100644", "type": "blob", "content": text}],
        },
    ).json()["sha"]
    commit = client.post("git/commits", {"message": "Add", "tree": tree, "parents": [base["sha"]]}).json()["sha"]
    assert client.post("git/refs", {"ref": f"refs/heads/{name}", "sha": commit}).status_code == 201
    return str(commit)


def test_shas_are_those_of_git() -> None:
    store = GitStore()
    tree = git.with_files(store, None, {"a.txt": b"hello\n"})
    assert git.put_blob(store, b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert tree == "2e81171448eb9f2ee3821e3d447aa6b2fe3ddba1"


def test_deleting_the_last_file_takes_the_folder_along() -> None:
    store = GitStore()
    tree = git.with_files(store, None, {"a/b/c.md": b"1", "d.md": b"2"})
    assert list(git.listing(store, git.with_files(store, tree, {"a/b/c.md": None}))) == ["d.md"]


def test_branch_with_files_is_made_in_three_writes(client: Client) -> None:
    sha = _branch(client, "work/one")
    assert client.get("git/ref/heads/work/one").json()["object"]["sha"] == sha
    assert client.get("branches/work%2Fone").json()["commit"]["commit"]["message"] == "Add"
    content = client.get("contents/notes/a.md", params={"ref": "work/one"}).json()
    assert base64.b64decode(content["content"]) == b"hello\n"
    assert client.get("contents/notes/a.md").status_code == 404
    folder = client.get("contents/notes", params={"ref": "work/one"}).json()
    assert [entry["path"] for entry in folder] == ["notes/a.md"]


def test_second_creation_of_a_ref_is_refused(client: Client) -> None:
    sha = _branch(client, "work/one")
    answer = client.post("git/refs", {"ref": "refs/heads/work/one", "sha": sha})
    assert (answer.status_code, answer.json()["message"]) == (422, "Reference already exists")


def test_deleted_ref_is_gone_and_closes_its_pull_request(client: Client) -> None:
    _branch(client, "work/one")
    pull = client.post("pulls", {"title": "P", "head": "work/one", "base": "main"}).json()
    assert client.send("DELETE", "git/refs/heads/work/one").status_code == 204
    assert client.send("DELETE", "git/refs/heads/work/one").status_code == 422
    assert client.get(f"pulls/{pull['number']}").json()["state"] == "closed"


def test_merge_into_the_default_branch_closes_what_it_fixes(pygithub: Repository, client: Client) -> None:
    number = client.issue()["number"]
    _branch(client, "work/one")
    pull = pygithub.create_pull(base="main", head="work/one", title="P", body=f"Closes #{number}")
    assert pull.merge().merged
    issue = pygithub.get_issue(number)
    assert (issue.state, issue.state_reason) == ("closed", "completed")
    assert pygithub.get_pull(pull.number).merged
    assert base64.b64decode(client.get("contents/notes/a.md").json()["content"]) == b"hello\n"


def test_merge_into_another_branch_closes_nothing(client: Client) -> None:
    number = client.issue()["number"]
    _branch(client, "scaffold")
    _branch(client, "work/one", "notes/b.md")
    pull = client.post(
        "pulls", {"title": "P", "head": "work/one", "base": "scaffold", "body": f"Fixes #{number}"}
    ).json()
    assert client.send("PUT", f"pulls/{pull['number']}/merge").json()["merged"] is True
    assert client.get(f"issues/{number}").json()["state"] == "open"
    events = [entry["event"] for entry in client.get(f"issues/{number}/timeline").json()]
    assert events == ["cross-referenced"]


def test_pull_requests_are_found_by_head(client: Client) -> None:
    _branch(client, "work/one")
    client.post("pulls", {"title": "P", "head": "work/one", "base": "main"})
    found = client.get("pulls", params={"head": "demo:work/one", "state": "all"}).json()
    assert [pull["title"] for pull in found] == ["P"]
    assert client.get("pulls", params={"head": "demo:other", "state": "all"}).json() == []
    again = client.post("pulls", {"title": "P", "head": "work/one", "base": "main"})
    assert again.json()["errors"][0]["message"] == "A pull request already exists for demo:work/one."


def test_compare_counts_commits_and_files(client: Client) -> None:
    _branch(client, "work/one")
    answer = client.get("compare/main...work/one").json()
    assert (answer["status"], answer["ahead_by"]) == ("ahead", 1)
    assert [file["filename"] for file in answer["files"]] == ["notes/a.md"]


def test_contents_put_asks_for_the_sha_of_the_present_file(client: Client) -> None:
    body = {"message": "m", "content": base64.b64encode(b"new").decode()}
    assert client.send("PUT", "contents/README.md", body).status_code == 422
    assert client.send("PUT", "contents/new.md", body).status_code == 201
    assert client.get("commits", params={"sha": "main"}).json()[0]["commit"]["message"] == "m"
    later = START.replace(year=START.year + 1).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert client.get("commits", params={"since": later}).json() == []


def test_paths_that_leave_the_repository_are_refused(client: Client) -> None:
    item = {"path": "../outside", "mode": "100644", "type": "blob", "content": "x"}
    answer = client.post("git/trees", {"tree": [item]})
    assert (answer.status_code, answer.json()["message"]) == (422, "tree.path contains a malformed path component")


def test_actions_workflow_is_switched_off_and_on(pygithub: Repository) -> None:
    workflow = pygithub.get_workflows()[0]
    assert (workflow.path, workflow.state) == (".github/workflows/site-watch.yml", "active")
    assert workflow.disable()
    assert pygithub.get_workflow(workflow.id).state == "disabled_manually"
    assert workflow.enable()
    assert pygithub.get_workflow("site-watch.yml").state == "active"

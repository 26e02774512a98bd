"""What sections name in the repository, and which of it is broken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.domain import checks
from pipeline.domain.checks.naming import named, target
from pipeline.domain.checks.values import Found, Reference, Subject, Thing
from tests.pipeline.domain.checks import healthy
from tests.pipeline.domain.checks.healthy import URL, with_text

HANDED = healthy.handed_over()
BRANCH = "osint/issue-12-new-pier"
FINDINGS = Reference(Thing.FILE, "research/issue-12/findings-12.md", BRANCH)
BRANCHES = ("main", "feature/x")


def test_branch_files_and_pull_requests_of_a_hand_over_are_named() -> None:
    assert set(HANDED.subject().named) == {
        Reference(Thing.BRANCH, BRANCH),
        FINDINGS,
        Reference(Thing.FILE, "research/issue-12/log.md", BRANCH),
        Reference(Thing.PULL, "70"),
        Reference(Thing.PULL, "71"),
    }


TARGETS = {
    "docs/guide.md": Reference(Thing.FILE, "docs/guide.md", "main"),
    "./docs/a%20b.md#part": Reference(Thing.FILE, "docs/a b.md", "main"),
    "/docs/guide.md": Reference(Thing.FILE, "docs/guide.md", "main"),
    f"{URL}/blob/main/docs/guide.md": Reference(Thing.FILE, "docs/guide.md", "main"),
    f"{URL}/blob/feature/x/docs/guide.md?plain=1#L3": Reference(Thing.FILE, "docs/guide.md", "feature/x"),
    f"{URL.upper()}/raw/v1/README.md": Reference(Thing.FILE, "README.md", "v1"),
    f"{URL}/tree/feature/x": Reference(Thing.BRANCH, "feature/x"),
    f"{URL}/pull/12": Reference(Thing.PULL, "12"),
    f"{URL}/issues/9#issuecomment-1": Reference(Thing.ISSUE, "9"),
    "#part": None,
    "https://example.com/blob/main/x.md": None,
    f"{URL}-other/blob/main/x.md": None,
    f"{URL}/actions": None,
    f"{URL}/pull/new": None,
    f"{URL}/issues/99999999999999999999": None,
    f"{URL}/issues/0": None,
    f"{URL}/tree/main/docs": None,
    "mailto:someone@example.com": None,
    "../outside.md": None,
    "//example.com/x": None,
    ".github/workflows/x.yml": None,
}


@pytest.mark.parametrize("link", TARGETS)
def test_link_leads_into_the_repository_or_elsewhere(link: str) -> None:
    assert target(link, URL, BRANCHES) == TARGETS[link]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See [the guide](docs/guide.md).", {Reference(Thing.FILE, "docs/guide.md", "main")}),
        (f"See <{URL}/pull/9>.", {Reference(Thing.PULL, "9")}),
        ("See `[the guide](docs/guide.md)`.", set()),
        ("> [the guide](docs/guide.md)", set()),
        ("```\n[the guide](docs/guide.md)\n```", set()),
        ("![picture](docs/picture.png)", set()),
    ],
)
def test_links_are_taken_from_prose_only(text: str, expected: set[Reference]) -> None:
    assert set(named({"Specialist Guidance": text}, None, URL, "main")) == expected


def with_missing(*missing: Reference) -> Subject:
    subject = HANDED.subject()
    return replace(subject, found={one: Found(one not in missing) for one in subject.named})


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (Reference(Thing.BRANCH, BRANCH), {"reference.branch"}),
        (FINDINGS, {"reference.file"}),
        (Reference(Thing.PULL, "71"), {"reference.pull"}),
    ],
)
def test_reference_that_does_not_exist_is_found(missing: Reference, expected: set[str]) -> None:
    assert set(checks.look(with_missing(missing))[0]) == expected


def test_files_on_a_branch_that_is_gone_are_told_by_the_branch() -> None:
    assert set(checks.look(with_missing(FINDINGS, Reference(Thing.BRANCH, BRANCH)))[0]) == {"reference.branch"}


def test_linked_issue_that_does_not_exist_is_found() -> None:
    life = with_text(HANDED, "Specialist Guidance", f"See [this]({URL}/issues/999).")
    subject = life.subject()
    gone = Reference(Thing.ISSUE, "999")
    assert gone in subject.named
    assert set(checks.look(replace(subject, found={**subject.found, gone: Found(False)}))[0]) == {"reference.issue"}


def test_what_was_not_looked_up_yet_is_neither_broken_nor_sound() -> None:
    subject = HANDED.subject(found={})
    faults, unseen = checks.look(subject)
    assert faults == {}
    assert {"reference.branch", "reference.file", "reference.pull"} <= set(unseen)


def test_branch_that_was_merged_may_be_tidied_away() -> None:
    subject = with_missing(Reference(Thing.BRANCH, BRANCH), FINDINGS)
    assert subject.handover is not None
    merged = replace(subject, handover=replace(subject.handover, outcome="finished", merged=True))
    assert checks.look(merged)[0] == {}

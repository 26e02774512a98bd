"""What undoing would restore, shown issue by issue before anything is read from GitHub."""

from __future__ import annotations

import pytest

from pipeline.models import Issue, Run
from pipeline.services import undoing
from pipeline.services.undoing import Part
from tests.factories import make_effect, make_item, make_run
from tests.fake_github import FakeGitHub
from tests.pipeline.services.test_revert import assigned

pytestmark = pytest.mark.django_db


def shown(run: Run) -> list[Part]:
    runs = Run.objects.filter(pk=run.pk)
    (one,) = undoing.preview(runs, list(undoing.issues(runs)))
    return list(one.parts)


def test_labels_and_sections_are_shown_as_a_dry_run_shows_them(github: FakeGitHub) -> None:
    run = assigned(github)
    written = len(github.writes)

    (part,) = shown(run)

    lines = "\n".join(text for _kind, text in part.changes).splitlines()
    assert {"+ label state::discovery", "- label workflow::osint", "-- ours"} <= set(lines)
    assert part.stays == ("The comment stays; it is history.",)
    assert len(github.writes) == written


def test_section_that_a_person_edited_is_said_to_stay(github: FakeGitHub) -> None:
    run = assigned(github)
    issue = Issue.objects.get()
    issue.body = issue.body.replace("- ours", "- theirs")
    issue.save()

    (part,) = shown(run)

    assert "write_sections" not in dict(part.changes)
    assert any("was edited after the run wrote it" in sentence for sentence in part.stays)


def test_issue_that_is_gone_and_one_that_moved_on_say_so(github: FakeGitHub) -> None:
    run = assigned(github)
    Issue.objects.update(state="done")
    assert "moved on to state::done" in shown(run)[0].stays[0]
    Issue.objects.update(presence="deleted")
    assert shown(run) == [Part(run.pk, (), ("The issue is deleted on GitHub.",))]


def test_what_was_undone_and_other_runs_are_left_out(github: FakeGitHub) -> None:
    run = assigned(github)
    other = make_run(operation=run.operation, mode="live", state="succeeded")
    make_effect(item=make_item(run=other), state="applied")
    run.items.get().effects.update(reverted_at=run.created_at)

    assert list(undoing.issues(Run.objects.filter(pk=run.pk))) == []


def test_comment_that_stays_in_any_case_leaves_nothing_to_undo(github: FakeGitHub) -> None:
    run = assigned(github)
    run.items.get().effects.exclude(kind="add_comment").update(reverted_at=run.created_at)
    runs = Run.objects.filter(pk=run.pk)
    assert (undoing.effects(runs).count(), list(undoing.issues(runs))) == (0, [])

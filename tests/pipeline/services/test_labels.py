"""The labels that a live run needs are there before it needs them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.domain import changes
from pipeline.domain.states import State
from pipeline.github.port import QuotaExhausted, Refused, Transient
from pipeline.models import Effect, Mode, Repository, RepositoryLabel, Run, RunItem
from pipeline.services import labels
from tests.factories import MOMENT, make_operation, make_run, make_source, make_specialist, make_workflow
from tests.fake_github import FakeGitHub, lost, refused


@pytest.fixture
def run(github: FakeGitHub) -> Run:
    operation = make_operation(mode=Mode.LIVE, live_until=MOMENT + timedelta(days=1))
    return make_run(operation=operation, state=Run.State.WORKING)


def test_everything_that_a_run_may_set_is_wanted(run: Run) -> None:
    make_workflow(slug="osint", specialist=make_specialist(slug="analyst"))
    make_source(repository=run.repository, labels=["harbour"])
    make_source(repository=run.repository, labels=["closed"], active=False)
    run.repository.label_prefix = "cp/"
    assert set(labels.wanted(run.repository)) == {
        "cp/site-monitor",
        "cp/monitor::triage",
        "cp/needs clarification",
        *(f"cp/state::{state.value}" for state in State),
        "cp/workflow::osint",
        "cp/specialist::analyst",
        "harbour",
    }


def test_label_that_is_too_long_is_told_before_anything_is_asked(run: Run, github: FakeGitHub) -> None:
    make_workflow(slug="w" * 35)
    run.repository.label_prefix = "prefix-of-the-team/"
    with pytest.raises(Refused, match=r"'prefix-of-the-team/workflow::w+' has 64 characters and GitHub takes 50"):
        labels.ensure(run, github)
    assert github.calls.total() == 0


def test_missing_labels_are_made_as_effects_and_known_from_then_on(run: Run, github: FakeGitHub) -> None:
    github.names = {"Site-Monitor": "LA_1"}
    labels.ensure(run, github)
    wanted = labels.wanted(run.repository)
    assert len(github.writes) == len(wanted) - 1
    assert set(labels.ids_of(run.repository)) == {name.lower() for name in wanted}
    item = run.items.get()
    assert (item.state, item.outcome, item.issue) == (RunItem.State.DONE, "labels", None)


def test_labels_that_are_known_cost_no_request(run: Run, github: FakeGitHub) -> None:
    labels.ensure(run, github)
    github.calls.clear()
    labels.ensure(run, github)
    assert (github.calls.total(), run.items.count()) == (0, 1)


def test_label_that_people_deleted_is_made_anew(run: Run, github: FakeGitHub) -> None:
    labels.ensure(run, github)
    del github.names["state::done"]
    labels.relearn(run.repository, github)
    assert "state::done" not in labels.ids_of(run.repository)
    labels.ensure(run, github)
    assert github.names["state::done"]


def test_label_that_was_renamed_is_not_known_by_its_old_name(run: Run, github: FakeGitHub) -> None:
    RepositoryLabel.objects.create(repository=run.repository, name="state::done", node_id="LA_7")
    github.names = {"finished": "LA_7"}
    labels.relearn(run.repository, github)
    assert labels.ids_of(run.repository) == {"finished": "LA_7"}


def test_label_that_a_run_makes_while_the_list_is_read_is_not_forgotten(
    run: Run, github: FakeGitHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.names, listed = {"bug": "LA_0"}, github.labels

    def overtaken() -> dict[str, str]:
        names = listed()
        monkeypatch.setattr(github, "labels", listed)
        labels.ensure(run, github)
        return names

    monkeypatch.setattr(github, "labels", overtaken)
    labels.relearn(run.repository, github)
    assert "state::done" in labels.ids_of(run.repository)


def test_list_without_any_label_makes_none_forgotten(run: Run, github: FakeGitHub) -> None:
    labels.ensure(run, github)
    known = labels.ids_of(run.repository)
    github.names = {}
    labels.relearn(run.repository, github)
    assert labels.ids_of(run.repository) == known


def test_labels_that_are_on_github_are_learned_and_not_made(run: Run, github: FakeGitHub) -> None:
    github.names = {name.upper(): f"LA_{name}" for name in labels.wanted(run.repository)}
    labels.ensure(run, github)
    assert (github.writes, run.items.count()) == ([], 0)


def test_families_have_colours_of_their_own(run: Run, github: FakeGitHub) -> None:
    labels.ensure(run, github)
    colours = {change.name: change.color for change in github.writes if isinstance(change, changes.CreateLabel)}
    assert colours["state::done"] == labels.COLOURS["state"]
    assert colours["site-monitor"] == labels.OTHER_COLOUR


def test_label_that_another_worker_made_meanwhile_is_no_fault(run: Run, github: FakeGitHub) -> None:
    github.before_write = lambda: github.names.update({"state::done": "LA_theirs"})
    labels.ensure(run, github)
    assert RepositoryLabel.objects.get(name="state::done").node_id == "LA_theirs"
    assert run.items.get().state == RunItem.State.DONE


def test_label_that_another_worker_made_is_a_passing_fault_where_the_rest_was_not_sent(
    run: Run, github: FakeGitHub
) -> None:
    Repository.objects.update(protocol=Repository.Protocol.REST)
    run.repository.refresh_from_db()
    make_workflow(slug="osint")
    github.before_write = lambda: github.names.update({"state::done": "LA_theirs"})
    with pytest.raises(Transient, match="Missing labels: specialist"):
        labels.ensure(run, github)
    labels.ensure(run, github)
    assert "workflow::osint" in github.names


def test_refused_label_fails_the_item_and_names_what_is_missing(run: Run, github: FakeGitHub) -> None:
    github.spoil("create_label", refused("GitHub answered 403."))
    with pytest.raises(Refused, match="Missing labels: site-monitor"):
        labels.ensure(run, github)
    assert run.items.get().state == RunItem.State.FAILED


def test_lost_answer_that_shows_in_the_list_is_no_fault(run: Run, github: FakeGitHub) -> None:
    github.spoil("create_label", lost())
    labels.ensure(run, github)
    assert run.items.get().state == RunItem.State.DONE
    assert set(Effect.objects.values_list("state", flat=True)) == {Effect.State.APPLIED}


def test_quota_defers_the_item_and_is_told(run: Run, github: FakeGitHub) -> None:
    github.spoil("create_label", QuotaExhausted("Wait.", until=MOMENT))
    with pytest.raises(QuotaExhausted):
        labels.ensure(run, github)
    assert run.items.get().state == RunItem.State.DEFERRED


def stop() -> None:
    Repository.objects.update(standing=Repository.Standing.PAUSED)


def test_no_label_is_made_after_a_stop(run: Run, github: FakeGitHub) -> None:
    stop()
    labels.ensure(run, github)
    item = run.items.get()
    assert (github.writes, item.state) == ([], RunItem.State.CANCELLED)
    assert "The repository is paused" in item.reason
    assert set(item.effects.values_list("state", flat=True)) == {Effect.State.CANCELLED}


def test_stop_is_obeyed_between_the_labels_of_a_rest_server(run: Run, github: FakeGitHub) -> None:
    run.repository.protocol = Repository.Protocol.REST
    run.repository.save()
    github.before_write = stop
    labels.ensure(run, github)
    assert (len(github.writes), run.items.get().state) == (1, RunItem.State.CANCELLED)


def test_label_that_was_not_sent_is_a_passing_fault(run: Run, github: FakeGitHub) -> None:
    github.spoil("create_label", Transient("Not reached."))
    with pytest.raises(Transient, match="Missing labels"):
        labels.ensure(run, github)

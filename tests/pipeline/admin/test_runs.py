"""Runs: items with diffs, figures, and the three questions."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from pipeline.models import Run
from tests import factories as make
from tests.pipeline.admin.world import World


def test_page_shows_item_reason_diff_and_figures(world: World, root: Client) -> None:
    text = root.get(reverse("admin:pipeline_run_change", args=[world.dry_run.pk])).content.decode()

    assert "Confidence 0.91." in text
    assert '<span class="cp-minus">-Nothing</span>' in text
    assert "+**A convoy** &lt;b&gt;seen&lt;/b&gt;" in text
    assert "Items by state" in text
    assert "<details open>" in text


def test_page_says_outcomes_and_changes_as_people_do(world: World, root: Client) -> None:
    world.dry_run.statistics = {"by_outcome": {"needs_clarification": 1}, "labels": {"needs_review": 1}}
    world.dry_run.save()

    text = root.get(reverse("admin:pipeline_run_change", args=[world.dry_run.pk])).content.decode()

    assert ("write sections" in text, "write_sections" in text) == (True, False)
    assert ("needs clarification" in text, "needs_clarification" in text, "needs_review" in text) == (True, False, True)


def test_dry_run_offers_apply_and_live_run_offers_revert(world: World, root: Client) -> None:
    dry = root.get(reverse("admin:pipeline_run_change", args=[world.dry_run.pk])).content.decode()
    live = root.get(reverse("admin:pipeline_run_change", args=[world.live_run.pk])).content.decode()

    assert ("Apply this plan" in dry, "Revert this run" in dry) == (True, False)
    assert ("Apply this plan" in live, "Revert this run" in live) == (False, True)


def test_what_cannot_be_applied_or_reverted_offers_no_button_and_says_why(world: World, root: Client) -> None:
    root.post(reverse("admin:pipeline_run_apply", args=[world.dry_run.pk]), {"reason": "It was reviewed."})
    world.live_run.items.all().delete()

    applied, empty = (
        root.get(reverse("admin:pipeline_run_change", args=[run.pk])).content.decode()
        for run in (world.dry_run, world.live_run)
    )

    assert ("Apply this plan" in applied, "was applied already; make a new dry run." in applied) == (False, True)
    assert ("Revert this run" in empty, "changed nothing that is left to undo." in empty) == (False, True)


def test_applied_plan_leads_to_the_new_run(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_run_apply", args=[world.dry_run.pk])

    response = root.post(address, {"reason": "It was reviewed."})

    applied = Run.objects.latest("pk")
    assert (applied.purpose, applied.source_run, applied.requested_by) == ("apply", world.dry_run, "root")
    assert response["Location"] == reverse("admin:pipeline_run_change", args=[applied.pk])


def test_plan_applied_twice_is_refused_in_a_sentence(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_run_apply", args=[world.dry_run.pk])
    root.post(address, {"reason": "It was reviewed."})

    assert b"was applied already" in root.post(address, {"reason": "Again."}).content


def test_reverted_run_leads_to_the_new_run(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_run_revert", args=[world.live_run.pk])

    root.post(address, {"reason": "It was wrong."})

    reverting = Run.objects.latest("pk")
    assert (reverting.purpose, reverting.source_run, reverting.mode) == ("revert", world.live_run, "live")


def test_revert_can_be_shown_first(world: World, root: Client) -> None:
    address = reverse("admin:pipeline_run_revert", args=[world.live_run.pk])

    root.post(address, {"reason": "Only a look.", "only_show": "on"})

    assert Run.objects.latest("pk").mode == "dry_run"


def test_reverting_run_lists_what_it_refused(world: World, root: Client) -> None:
    world.live_run.items.update(facts={"refused": ["The section <b>X</b> was edited.", "The branch b has commits."]})

    text = root.get(reverse("admin:pipeline_run_change", args=[world.live_run.pk])).content.decode()

    assert "<li>The section &lt;b&gt;X&lt;/b&gt; was edited.</li><li>The branch b has commits.</li>" in text


def test_open_run_is_cancelled_with_its_reason(world: World, root: Client) -> None:
    root.post(reverse("admin:pipeline_run_cancel", args=[world.open_run.pk]), {"reason": "Wrong day."})

    world.open_run.refresh_from_db()
    assert (world.open_run.state, world.open_run.error) == ("cancelled", "Wrong day.")


def test_daily_run_lists_its_parts(world: World, root: Client) -> None:
    child = make.make_run(operation=world.operation, parent=world.open_run, purpose="part")

    text = root.get(reverse("admin:pipeline_run_change", args=[world.open_run.pk])).content.decode()

    assert f"/admin/pipeline/run/{child.pk}/change/" in text


def test_list_counts_items_by_outcome(world: World, root: Client) -> None:
    assert "1 planned" in root.get(reverse("admin:pipeline_run_changelist")).content.decode()


def test_run_that_is_not_there_is_a_404(world: World, root: Client) -> None:
    assert root.get(reverse("admin:pipeline_run_apply", args=[999_999])).status_code == 404

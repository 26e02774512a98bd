"""The checker: silent about sound rows, and naming exactly the violation that was planted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command

from pipeline import clock
from pipeline.domain import changes
from pipeline.domain.invariants.log import BadLog, parse
from pipeline.models import AuditEntry, Effect, Handover, Heartbeat, Issue, Operation, Repository, Run, RunItem, Slot
from pipeline.services import audit, invariants
from pipeline.services.invariants import events
from tests import guards
from tests.factories import (
    BODY,
    MOMENT,
    labels_of,
    make_api_call,
    make_delivery,
    make_discovery,
    make_effect,
    make_finding,
    make_handover,
    make_issue,
    make_item,
    make_operation,
    make_repository,
    make_run,
    make_slot,
    make_source,
    make_transition,
)

pytestmark = pytest.mark.django_db
NOW = MOMENT + timedelta(minutes=30)
Entry = dict[str, Any]


class Sound:
    """One live run that opened one issue from a discovery and handed it over, and the log that goes with it."""

    def __init__(self) -> None:
        self.repository: Repository = make_repository(full_name="acme/watch", write_spacing_ms=1000)
        self.operation: Operation = make_operation(
            repository=self.repository, cron="*/5 * * * *", mode="live", slots_since=MOMENT - timedelta(minutes=1)
        )
        self.run: Run = make_run(
            operation=self.operation,
            state="succeeded",
            purpose="scheduled",
            nominal_at=MOMENT,
            group="g",
            limit=1,
            requested_by="schedule",
            finished_at=MOMENT + timedelta(minutes=5),
        )
        for minutes in range(0, 30, 5):
            values = {"status": "missed", "reason": "Late."} if minutes else {"run": self.run}
            make_slot(operation=self.operation, nominal_at=MOMENT + timedelta(minutes=minutes), **values)
        body = f"A person wrote this.\n\n{BODY}"
        self.issue: Issue = make_issue(repository=self.repository, number=1, state="copilot", body=body)
        make_transition(issue=self.issue, after="discovery", cause="pipeline")
        make_transition(issue=self.issue, after="assigned", cause="pipeline")
        make_transition(issue=self.issue, after="copilot", cause="pipeline")
        self.discovery = make_discovery(source=make_source(repository=self.repository), issue=self.issue)
        self.item: RunItem = make_item(
            run=self.run, issue=self.issue, discovery=self.discovery, state="done", epoch=1, live=True
        )
        self.log: list[Entry] = []
        self.created = self.applied(changes.CreateIssue("T", self.issue.body, ("site-monitor",)))
        opened = {"what": "issue", "after": 1, "title": self.issue.title, "body": self.issue.body}
        self.wrote(self.created, "createIssue", [opened])
        self.guided = self.applied(changes.WriteSections((("Specialist Guidance", "Do it."),)))
        self.body = f"{self.issue.body}\n## Specialist Guidance\n\nDo it.\n"
        self.wrote(self.guided, "updateIssue", [{"what": "body", "before": self.issue.body, "after": self.body}])
        Issue.objects.filter(pk=self.issue.pk).update(body=self.body)
        self.handed = self.applied(changes.AssignCopilot("main"))
        self.wrote(self.handed, "addAssigneesToAssignable", [{"what": "copilot", "after": "assigned"}])
        self.handover: Handover = make_handover(issue=self.issue, effect=self.handed, requested_at=self.handed.sent_at)
        self.labelled = self.applied(changes.AddLabels(("state::copilot",)))
        self.wrote(
            self.labelled, "addLabelsToLabelable", [{"what": "labels", "before": [], "after": labels_of("copilot")}]
        )

    def moment(self) -> Any:
        return MOMENT + timedelta(seconds=10 * (len(self.log) + 1))

    def applied(self, change: changes.Change, **values: Any) -> Effect:
        at = self.moment()
        sound = {"state": "applied", "epoch": 1, "live": True, "sent_at": at, "settled_at": at, "planned_at": at}
        made: Effect = make_effect(item=self.item, change=change, **{**sound, **values})
        return made

    def wrote(self, effect: Effect | None, name: str, changed: list[Entry], **values: Any) -> Entry:
        """One applied write in the log."""
        entry = {
            "kind": "mutation",
            "actor": "bot",
            "actor_kind": "user",
            "token": "token",
            "request_id": f"R{len(self.log)}",
            "method": "POST",
            "path": "/graphql",
            "repository": "acme/watch",
            "number": 1,
            "field": name,
            "effect": effect.key if effect else None,
            "hash": effect.request_hash if effect else None,
            "applied": True,
            "changes": changed,
            **values,
        }
        return self.add(entry)

    def add(self, entry: Entry) -> Entry:
        entry = {"seq": len(self.log) + 1, "time": self.moment().isoformat(), **entry}
        self.log.append(entry)
        return entry

    def request(self, **values: Any) -> Entry:
        asked = {"kind": "request", "actor": "bot", "actor_kind": "user", "token": "token", "method": "GET"}
        return self.add({**asked, "path": "/x", "request_id": "Q", **values})

    def report(self, **options: Any) -> invariants.Report:
        options.setdefault("at_rest", True)
        return invariants.verify(parse(self.log), **options)


@pytest.fixture
def sound() -> Iterator[Sound]:
    moving = clock.VirtualClock(NOW)
    with clock.using(moving):
        yield Sound()


def test_sound_rows_hold_everything(sound: Sound) -> None:
    report = sound.report(secrets=["canary-7f3a"])
    assert [(row.id, row.verdict) for row in report.verdicts] == [(f"I{n}", "holds") for n in range(1, 9)]


def test_without_a_log_what_needs_one_is_said_to_be_unproven(sound: Sound) -> None:
    told = {row.id: row.verdict for row in invariants.verify(None).verdicts}
    assert (told["I2"], told["I3"], told["I6"]) == ("holds", "holds in the rows", "not checked")


# --- one planted violation each: (check, what is done to the sound world) ---


def opened_twice(world: Sound) -> None:
    second = world.applied(changes.CreateIssue("T", "B", ()))
    world.wrote(second, "createIssue", [{"what": "issue", "after": 2, "body": ""}], number=2)


def no_row(world: Sound) -> None:
    world.add({
        "kind": "world", "actor": "rosa", "actor_kind": "human", "repository": "acme/watch", "number": 5,
        "changes": [
            {"what": "issue", "after": 5, "body": ""}, {"what": "labels", "before": [], "after": ["site-monitor"]}
        ],
    })  # fmt: skip


def invented(world: Sound) -> None:
    ghost = make_issue(repository=world.repository, number=77)
    make_transition(issue=ghost)


def left_working(world: Sound) -> None:
    make_item(run=world.run, issue=world.issue, state="waiting", due_at=NOW - timedelta(hours=1))


def slot_lost(world: Sound) -> None:
    Slot.objects.filter(nominal_at=MOMENT + timedelta(minutes=10)).delete()


def slot_invented(world: Sound) -> None:
    make_slot(operation=world.operation, nominal_at=MOMENT + timedelta(minutes=7), status="missed", reason="Odd.")


def slot_ahead(world: Sound) -> None:
    make_slot(operation=world.operation, nominal_at=NOW + timedelta(minutes=5), status="missed", reason="Odd.")
    Slot.objects.filter(nominal_at=NOW).delete()
    make_slot(operation=world.operation, nominal_at=NOW, status="missed", reason="Late.")


def slot_without_run(world: Sound) -> None:
    world.run.slot.delete()
    make_slot(operation=world.operation, nominal_at=MOMENT, status="ran")


def ran_twice(world: Sound) -> None:
    make_run(operation=world.operation, state="succeeded", purpose="scheduled", nominal_at=MOMENT)


def overlapping(world: Sound) -> None:
    make_run(operation=world.operation, state="succeeded", group="g", started_at=MOMENT + timedelta(seconds=1))


def unplanned(world: Sound) -> None:
    world.wrote(None, "addComment", [{"what": "comment", "after": 9, "body": "Hi"}])


def applied_twice(world: Sound) -> None:
    world.wrote(world.labelled, "addLabelsToLabelable", [])


def altered(world: Sound) -> None:
    world.log[3]["hash"] = "0" * 64


def of_a_dry_run(world: Sound) -> None:
    run = make_run(operation=world.operation, mode="dry_run", state="succeeded", requested_by="olga")
    item = make_item(run=run, issue=world.issue, state="planned", epoch=1)
    effect = make_effect(item=item, epoch=1)
    world.wrote(effect, "addLabelsToLabelable", [])
    Effect.objects.filter(pk=effect.pk).update(state="cancelled")
    world.log.pop()
    Effect.objects.filter(pk=effect.pk).update(sent_at=MOMENT)


def before_it_was_stored(world: Sound) -> None:
    Effect.objects.filter(pk=world.labelled.pk).update(planned_at=MOMENT + timedelta(minutes=5))


def refused_yet_seen(world: Sound) -> None:
    Effect.objects.filter(pk=world.labelled.pk).update(state="refused")


def still_sending(world: Sound) -> None:
    world.applied(changes.AddLabels(("x",)), state="sending", settled_at=None)


def epoch_ahead(world: Sound) -> None:
    Effect.objects.filter(pk=world.labelled.pk).update(epoch=9)


def sent_while_off(world: Sound) -> None:
    with clock.using(clock.VirtualClock(MOMENT + timedelta(seconds=35))):
        audit.append(
            actor="olga", action="operation.mode", subject=str(world.operation), reason="Stop.",
            before={"mode": "live"}, after={"mode": "off"},
        )  # fmt: skip
    Operation.objects.update(mode="off")


def no_guidance(world: Sound) -> None:
    Effect.objects.filter(pk=world.guided.pk).update(settled_at=MOMENT + timedelta(minutes=5))


def handed_twice(world: Sound) -> None:
    second = world.applied(changes.AssignCopilot("main"))
    world.wrote(second, "addAssigneesToAssignable", [{"what": "copilot", "after": "assigned"}])


def generation_gap(world: Sound) -> None:
    Handover.objects.filter(pk=world.handover.pk).update(generation=2)


def branch_twice(world: Sound) -> None:
    for _ in range(2):
        effect = world.applied(changes.CreateBranch("b", "main", "m", ()))
        world.wrote(effect, "createRef", [{"what": "ref", "before": None, "after": "a", "ref": "refs/heads/b"}])


def transition_missing(world: Sound) -> None:
    world.issue.transitions.filter(sequence=2).delete()


def wrong_chain(world: Sound) -> None:
    world.issue.transitions.filter(sequence=3).update(before="discovery")


def illegal_move(world: Sound) -> None:
    world.issue.transitions.filter(sequence=2).update(cause="imported")


def state_of_its_own(world: Sound) -> None:
    Issue.objects.update(state="done")
    make_finding(repository=world.repository, issue=world.issue, check_id="state.conflict")


def other_label(world: Sound) -> None:
    world.log[3]["changes"][0]["after"] = ["state::assigned", "site-monitor"]


def lost_text(world: Sound) -> None:
    lost = world.body.replace("A person wrote this.", "")
    world.log[1]["changes"][0]["after"] = lost
    Issue.objects.update(body=lost)


def took_a_label(world: Sound) -> None:
    world.log[3]["changes"][0]["before"] = ["urgent"]


def took_an_assignee(world: Sound) -> None:
    world.log[2]["changes"].append({"what": "assignees", "before": ["rosa"], "after": ["Copilot"]})


def two_copies(world: Sound) -> None:
    doubled = f"{world.body}\n## Specialist Guidance\n\nDo it.\n"
    world.add({
        "kind": "world", "actor": "rosa", "actor_kind": "human", "repository": "acme/watch", "number": 1,
        "changes": [{"what": "body", "before": world.body, "after": doubled}],
    })  # fmt: skip
    Issue.objects.update(body=doubled)


def asked_too_early(world: Sound) -> None:
    world.request(limited_until=(NOW + timedelta(hours=1)).isoformat())
    world.request()


def too_many_writes(world: Sound) -> None:
    Repository.objects.update(writes_per_minute=3)
    sound_log = list(world.log)
    assert len(sound_log) == 4


def too_close(world: Sound) -> None:
    for milliseconds in (0, 400):
        make_api_call(repository=world.repository, write=True, at=MOMENT + timedelta(milliseconds=milliseconds))


def waits_for_ever(world: Sound) -> None:
    make_item(run=world.run, issue=world.issue, state="waiting", due_at=NOW + timedelta(days=30))


def nobody_was_told(world: Sound) -> None:
    run = make_run(operation=world.operation, state="working", created_at=MOMENT, rung_at=MOMENT)
    make_item(run=run, issue=world.issue)


def delivery_left(world: Sound) -> None:
    make_delivery(repository=world.repository, received_at=MOMENT)


def sent_after_the_end(world: Sound) -> None:
    Run.objects.filter(pk=world.run.pk).update(finished_at=MOMENT + timedelta(seconds=35))


def sent_while_paused(world: Sound, action: str = "repository.standing") -> None:
    with clock.using(clock.VirtualClock(MOMENT + timedelta(seconds=35))):
        audit.append(
            actor="olga", action=action, subject="acme/watch", reason="Stop.",
            before={"standing": "active"}, after={"standing": "paused"},
        )  # fmt: skip


def sent_while_paused_by_form(world: Sound) -> None:
    sent_while_paused(world, "repository.changed")


def for_nobody(world: Sound) -> None:
    Run.objects.filter(pk=world.run.pk).update(requested_by="")


def sent_too_often(world: Sound) -> None:
    Effect.objects.filter(pk=world.labelled.pk).update(attempts=6)


def other_title(world: Sound) -> None:
    Issue.objects.update(title="Not what GitHub shows")


def branch_of_others(world: Sound) -> None:
    made = world.applied(changes.CreateBranch("b", "main", "m", ()))
    world.wrote(made, "createRef", [{"what": "ref", "before": None, "after": "a", "ref": "refs/heads/b"}])
    moved = {"what": "ref", "before": "a", "after": "c", "ref": "refs/heads/b"}
    world.add({"kind": "world", "actor": "rosa", "repository": "acme/watch", "changes": [moved]})
    removed = world.applied(changes.DeleteBranch("b", "c"))
    world.wrote(removed, "deleteRef", [{"what": "ref", "before": "c", "after": None, "ref": "refs/heads/b"}])


def turned_by_nobody(world: Sound) -> None:
    audit.append(
        actor="olga", action="operation.limit", subject=str(world.operation), reason="Less.",
        before={"limit": 9}, after={"limit": world.operation.limit},
    )  # fmt: skip
    Operation.objects.update(limit=world.operation.limit + 40)


def without_a_reason(world: Sound) -> None:
    audit.append(actor="olga", action="role.changed", subject="x", reason="Because.")
    with guards.taken_away():
        AuditEntry.objects.update(reason="")


def hot_loop(world: Sound) -> None:
    for _ in range(4):
        world.request(method="PATCH", hash="same", time=MOMENT.isoformat())


def tampered(world: Sound) -> None:
    audit.append(actor="olga", action="operation.limit", subject="x", reason="Because.")
    with guards.taken_away():
        AuditEntry.objects.update(actor="mallory")


def over_the_limit(world: Sound) -> None:
    Run.objects.filter(pk=world.run.pk).update(limit=0)


def stale_lease(world: Sound) -> None:
    make_run(operation=world.operation, state="working", selected=False, claimed_until=NOW - timedelta(hours=1))


def secret_in_a_column(world: Sound) -> None:
    Run.objects.filter(pk=world.run.pk).update(error="Bad token canary-7f3a")


def secret_in_telemetry(world: Sound) -> None:
    folder: Path = settings.CONTROLPLANE.telemetry_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "planted.jsonl").write_text('{"token": "canary-7f3a"}\n', encoding="utf-8")


PLANTED: dict[str, tuple[Callable[[Sound], None], set[str]]] = {
    "opened twice": (opened_twice, {"conservation.discovery"}),
    "no row": (no_row, {"conservation.missing"}),
    "invented": (invented, {"conservation.invented"}),
    "left": (left_working, {"conservation.left"}),
    "waits for ever": (waits_for_ever, {"conservation.left"}),
    "untouched": (nobody_was_told, {"conservation.untouched", "conservation.left"}),
    "delivery": (delivery_left, {"conservation.untouched"}),
    "slot lost": (slot_lost, {"slots.lost"}),
    "slot invented": (slot_invented, {"slots.invented"}),
    "slot ahead": (slot_ahead, {"slots.future"}),
    "slot without run": (slot_without_run, {"slots.no run"}),
    "ran twice": (ran_twice, {"slots.ran twice"}),
    "overlap": (overlapping, {"slots.overlap"}),
    "unplanned": (unplanned, {"effects.unplanned"}),
    "applied twice": (applied_twice, {"effects.doubled"}),
    "altered": (altered, {"effects.altered"}),
    "dry run": (of_a_dry_run, {"effects.dry run"}),
    "early": (before_it_was_stored, {"effects.early"}),
    "fate": (refused_yet_seen, {"effects.fate"}),
    "open": (still_sending, {"effects.open"}),
    "epoch": (epoch_ahead, {"effects.epoch"}),
    "held": (sent_while_off, {"effects.held"}),
    "over": (sent_after_the_end, {"effects.over"}),
    "paused": (sent_while_paused, {"effects.held"}),
    "paused by form": (sent_while_paused_by_form, {"effects.held"}),
    "for nobody": (for_nobody, {"effects.nameless"}),
    "attempts": (sent_too_often, {"effects.attempts"}),
    "guidance": (no_guidance, {"handover.guidance"}),
    "handed twice": (handed_twice, {"handover.doubled"}),
    "generation": (generation_gap, {"handover.generation"}),
    "branch": (branch_twice, {"handover.branch"}),
    "sequence": (transition_missing, {"states.sequence"}),
    "chain": (wrong_chain, {"states.chain"}),
    "move": (illegal_move, {"states.move"}),
    "last": (state_of_its_own, {"states.last"}),
    "label": (other_label, {"states.label"}),
    "record": (other_title, {"states.record"}),
    "foreign branch": (branch_of_others, {"people.branch"}),
    "text": (lost_text, {"people.text"}),
    "foreign label": (took_a_label, {"people.label"}),
    "assignee": (took_an_assignee, {"people.assignee"}),
    "copies": (two_copies, {"people.copies"}),
    "wait": (asked_too_early, {"manners.wait"}),
    "pace": (too_many_writes, {"manners.pace"}),
    "spacing": (too_close, {"manners.spacing"}),
    "hot loop": (hot_loop, {"manners.hot loop"}),
    "audit": (tampered, {"evidence.audit"}),
    "unaudited": (turned_by_nobody, {"evidence.unaudited"}),
    "unexplained": (without_a_reason, {"evidence.unexplained", "evidence.audit"}),
    "limit": (over_the_limit, {"evidence.limit"}),
    "lease": (stale_lease, {"evidence.lease", "conservation.left"}),
    "secret": (secret_in_a_column, {"evidence.secret"}),
    "secret in a file": (secret_in_telemetry, {"evidence.secret"}),
}


@pytest.mark.parametrize("name", PLANTED)
def test_planted_violation_is_named_and_nothing_else(sound: Sound, name: str, tmp_path: Path) -> None:
    plant, expected = PLANTED[name]
    plant(sound)
    try:
        found = sound.report(secrets=["canary-7f3a"]).violations
    finally:
        (settings.CONTROLPLANE.telemetry_dir / "planted.jsonl").unlink(missing_ok=True)
    assert {violation.check for violation in found} == expected
    assert all(violation.sentence.endswith(".") for violation in found)


def test_branch_that_was_half_made_over_rest_may_be_sent_again(sound: Sound) -> None:
    effect = sound.applied(changes.CreateBranch("b", "main", "m", ()))
    made = {"before": None, "after": "a"}
    sound.wrote(effect, "POST /repos/{owner}/{repo}/git/trees", [{"what": "tree", **made}])
    again = sound.moment()
    Effect.objects.filter(pk=effect.pk).update(sent_at=again, settled_at=again)
    sound.wrote(effect, "POST /repos/{owner}/{repo}/git/refs", [{"what": "ref", "ref": "refs/heads/b", **made}])
    assert not sound.report().violations


def test_parts_of_a_daily_run_by_hand_need_no_live_operation(sound: Sound) -> None:
    daily = make_run(operation=sound.operation, state="succeeded", purpose="manual", requested_by="olga")
    Run.objects.filter(pk=sound.run.pk).update(purpose="part", parent=daily, nominal_at=None)
    sent_while_off(sound)
    assert "effects.held" not in {violation.check for violation in sound.report().violations}


@pytest.mark.parametrize(("beaten", "found"), [(timedelta(seconds=30), 1), (timedelta(hours=1), 0)])
def test_due_work_is_missed_by_a_living_sweeper_only(sound: Sound, beaten: timedelta, found: int) -> None:
    nobody_was_told(sound)
    Heartbeat.objects.create(name="tick", beaten_at=NOW - beaten)
    checks = [violation.check for violation in sound.report(at_rest=False).violations]
    assert checks.count("conservation.untouched") == found


def test_command_looks_for_the_installations_own_secrets(sound: Sound, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_planted_in_a_row")
    Run.objects.filter(pk=sound.run.pk).update(error="Bad token ghp_planted_in_a_row")
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_invariants", stdout=out)
    assert "evidence.secret" in out.getvalue()


# --- the command and the log ---


def test_command_exits_with_1_and_names_the_row(sound: Sound, tmp_path: Path) -> None:
    applied_twice(sound)
    path = tmp_path / "events.jsonl"
    path.write_text("".join(json.dumps(entry) + "\n" for entry in sound.log), encoding="utf-8")
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("verify_invariants", events=str(path), quiescent=True, stdout=out)
    assert ended.value.code == 1
    assert "applied twice, as writes 4 and 5" in out.getvalue()


def test_command_prints_json_and_ends_well_when_all_holds(sound: Sound) -> None:
    out = StringIO()
    call_command("verify_invariants", json=True, stdout=out)
    assert json.loads(out.getvalue())["ok"] is True


@pytest.mark.parametrize(
    "text", ["", "{broken\n", '{"seq": 2}\n', '{"seq": 2, "time": "2026-11-02", "kind": "request"}\n']
)
def test_log_that_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "events.jsonl"
    if text:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(BadLog, match=r"event log|not JSON"):
        events.read(str(path))


def test_half_a_line_at_the_end_is_left_for_later(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text('{"seq": 1, "time": "2026-11-02T08:00:00Z", "kind": "world"}\n{"se', encoding="utf-8")
    assert len(events.read(str(path))) == 1


def test_log_is_read_from_a_running_sandbox_too(sandbox: Any) -> None:
    sandbox.log.write("world", actor="rosa", field="human.open")
    read = events.read(f"{sandbox.url}/_sandbox/events")
    assert [event.field for event in read] == ["human.open"]

"""Trouble that stays over three validation runs, told in an issue on GitHub: once, kept up, closed, never doubled."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pipeline.domain.reports import HEADING
from pipeline.domain.sections import read_section
from pipeline.models import Finding, Issue, Kind, Mode, Operation, ProblemReport, Run
from pipeline.services import effects, operations, revert
from sandbox.model import Issue as Remote
from tests.scenarios.world import Killed, World

HOUR = timedelta(hours=1)
NOTE = "\n\n## Notes of people\r\n\r\nLook at this first 🛶, with trailing blanks   \r\n"
CHECK = "state.conflict"


def by_hand(world: World) -> World:
    """Hours pass at one go, so nothing may be due in between."""
    for operation in Operation.objects.exclude(mode=Mode.OFF):
        operations.set_mode(operation, Mode.OFF, actor="test", reason="Everything is run by hand.")
    return world


@pytest.fixture(name="graphql")
def _graphql(graphql: World) -> World:
    return by_hand(graphql)


@pytest.fixture(name="both")
def _both(both: World) -> World:
    return by_hand(both)


def troubled(world: World, count: int = 1) -> list[int]:
    """New issues on which a person set a second state label."""
    known = {issue.number for issue in world.remotes()}
    world.feed.publish(count)
    world.run(Kind.MONITOR)
    numbers = [issue.number for issue in world.remotes() if issue.number not in known]
    world.advance()
    for number in numbers:
        world.human("label", number, labels=["state::assigned"])
    world.advance()
    return numbers


def mended(world: World, *numbers: int) -> None:
    for number in numbers:
        world.human("unlabel", number, labels=["state::assigned"])
    world.advance()


def swept(world: World, times: int = 1, mode: Mode = Mode.LIVE) -> Run:
    """The last of so many validation runs, an hour apart."""
    for _ in range(times):
        run = world.run(Kind.VALIDATE, mode)
        world.advance(HOUR)
        world.tick()  # so that every slot of the hour has its row
        world.drain()
    return run


def reports(world: World) -> list[Remote]:
    return [issue for issue in world.remotes() if issue.title.startswith("[control plane]")]


def told(issue: Remote) -> str:
    return read_section(issue.body, HEADING) or ""


def test_trouble_is_told_once_kept_up_beside_peoples_text_and_closed(both: World) -> None:
    first, second = troubled(both, 2)
    swept(both, 2)
    assert reports(both) == []
    swept(both, 3)
    (issue,) = reports(both)
    assert issue.title == "[control plane] Several state labels: 2 issues when opened"
    assert not issue.labels
    assert f"[#{first}]" in told(issue)
    both.human("edit", issue.number, body=f"Rosa was here.\r\n{issue.body}{NOTE}")
    both.advance()
    (third,) = troubled(both)
    swept(both)
    (issue,) = reports(both)
    assert f"[#{third}]" in told(issue)
    assert issue.body.startswith("Rosa was here.\r\n")
    assert issue.body.endswith(NOTE)
    mended(both, first, second, third)
    swept(both, 2)
    (issue,) = reports(both)
    assert issue.state == "closed"
    assert [("Recovered" in comment.body) for comment in issue.comments] == [True]
    assert ProblemReport.objects.get().ending == "recovered"
    both.settle()
    both.verify()


def test_dry_runs_show_the_issue_and_write_nothing(graphql: World) -> None:
    troubled(graphql)
    before = graphql.writes()
    run = swept(graphql, 4, Mode.DRY_RUN)
    assert Finding.objects.get(check_id=CHECK).sweeps == 4
    assert [item.report.group for item in run.items.all() if item.report] == [CHECK]
    assert (graphql.writes(), reports(graphql)) == (before, [])


@pytest.mark.parametrize("point", ["after sending", "after settling"])
def test_killed_worker_does_not_double_the_issue(graphql: World, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    troubled(graphql)
    swept(graphql, 2)
    real, struck = effects.settle, list[str]()

    def settle(*args: object, **values: object) -> None:
        if not struck and point == "after sending":
            struck.append(point)
            raise Killed
        real(*args, **values)  # type: ignore[arg-type]  # handed on as they came
        if not struck:
            struck.append(point)
            raise Killed

    monkeypatch.setattr(effects, "settle", settle)
    graphql.run(Kind.VALIDATE)
    assert struck == [point]
    graphql.until(lambda: not graphql.active(), by=timedelta(minutes=2))
    swept(graphql, 2)
    (issue,) = reports(graphql)
    assert ProblemReport.objects.get().number == issue.number
    graphql.settle()
    graphql.verify()


def test_closing_by_a_person_is_seen_by_the_next_read_and_respected(graphql: World) -> None:
    troubled(graphql)
    swept(graphql, 3)
    (issue,) = reports(graphql)
    graphql.human("close", issue.number)
    graphql.advance()
    swept(graphql, 3)
    assert len(reports(graphql)) == 1
    assert ProblemReport.objects.get().ending == "by_person"
    graphql.advance(timedelta(days=1))
    swept(graphql)
    assert [issue.state for issue in reports(graphql)] == ["closed", "open"]
    graphql.settle()
    graphql.verify()


def test_report_is_reverted_like_any_other_change(graphql: World) -> None:
    troubled(graphql)
    run = swept(graphql, 3)
    undoing = revert.revert_run(run, actor="olga", reason="Not wanted.", ring=False)
    graphql.queue.append(("pipeline.tasks.execute_run", (undoing.pk,)))
    graphql.drain()
    (issue,) = reports(graphql)
    assert issue.state == "closed"
    assert not Issue.objects.filter(number=issue.number).exists()
    graphql.settle()
    graphql.verify()

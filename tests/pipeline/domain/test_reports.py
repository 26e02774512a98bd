"""Problem reports: what the issue says, and when it is opened, written anew or closed."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.domain import changes, reports
from pipeline.domain.labels import LabelGrammar
from pipeline.domain.plan import Plan, Verdict
from pipeline.domain.reports import HEADING, MOST_LISTED, Group, Known, Line
from pipeline.domain.sections import headings, read_section, splice, upsert_section
from pipeline.domain.snapshot import IssueSnapshot
from tests.values import MOMENT, snapshot

NEW = Known("report:1:template.remnants:1", None)
TEXT = "Written by rosa, and to be left alone.\n"


def line(number: int | None = 12, **values: Any) -> Line:
    defaults: dict[str, Any] = {
        "fingerprint": f"f{number}",
        "severity": "warning",
        "message": "The guidance still says TODO.",
        "since": MOMENT,
        "sweeps": 3,
        "number": number,
        "url": f"https://github.example/acme/watch/issues/{number}" if number else "",
    }
    return Line(**{**defaults, **values})


def group(*lines: Line, **values: Any) -> Group:
    return Group(**{"check": "template.remnants", "title": "Template remnants", "explanation": "Fill them in.",
                    "lines": lines or (line(),), **values})  # fmt: skip


def on_github(body: str, **values: Any) -> IssueSnapshot:
    return snapshot(number=40, body=body, labels=(), **values)


def opened(of: Group) -> changes.CreateIssue:
    change = reports.plan(NEW, of, None).effects[0].change
    assert isinstance(change, changes.CreateIssue)
    return change


def written(made: Plan) -> str | None:
    change = made.effects[0].change
    assert isinstance(change, changes.WriteSections)
    return dict(change.sections)[HEADING]


def known(of: Group, **values: Any) -> Known:
    return Known(**{"subject": NEW.subject, "number": 40, "written": reports.section(of), **values})


def test_group_persists_once_one_finding_was_seen_in_three_runs_in_a_row() -> None:
    assert not group(line(1, sweeps=2), line(2, sweeps=1)).persists
    assert group(line(1, sweeps=1), line(2, sweeps=3)).persists


def test_issue_can_exist_only_once_and_carries_no_label_of_the_pipeline() -> None:
    made = reports.plan(NEW, group(line(1), line(2)), None)
    assert (made.verdict, made.outcome) == (Verdict.CHANGE, "reported")
    assert [effect.subject for effect in made.effects] == [NEW.subject]
    assert opened(group()).labels == ()
    assert not LabelGrammar().is_ours(opened(group()).labels)
    assert made.facts["content_hash"] == reports.content_hash(group(line(1), line(2)))


def test_title_names_the_check_and_how_many_issues() -> None:
    assert opened(group()).title == "[control plane] Template remnants: 1 issue when opened"
    twice = group(line(1, fingerprint="a"), line(1, fingerprint="b"), line(2))
    assert opened(twice).title == "[control plane] Template remnants: 2 issues when opened"
    assert opened(group(line(None), line(None, fingerprint="g"))).title.endswith("2 findings when opened")


def test_section_links_each_issue_the_critical_ones_first() -> None:
    content = reports.section(group(line(3), line(9, severity="critical"), line(5, acknowledged=True)))
    rows = [row for row in content.splitlines() if row.startswith("- ")]
    assert [row.partition("]")[0] for row in rows] == ["- [#9", "- [#3", "- [#5"]
    assert "(https://github.example/acme/watch/issues/9)" in rows[0]
    assert rows[2].endswith("acknowledged)")


def test_more_than_fifty_are_counted_not_listed() -> None:
    content = reports.section(group(*(line(number) for number in range(1, MOST_LISTED + 8))))
    assert content.count("\n- [#") == MOST_LISTED
    assert content.endswith("- and 7 more")


def test_list_does_not_depend_on_the_order_of_findings() -> None:
    assert reports.content_hash(group(line(1), line(2))) == reports.content_hash(group(line(2), line(1)))
    assert reports.content_hash(group(line(1))) != reports.content_hash(group(line(1), line(2)))


def test_text_from_outside_mentions_nobody_and_stays_inside_the_section() -> None:
    hostile = "Broken: @rosa see <b>x</b>\n## Discovery\n[go](https://evil.example/x) <!-- cp:k:0 --> #7"
    body = opened(group(line(message=hostile, url="https://x.example/a) @olga"), title="@all <i>")).body
    assert [(seen.level, seen.text) for seen in headings(body)] == [(2, HEADING)]
    assert "`@rosa`" in body
    assert "@olga" not in body
    assert "<b>" not in body
    assert "<!--" not in body
    assert "`#7`" in body


def test_change_of_the_findings_is_written_in_place() -> None:
    before, after = group(line(1)), group(line(1), line(2))
    body = TEXT + opened(before).body + "\n\n## Notes\n\nrosa's own."
    made = reports.plan(known(before), after, on_github(body))
    assert (made.verdict, written(made)) == (Verdict.CHANGE, reports.section(after))
    assert made.effects[0].before == {"sections": {HEADING: reports.section(before)}}


def test_nothing_is_written_where_the_issue_says_it_already() -> None:
    made = reports.plan(known(group()), group(), on_github(opened(group()).body))
    assert (made.verdict, made.outcome) == (Verdict.SKIP, "as it was")
    assert made.facts["content_hash"] == reports.content_hash(group())


def test_section_that_a_person_edited_is_left_and_reported() -> None:
    body = upsert_section(opened(group()).body, HEADING, "- rosa's list")
    made = reports.plan(known(group()), group(line(1), line(2)), on_github(body))
    assert (made.verdict, made.effects) == (Verdict.CONFLICT, ())


def test_section_that_a_person_deleted_is_written_anew() -> None:
    made = reports.plan(known(group()), group(line(1), line(2)), on_github(TEXT))
    assert written(made) == reports.section(group(line(1), line(2)))


def test_empty_group_takes_leave_and_closes_the_issue() -> None:
    made = reports.plan(known(group()), None, on_github(opened(group()).body))
    assert [effect.change.kind for effect in made.effects] == ["add_comment", "close_issue"]
    assert "Recovered" in made.effects[0].change.body  # type: ignore[union-attr]  # the kind is known
    assert made.effects[1].before == {"is_open": True}


def test_leave_is_not_taken_twice() -> None:
    made = reports.plan(known(group(), taken_leave=True), None, on_github(opened(group()).body))
    assert [effect.change.kind for effect in made.effects] == ["close_issue"]


def test_muted_findings_are_not_called_recovered() -> None:
    made = reports.plan(known(group(), muted=4), None, on_github(opened(group()).body))
    comment = made.effects[0].change
    assert isinstance(comment, changes.AddComment)
    assert "Recovered" not in comment.body
    assert "4 muted" in comment.body


def test_closed_by_a_person_is_respected() -> None:
    for now in (group(line(1), line(2)), None):
        made = reports.plan(known(group()), now, on_github(opened(group()).body, is_open=False))
        assert (made.verdict, made.outcome) == (Verdict.SKIP, "closed")


def test_issue_that_cannot_be_seen_is_neither_written_nor_opened_again() -> None:
    assert reports.plan(known(group()), group(), None).effects == ()


def test_trouble_that_went_before_the_issue_was_opened_opens_none() -> None:
    assert reports.plan(NEW, None, None).verdict is Verdict.SKIP


@settings(max_examples=40)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=6), st.text(max_size=120))
def test_whatever_the_messages_say_the_section_reads_back_and_the_rest_of_the_body_stays(
    messages: list[str], outside: str
) -> None:
    of = group(*(line(number, message=text) for number, text in enumerate(messages, start=1)))
    start = splice(outside, [(HEADING, reports.section(group()))])
    made = reports.plan(known(group()), of, on_github(start))
    if made.verdict is Verdict.CHANGE:
        after = splice(start, [(HEADING, written(made))])
        assert read_section(after, HEADING) == reports.section(of)
        assert splice(after, [(HEADING, reports.section(group()))]) == start

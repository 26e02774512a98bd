"""The completion report as a person reads it: the curve drawn, the same numbers as a table, spans in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.http import QueryDict

from pipeline.models import Handover, Workflow
from pipeline.views import display
from rollout.domain import wording
from rollout.domain.completion import SEVEN_DAYS, TWO_DAYS, Bin, Cohort, Frequency, Reported, Share
from rollout.domain.measures import Reading, Unit
from rollout.domain.statistics import Interval
from rollout.domain.survival import Curve
from rollout.metrics.registry import METRICS
from rollout.services.completion.report import HEADLINE, MOST_WEEKS, WEEKS, LevelLine, Report

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 48, 12, 12, 44
DAY = timedelta(days=1)
SHORTEST, LONGEST = timedelta(days=8), timedelta(days=28)  # of the drawing; beyond it the table says what there is
CHOICES = (1, 4, 8, 12, 26, 52)
TONES = {Reported.COMPLETED: "completed", Reported.BLOCKED: "waiting", Reported.WITHDRAWN: ""}
_BLOCKERS = dict(Handover.Blocker.choices)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for; what it does not know is put right."""

    workflow: str
    weeks: int

    @property
    def query(self) -> str:
        parts = QueryDict(mutable=True)
        if self.workflow:
            parts["workflow"] = self.workflow
        if self.weeks != WEEKS:
            parts["weeks"] = str(self.weeks)
        return parts.urlencode()


def asked(query: Mapping[str, str]) -> Asked:
    workflow, weeks = str(query.get("workflow", "")), str(query.get("weeks", ""))
    known = bool(workflow) and Workflow.objects.filter(slug=workflow[:35]).exists()
    chosen = int(weeks) if weeks.isascii() and weeks.isdigit() and len(weeks) < 4 else WEEKS
    return Asked(workflow if known else "", max(1, min(chosen, MOST_WEEKS)))


def choices(chosen: Asked) -> list[int]:
    return sorted({*CHOICES, chosen.weeks})


@dataclass(frozen=True, slots=True)
class Chart:
    """The curve of what is completed, rising; coordinates are of a WIDTH × HEIGHT view box."""

    curve: str
    band: str
    days: tuple[tuple[float, str], ...]
    shares: tuple[tuple[float, str], ...]
    marks: tuple[tuple[float, str], ...]
    plain: tuple[tuple[float, float], ...]
    title: str
    description: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def chart(report: Report) -> Chart | None:
    """None where nothing has been watched yet."""
    longest = report.curve.longest
    if not longest:
        return None
    end = max(SHORTEST, min(LONGEST, timedelta(seconds=longest))).total_seconds()
    every = 1 if end <= 8 * 86400 else 2 if end <= 16 * 86400 else 7
    days = range(0, int(end // 86400) + 1, every)
    marks = [(TWO_DAYS, "48 h"), (SEVEN_DAYS, "7 d")]
    plain = [(point.age.total_seconds(), point.plain.value) for point in report.points]
    return Chart(
        curve=_stairs(report.curve, end),
        band=_band(report.curve, end),
        days=tuple((_across(day * 86400, end), str(day)) for day in days),
        shares=tuple((_up(share / 100), f"{share} %") for share in (0, 25, 50, 75, 100)),
        marks=tuple((_across(age.total_seconds(), end), word) for age, word in marks),
        plain=tuple((_across(age, end), _up(share)) for age, share in plain if share is not None and age <= end),
        title="Share of hand-overs completed by age",
        description=_described(report),
    )


def _up(share: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)


def _across(seconds: float, end: float) -> float:
    return round(LEFT + (WIDTH - LEFT - RIGHT) * min(seconds, end) / end, 1)


def _stairs(curve: Curve, end: float) -> str:
    """Points of the curve: level, then straight up at each completion, level to the last that was watched."""
    found = [(_across(0, end), _up(0))]
    for step in curve.steps:
        if step.time > end:
            break
        found += [(_across(step.time, end), found[-1][1]), (_across(step.time, end), _up(1 - step.survival))]
    found.append((_across(min(curve.longest or 0, end), end), found[-1][1]))
    return " ".join(f"{x},{y}" for x, y in found)


def _band(curve: Curve, end: float) -> str:
    """The interval as one closed shape; where Greenwood has no value it ends."""
    steps = [(step.time, step.band) for step in curve.steps if step.band is not None and step.time <= end]
    if not steps:
        return ""
    later = [step.time for step in curve.steps if step.band is None]
    last = min([*later, curve.longest or 0, end])
    times = [*(time for time, _ in steps[1:]), max(last, steps[-1][0])]
    upper, lower = [], []
    for (time, band), until in zip(steps, times, strict=True):
        for x in (_across(time, end), _across(until, end)):
            upper.append(f"{x},{_up(1 - band.low)}")
            lower.append(f"{x},{_up(1 - band.high)}")
    return " ".join([*upper, *reversed(lower)])


def _described(report: Report) -> str:
    curve = report.curve
    told = [f"by {age(point.age)} {display.percent(point.share)}" for point in report.points if point.share is not None]
    start = f"Kaplan–Meier curve of {wording.counted(curve.n, 'hand-over')}, {curve.events} of them completed"
    return f"{start}: {', '.join(told)}." if told else f"{start}."


# --- words ---


def age(span: timedelta) -> str:
    """48 h, 7 d."""
    hours = span.total_seconds() / 3600
    return f"{hours:g} h" if hours <= 72 else f"{hours / 24:g} d"


def bin_name(one: Bin) -> str:
    if one.upto is None:
        return f"later than {age(one.above)}"
    return f"{age(one.above)} to {age(one.upto)}" if one.above else f"within {age(one.upto)}"


def interval(bounds: Interval | None) -> str:
    """In whole per cent."""
    return f"{100 * bounds.low:.0f}–{100 * bounds.high:.0f} %" if bounds else display.NOTHING


def share(one: Share) -> str:
    """ "62 % of 21", and how many are too young."""
    young = f", {one.pending} pending" if one.pending else ""
    if one.value is None:
        return f"{one.pending} pending" if one.pending else display.NOTHING
    return f"{100 * one.value:.0f} % of {one.of}{young}"


def took(seconds: float | None) -> str:
    return display.span(timedelta(seconds=seconds)) if seconds is not None else display.NOTHING


@dataclass(frozen=True, slots=True)
class FigureLine:
    title: str
    value: str
    interval: str
    n: int
    note: str


def figures(report: Report) -> list[FigureLine]:
    return [_figure(slug, report.figures[slug]) for slug in HEADLINE]


def _figure(slug: str, reading: Reading) -> FigureLine:
    metric = METRICS[slug]
    low, high = reading.parts.get("low"), reading.parts.get("high")
    note = reading.error
    if metric.unit is Unit.SECONDS:
        value = took(reading.value)
        ends = [took(low) if low is not None else "", took(high) if high is not None else ""]
        bounds = f"{ends[0] or '…'} to {ends[1] or 'open'}" if any(ends) else display.NOTHING
        if reading.value is None and reading.n and not note:
            note = "the curve does not reach it yet"
    else:
        value = wording.value(reading.value, metric.unit) if reading.value is not None else display.NOTHING
        bounds = interval(Interval(float(low), float(high))) if low is not None and high is not None else "–"
        pending = int(reading.parts.get("pending", 0))
        if pending and not note:
            note = f"{pending} not old enough"
    return FigureLine(metric.title, value, bounds, reading.n, note)


@dataclass(frozen=True, slots=True)
class LevelRow:
    line: LevelLine
    place: str
    target: str
    value: str
    interval: str
    verdict: str


def levels(report: Report) -> list[LevelRow]:
    return [
        LevelRow(
            line=line,
            place=line.workflow or "all workflows",
            target=wording.target(line.level.comparator, line.level.threshold, Unit.SHARE),
            value=wording.value(line.judged.value, Unit.SHARE) if line.judged.value is not None else display.NOTHING,
            interval=interval(line.judged.interval),
            verdict=line.judged.verdict.value,
        )
        for line in report.levels
    ]


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    word: str
    tone: str
    cases: int
    note: str


def outcomes(report: Report) -> list[OutcomeRow]:
    """In the order of a hand-over's life; those that nobody is in are left out."""
    found = []
    for word in Reported:
        count = report.outcomes.get(word, 0)
        waits = word is Reported.WORKING and report.to_be_merged
        note = f"{report.to_be_merged} finished, to be merged by a person" if waits else ""
        if count:
            found.append(OutcomeRow(word.value, TONES.get(word, word.value), count, note))
    return found


@dataclass(frozen=True, slots=True)
class CohortRow:
    cohort: Cohort
    two_days: str
    two_days_interval: str
    seven_days: str
    seven_days_interval: str
    median: str


def cohorts(rows: tuple[Cohort, ...]) -> list[CohortRow]:
    return [
        CohortRow(
            cohort=row,
            two_days=share(row.two_days),
            two_days_interval=interval(row.two_days.interval) if row.two_days.of else "",
            seven_days=share(row.seven_days),
            seven_days_interval=interval(row.seven_days.interval) if row.seven_days.of else "",
            median=took(row.median),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class BlockerRow:
    word: str
    cases: int
    share: str
    examples: tuple[Handover, ...]


def blockers(report: Report) -> list[BlockerRow]:
    return [_blocker(one, report.rows) for one in report.blockers]


def _blocker(one: Frequency, rows: Mapping[int, Handover]) -> BlockerRow:
    examples = tuple(rows[key] for key in one.examples if key in rows)
    return BlockerRow(str(_BLOCKERS.get(one.name, one.name)), one.cases, display.percent(one.share), examples)


def bins(report: Report) -> list[tuple[str, int, int]]:
    """(name, cases, per cent of the fullest): the last is the length of the bar."""
    most = max((one.cases for one in report.histogram), default=0) or 1
    return [(bin_name(one), one.cases, round(100 * one.cases / most)) for one in report.histogram]


def points(report: Report) -> list[tuple[str, int, str, str, str]]:
    """(age, at risk, share of the curve, its interval, plain share)."""
    return [
        (
            age(point.age),
            point.at_risk,
            display.percent(point.share),
            interval(point.band),
            share(point.plain),
        )
        for point in report.points
    ]

"""My queue and the scoring page of one's own seat. No logic of its own: services claim, keep and write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from pipeline import clock
from pipeline.admin.base import Screen, number, page_frame
from pipeline.admin.questions import require
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import sheets, weeks
from rollout.domain.reviews.sheets import Sheet
from rollout.models import Adjudication, Review, ReviewBatch
from rollout.services.reviews import claims, marks, queue, scoring, teams
from rollout.views import review_queue
from rollout.views import scoring as parts

RIGHT = "rollout.score_sample"


def person(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def score_address(row: Review) -> str:
    return reverse("admin:rollout_review_score", args=[row.pk])


def queue_address() -> str:
    return reverse("admin:rollout_review_queue")


def queue_page(screen: Screen, request: HttpRequest) -> HttpResponse:
    """GET shows what is the user's; POST starts the next one, or the one named."""
    require(request.user, RIGHT)
    user, now = person(request), clock.now()
    if request.method == "POST":
        return _start(request, user)
    turn = teams.duty(now)
    context = screen.admin_site.each_context(request) | {
        "opts": screen.opts,
        "title": "My queue",
        "board": review_queue.board(user, now),
        "duty": turn,
        "until": weeks.turn_ends(now),
        "my_teams": ", ".join(sorted(set(user.review_teams.filter(active=True).values_list("team__name", flat=True)))),
    }
    return TemplateResponse(request, "admin/rollout/queue.html", context)


def _start(request: HttpRequest, user: User) -> HttpResponse:
    wanted = request.POST.get("review", "")
    try:
        row = claims.claim(number(wanted) or 0, user) if wanted else claims.start_next(user)
    except Review.DoesNotExist:
        raise Http404("There is no such review.") from None
    except NotPossible as refusal:
        messages.info(request, str(refusal))
        return HttpResponseRedirect(queue_address())
    return HttpResponseRedirect(score_address(row))


def score_page(screen: Screen, request: HttpRequest, review_id: int) -> HttpResponse:
    """The user's own seat: the form while they hold it, a button to open it while they do not, their marks after."""
    require(request.user, RIGHT)
    row, user = _fetch(review_id), person(request)
    if request.method == "POST":
        return _answered(screen, request, row, user)
    if row.reviewer_id != user.pk:
        return _lost(screen, request, row, Sheet(), "It is somebody else's; yours are in your queue.", status=403)
    if row.state in queue.FINISHED:
        return marks_page(screen, request, row)
    if row.state != Review.State.CLAIMED:
        return _frame(screen, request, row, "admin/rollout/scoring_open.html", {})
    return _form(screen, request, row, claims.draft_of(row, user, _slugs(row)), {})


def _answered(screen: Screen, request: HttpRequest, row: Review, user: User) -> HttpResponse:
    """One of the form's buttons. Whatever is refused, what was typed is shown again."""
    sheet, epoch = _sheet(request, row), _epoch(request)
    act = request.POST.get("act", "submit")
    reason = request.POST.get("reason", "").replace("\0", "")  # a NUL is no text to PostgreSQL
    try:
        if act in ("skip", "decline"):
            return _given_up(screen, request, row, user, sheet, act, reason)
        if act == "release":
            claims.save_draft(row.pk, user, epoch, sheet)
            claims.release(row.pk, user, epoch)
            messages.success(request, "Released; what you entered is kept for you while nobody else takes it.")
            return HttpResponseRedirect(queue_address())
        if act == "save":
            claims.save_draft(row.pk, user, epoch, sheet)
            messages.success(request, "Saved as a draft.")
            return HttpResponseRedirect(score_address(row))
        done = scoring.submit(row.pk, user, epoch, sheet)
    except scoring.Incomplete as missing:
        return _form(screen, request, claims.fetch(row.pk), sheet, missing.faults, problem=str(missing))
    except claims.Lost as lost:
        return _lost(screen, request, row, sheet, str(lost), status=409)
    messages.success(request, f"#{done.sample.issue.number} is submitted.")
    return _next(request, user, done)


def _given_up(
    screen: Screen, request: HttpRequest, row: Review, user: User, sheet: Sheet, act: str, reason: str
) -> HttpResponse:
    try:
        (claims.skip if act == "skip" else claims.decline)(row.pk, user, reason)
    except claims.Lost:
        raise
    except NotPossible as refusal:
        return _form(screen, request, row, sheet, {"reason": str(refusal)}, reason=reason)
    said = "is skipped" if act == "skip" else "is given back; somebody else takes it"
    messages.success(request, f"#{row.sample.issue.number} {said}.")
    return _next(request, user, row)


def _next(request: HttpRequest, user: User, row: Review) -> HttpResponse:
    """The batch goes on before anything else does."""
    for batch in (row.sample.batch, None):
        try:
            return HttpResponseRedirect(score_address(claims.start_next(user, batch)))
        except NotPossible:
            continue
    messages.info(request, "That was the last one: your queue is empty.")
    return HttpResponseRedirect(queue_address())


def autosave(_screen: Screen, request: HttpRequest, review_id: int) -> HttpResponse:
    """204 with the time until which the claim holds now; 409 with a sentence: not this reviewer's any more."""
    require(request.user, RIGHT)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    row = _fetch(review_id)
    try:
        until = claims.save_draft(row.pk, person(request), _epoch(request), _sheet(request, row))
    except claims.Lost as lost:
        return HttpResponse(str(lost), status=409, content_type="text/plain; charset=utf-8")
    return HttpResponse(status=204, headers={"X-Claim-Seconds": str(int((until - clock.now()).total_seconds()))})


def marks_page(screen: Screen, request: HttpRequest, row: Review) -> HttpResponse:
    """One review's marks, beside those of the same issue that the user may see."""
    user = person(request)
    rows = queue.visible(user).filter(sample=row.sample, state=Review.State.SUBMITTED).select_related("reviewer")
    dispute = queue.visible_adjudications(user).filter(sample=row.sample).first()
    settled = dispute is None or dispute.state == Adjudication.State.SETTLED
    # Whoever settles a disagreement does not know whose review is whose.
    named = settled and (queue.leads(user) or row.sample.batch.state != ReviewBatch.State.OPEN)
    columns = [
        parts.column(_whose(each, user, named), each)
        for each in sorted(rows, key=lambda one: (one.pk != row.pk, one.seat))
    ]
    context = {
        "columns": columns,
        "lines": parts.side_by_side(row.sample, columns),
        "dispute": dispute,
        "own": row.reviewer_id == user.pk,
        "unfinished": row.state in queue.UNFINISHED,
        "texts": [text for side in parts.texts(row.sample) for text in side],
    }
    return _frame(screen, request, row, "admin/rollout/scoring_marks.html", context)


def _whose(review: Review, user: User, named: bool) -> str:
    if review.reviewer_id == user.pk:
        return "You"
    return str(review.reviewer) if named else "Another reviewer"


def _fetch(review_id: int) -> Review:
    try:
        return claims.fetch(review_id)
    except Review.DoesNotExist:
        raise Http404("There is no such review.") from None


def _slugs(row: Review) -> list[str]:
    return [each.slug for each in marks.criteria_of(row.sample.batch.rubric)]


def _sheet(request: HttpRequest, row: Review) -> Sheet:
    return sheets.read(request.POST.getlist, _slugs(row))


def _epoch(request: HttpRequest) -> int:
    given = request.POST.get("epoch", "")
    return int(given) if given.isdecimal() and len(given) < 10 else -1


def _frame(
    screen: Screen,
    request: HttpRequest,
    row: Review,
    template: str,
    context: Mapping[str, Any],
    status: int = 200,
) -> HttpResponse:
    frame = page_frame(screen, request, row) | {
        "title": parts.title_of(row.sample),
        "review": row,
        "batch": row.sample.batch,
    }
    frame |= {"object": None, "original": None}  # the row's own name tells the seat, and that it is a calibration
    return TemplateResponse(request, template, frame | dict(context), status=status)


def _form(
    screen: Screen,
    request: HttpRequest,
    row: Review,
    sheet: Sheet,
    faults: Mapping[str, str],
    problem: str = "",
    reason: str = "",
) -> HttpResponse:
    left, middle = parts.texts(row.sample)
    now, until = clock.now(), row.claimed_until
    context = {
        "is_nav_sidebar_enabled": False,  # the whole width is for the texts and the rubric
        "progress": review_queue.progress_of(row, person(request)),
        "left": left,
        "middle": middle,
        "lines": parts.lines(row, sheet, faults),
        "checks": parts.checks(row, sheet, faults),
        "sheet": sheet,
        "score": parts.score_sentence(row, sheet),
        "seconds_left": max(0, int((until - now).total_seconds())) if until else 0,
        "faults": faults,
        "reason": reason,
        "problem": problem or faults.get("reason", ""),
    }
    return _frame(screen, request, row, "admin/rollout/scoring.html", context)


def _lost(screen: Screen, request: HttpRequest, row: Review, sheet: Sheet, why: str, *, status: int) -> HttpResponse:
    """The seat is somebody else's: what was typed is shown once more as text, so that nothing is lost."""
    context = {
        "heading": "Not saved" if request.method == "POST" else "Not yours",
        "why": why,
        "lines": parts.lines(row, sheet, {}) if sheet.begun else [],
    }
    if row.reviewer_id != person(request).pk and not sheet.begun:
        context["title"] = "Review"  # two seats with one title would tell what is scored twice
    return _frame(screen, request, row, "admin/rollout/scoring_lost.html", context, status=status)

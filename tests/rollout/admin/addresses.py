"""Every address of the rollout's screens, for the tests that open them all."""

from __future__ import annotations

from django.urls import reverse

from tests.rollout.admin.world import World

OF_ROLLOUT = (
    "hold",
    "holds",
    "gates",
    "limits",
    "override",
    "triggers",
    "profile",
    "rollback",
    "roll_back",
    "drill",
    "undo",
    "plan",
    "propose",
    "timetable",
    "survey",
    "survey_open",
    "launch",
    "weekly",
    "start",
)
OF_ROWS = {
    "incident": ("owner", "root_cause", "actions", "post_mortem", "close"),
    "change": ("approve", "reject", "withdraw"),
    "gate": ("sign", "decide", "withdraw"),
    "rollback": ("undo", "triage", "triage_apply", "triage_again"),
    "alert": ("clear",),
    "schedule": ("disable", "archive"),
    "step": ("measure",),
    "evaluation": ("replay",),
    "dispute": ("settle",),
    "case": ("snooze", "wake"),
    "manual_review": ("take_over", "settle"),
    "rubric": ("edit", "publish", "copy"),
    "absence": ("cancel",),
    "improvement": ("owner", "changed", "close"),
}

REVIEWING = ("reviewbatch", "reviewteam", "absence")


def page(name: str, *arguments: object) -> str:
    return reverse(f"admin:rollout_{name}", args=arguments)


def questions(world: World) -> list[str]:
    """Every page that asks before it changes something, and the pages of a rollout."""
    key = world.rollout.pk
    found = [page(f"rollout_{name}", key) for name in OF_ROLLOUT]
    found += [page("rollout_roll_back", key) + "?step=1.1"]
    found += [page(f"rollout_gate_{name}", key, "rehearsal-sign-off") for name in ("ask", "measure")]
    found += [page("rollout_answer", key, "rehearsal-executed"), page("rollout_override_end", key, world.override.pk)]
    found += [page(f"rollout_{name}", key, "half-failing") for name in ("disarm", "arm", "clear")]
    found += [page("rollout_raise", key, "strategic-pivot"), page("rollout_dismiss", key, world.firing.pk)]
    found += [page(f"rollout_{name}", key, world.hold.pk) for name in ("resume", "checklist", "approve_resume")]
    found += [page("rollout_refuse_resume", key, world.hold.pk)]
    found += [page("stepprogress_answer", world.step.pk, "process-guidance-maintained")]
    found += [page(f"rollback_{name}", world.rollback.pk, "announced") for name in ("retry", "skip")]
    found += [page(f"rollout_survey_{name}", key, world.survey.pk) for name in ("answer", "close")]
    found += of_batch(world)
    for row, names in OF_ROWS.items():
        model = getattr(world, row)
        found += [page(f"{model._meta.model_name}_{name}", model.pk) for name in names]
    return found


def of_batch(world: World) -> list[str]:
    """What a lead does to an open batch; its first sample has two seats."""
    sample = world.batch.samples.order_by("position")[0]
    seats = list(sample.reviews.values_list("pk", flat=True))
    found = [page(f"reviewbatch_{name}", world.batch.pk, seat) for name in ("reassign", "close_seat") for seat in seats]
    return [*found, page("reviewbatch_replace", world.batch.pk, sample.pk), page("reviewbatch_calibration")]


def every(world: World) -> list[str]:
    adds = [
        page(f"{model}_add")
        for model in ("rollout", "planversion", "roleholder", "securityalert", "improvement", *REVIEWING)
    ]
    adds += [page("score_agreement"), page("escalationrule_add")]
    adds += [page("completioncase_overdue"), page("completioncase_overdue") + f"?repository={world.repository.pk}"]
    own = [page("servicelevel_add"), page("completion_of", world.repository.pk)]
    return ["/admin/", *world.lists(), *world.pages(), *questions(world), *adds, *own]

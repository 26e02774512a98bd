"""One function for each step of the saga, by the step's name."""

from collections.abc import Callable

from rollout.models import Rollback
from rollout.services.saga_steps import evidence, github_actions, in_flight, putting_back, reverting, schedules, telling
from rollout.services.saga_steps.base import CarryOut

CARRY_OUT: dict[str, CarryOut] = {
    "schedules_off": schedules.switch_off,
    "runs_cancelled": in_flight.cancel,
    "drained": in_flight.drain,
    "states_exported": evidence.export_states,
    "incident_opened": evidence.open_incident,
    "progress_noted": evidence.note_progress,
    "announced": telling.announce,
    "workflows_disabled": github_actions.disable,
    "effects_reverted": reverting.revert,
    "triage_listed": evidence.list_triage,
    "stayed_off": schedules.stay_off,
    "put_back": putting_back.put_back,
}

# What a person's "try again" sets going anew, besides the step itself.
AFRESH: dict[str, Callable[[Rollback], None]] = {"announced": telling.send_again}

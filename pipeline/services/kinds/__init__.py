"""Kinds of operation, one module each. Adding one: write a module with `Kind`'s methods and name it here."""

from pipeline.models import Kind as Name
from pipeline.models import Run
from pipeline.services.kinds.actions import Actions
from pipeline.services.kinds.apply import Apply
from pipeline.services.kinds.assign import Assign
from pipeline.services.kinds.base import Kind
from pipeline.services.kinds.monitor import Monitor
from pipeline.services.kinds.process import Process
from pipeline.services.kinds.remind import Remind
from pipeline.services.kinds.revert import Revert
from pipeline.services.kinds.sync import Sync
from pipeline.services.kinds.track import Track
from pipeline.services.kinds.triage import Triage
from pipeline.services.kinds.validate import Validate

_KINDS: dict[str, Kind] = {
    Name.MONITOR: Monitor(),
    Name.ASSIGN: Assign(),
    Name.PROCESS: Process(),
    Name.TRACK: Track(),
    Name.SYNC: Sync(),
    Name.VALIDATE: Validate(),
    Name.TRIAGE: Triage(),
    Name.ACTIONS: Actions(),
    Name.REMIND: Remind(),
}
_APPLY, _REVERT = Apply(), Revert()


def of(run: Run) -> Kind:
    """What carries a run out: its purpose where that is special, else its kind."""
    if run.purpose == Run.Purpose.APPLY:
        return _APPLY
    if run.purpose == Run.Purpose.REVERT:
        return _REVERT
    return _KINDS[run.kind]

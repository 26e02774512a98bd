"""Two control loops at once, for real: threads with connections of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from django.db import OperationalError, connection

from pipeline.clock import VirtualClock
from pipeline.models import AuditEntry
from pipeline.services import audit
from rollout.models import Rollout
from rollout.services import reconcile
from tests.rollout import world


@pytest.mark.django_db(transaction=True)
def test_two_reconciles_at_once_make_every_change_once(virtual_clock: VirtualClock) -> None:
    rollout = world.started()
    world.go(rollout, "sign-off", brought_forward="All are here.")
    virtual_clock.set(datetime(2026, 11, 9, 0, 1, tzinfo=UTC))
    ready = Barrier(2)

    def loop() -> None:
        ready.wait()
        try:
            reconcile.reconcile(Rollout.objects.get(pk=rollout.pk), virtual_clock.now())
        except OperationalError:
            return  # SQLite was busy: as good as a crash, and made good by the next one
        finally:
            connection.close()

    threads = [Thread(target=loop) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.tick(rollout)
    assert world.live(rollout) == {"assign", "process"}
    assert AuditEntry.objects.filter(action="step.live").count() == 3
    assert AuditEntry.objects.filter(action="operation.mode", after={"mode": "live"}).count() == 2
    assert audit.verify().fault == ""
    assert world.tick(rollout) == []

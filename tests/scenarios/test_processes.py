"""Real workers and beats over HTTP: a worker killed, two beats, a lost answer, a broker gone; all ends well."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from tests.scenarios.fleet import Fleet, Relay, fleet

pytestmark = [pytest.mark.processes, pytest.mark.timeout(500)]


def begin(made: Fleet) -> None:
    """Everything up, with two beats, and the first create answered 502 after it was applied."""
    made.start_sandbox()
    made.driver("prepare", made.sandbox)
    made.tell("POST", "/_sandbox/faults", {"code": "F502A", "graphql": "createIssue", "after": 1, "count": 1})
    made.tell("POST", "/_sandbox/faults", {"code": "FDROP", "graphql": "addAssigneesToAssignable", "count": 1})
    made.start_worker()
    made.start_ticker()
    made.start_beat()
    made.start_beat("second beat")


def test_embedded_default_survives_a_killed_worker_two_beats_and_lost_answers(
    tmp_path: Path, schema_template: Path | None
) -> None:
    with fleet(tmp_path) as made:
        if schema_template:
            made.lay(schema_template)
        begin(made)
        made.reach("createIssue", 3)
        made.kill("worker")
        made.start_worker("other worker")
        made.end_well(wanted=4)


@pytest.fixture
def rabbit() -> Iterator[str]:
    """An address of RabbitMQ; a virtual host of the test's own where that can be made."""
    url = os.environ["TEST_RABBITMQ_URL"]
    control = shutil.which("rabbitmqctl")
    name = f"scenario-{uuid.uuid4().hex[:8]}"
    user = urlsplit(url).username or "guest"
    made = bool(control) and _succeeds(str(control), "add_vhost", name)
    if made:
        _succeeds(str(control), "set_permissions", "-p", name, user, ".*", ".*", ".*")
    yield urlunsplit(urlsplit(url)._replace(path=f"/{name}")) if made else url
    if made:
        _succeeds(str(control), "delete_vhost", name)


def _succeeds(*command: str) -> bool:
    return subprocess.run(command, capture_output=True, timeout=60, check=False).returncode == 0


def through(url: str, relay: Relay) -> str:
    """The same address by way of the relay."""
    parts = urlsplit(url)
    login = f"{parts.username or ''}:{parts.password or ''}@" if parts.username or parts.password else ""
    return urlunsplit(parts._replace(netloc=f"{login}127.0.0.1:{relay.port}"))


def with_an_outage(folder: Path, database: str, broker: str) -> None:
    parts = urlsplit(broker)
    relay = Relay(parts.hostname or "127.0.0.1", parts.port or (5672 if parts.scheme == "amqp" else 6379))
    try:
        with fleet(folder, DATABASE_URL=database, CELERY_BROKER_URL=through(broker, relay)) as made:
            begin(made)
            made.reach("createIssue", 2)
            relay.cut()
            time.sleep(2)
            relay.mend()
            made.end_well(wanted=2)
    finally:
        relay.close()


@pytest.mark.postgres
@pytest.mark.redis
def test_postgresql_and_redis_survive_an_outage_of_the_broker(tmp_path: Path, postgres_url: str) -> None:
    url = os.environ["TEST_REDIS_URL"]
    own = urlunsplit(urlsplit(url)._replace(path="/13"))  # a database of its own, so that nobody takes our messages
    with_an_outage(tmp_path, postgres_url, own)


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_postgresql_and_rabbitmq_survive_an_outage_of_the_broker(
    tmp_path: Path, postgres_url: str, rabbit: str
) -> None:
    with_an_outage(tmp_path, postgres_url, rabbit)

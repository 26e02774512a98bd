"""The embedded broker: nothing lost, nothing doubled, nothing dies of a bad file."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Queue
from kombu.transport import TRANSPORT_ALIASES

from controlplane.local_broker import DELIVERY_LIMIT, Spool
from tests.processes import ROOT, wait_for

TRANSPORT_ALIASES["local"] = "controlplane.local_broker:Transport"
HOLDER = """
import sys, time
from pathlib import Path
from controlplane.local_broker import Spool
claim = Spool(Path(sys.argv[1])).claim()
print(claim.body.decode(), flush=True)
time.sleep(60)
"""


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "queue")


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Any]:
    with Connection("local://localhost", transport_options={"folder": str(tmp_path)}) as opened:
        yield opened


def taken(spool: Spool) -> bytes | None:
    claim = spool.claim()
    if claim is None:
        return None
    claim.done()
    return claim.body


def test_messages_come_in_the_order_in_which_they_were_put(spool: Spool) -> None:
    for number in range(50):
        spool.put(b"%d" % number)
    assert [taken(spool) for _ in range(51)] == [*(b"%d" % number for number in range(50)), None]


def test_a_claimed_message_is_seen_by_nobody_else(spool: Spool) -> None:
    spool.put(b"one")
    claim = spool.claim()
    assert claim is not None
    other = Spool(spool.ready.parent)
    assert other.claim() is None
    assert other.sweep() == 0
    claim.done()


def test_a_message_given_back_is_next(spool: Spool) -> None:
    spool.put(b"one")
    spool.put(b"two")
    claim = spool.claim()
    assert claim is not None
    claim.give_back()
    assert taken(Spool(spool.ready.parent)) == b"one"


def _drain(folder: Path, out: Any) -> None:
    spool, bodies = Spool(folder), []
    while (body := taken(spool)) is not None:
        bodies.append(int(body))
    out.put(bodies)


@pytest.mark.processes
def test_three_thousand_messages_and_three_consumers_lose_and_double_none(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    for number in range(3000):
        spool.put(b"%d" % number)
    context = multiprocessing.get_context("spawn")
    out = context.Queue()
    consumers = [context.Process(target=_drain, args=(tmp_path, out)) for _ in range(3)]
    for consumer in consumers:
        consumer.start()
    got = [number for _ in consumers for number in out.get(timeout=60)]
    for consumer in consumers:
        consumer.join(timeout=10)
    assert sorted(got) == list(range(3000))


@pytest.mark.processes
def test_a_consumer_killed_with_its_message_gives_it_back(spool: Spool) -> None:
    spool.put(b"precious")
    command = [sys.executable, "-c", HOLDER, str(spool.ready.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"precious\n"
        assert spool.sweep() == 0
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
    wait_for(spool.sweep, seconds=5, what="the dead consumer's message")
    assert taken(spool) == b"precious"


def test_a_message_whose_readers_all_die_is_set_aside(spool: Spool) -> None:
    spool.put(b"poison")
    for _ in range(DELIVERY_LIMIT):
        claim = spool.claim()
        assert claim is not None
        os.close(claim.descriptor)  # what the kernel does for a dead process
        spool.sweep()
    assert spool.claim() is None
    assert len(list(spool.broken.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b'{"properties": {}}', b"null"])
def test_a_file_that_is_no_message_is_set_aside_and_the_next_is_delivered(
    connection: Any, tmp_path: Path, content: bytes
) -> None:
    queue = connection.SimpleQueue(Queue("q", routing_key="q"))
    (tmp_path / "q" / "ready" / "00000000000000000001-1-1.0").write_bytes(content)
    queue.put({"hello": "world"})
    message = queue.get(block=True, timeout=5)
    assert message.payload == {"hello": "world"}
    message.ack()
    assert len(list((tmp_path / "q" / "broken").iterdir())) == 1
    queue.close()


def test_a_half_written_message_is_never_delivered(spool: Spool) -> None:
    (spool.writing / "00000000000000000001-1-1.0").write_bytes(b'{"half')
    assert spool.claim() is None


def test_an_unacknowledged_message_returns_when_its_channel_closes(tmp_path: Path) -> None:
    options = {"folder": str(tmp_path)}
    with Connection("local://localhost", transport_options=options) as first:
        queue = first.SimpleQueue("q")
        queue.put("work")
        assert queue.get(block=True, timeout=5).payload == "work"
    with Connection("local://localhost", transport_options=options) as second:
        message = second.SimpleQueue("q").get(block=True, timeout=5)
        assert message.payload == "work"
        message.ack()
    assert [path for path in (tmp_path / "q").rglob("*") if path.is_file()] == []


def test_a_rejected_message_is_gone_and_a_requeued_one_returns(connection: Any) -> None:
    queue = connection.SimpleQueue("q")
    queue.put("a")
    queue.get(block=True, timeout=5).requeue()
    message = queue.get(block=True, timeout=5)
    assert message.payload == "a"
    message.reject()
    assert queue.qsize() == 0
    queue.close()


def test_a_queue_name_cannot_leave_the_folder(connection: Any) -> None:
    with pytest.raises(ValueError, match="cannot name a folder"):
        connection.default_channel.queue_declare(queue="../outside")

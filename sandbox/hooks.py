"""Webhooks: rendered and signed under the lock, sent by a thread of their own, remembered as deliveries."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

import requests

from sandbox.model import Comment, Delivery, Hook, Issue, Label, Repository
from sandbox.shapes import Json, Shapes
from sandbox.shapes_git import full_repository, pull_request
from sandbox.world import HookEvent

if TYPE_CHECKING:
    from sandbox.server import Sandbox

logger = logging.getLogger("sandbox.hooks")
TIMEOUT_SECONDS = 10
KEPT_DELIVERIES = 200


@dataclass(frozen=True)
class Outgoing:
    repository: Repository
    hook: Hook
    event: str
    action: str | None
    guid: str
    payload: str
    redelivery: bool = False


class HookSender:
    """One thread, in order. `flush()` waits until all that was caused so far has been delivered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._queue: Queue[Outgoing | None] = Queue()  # None: wake up, it is time to stop
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-hooks", daemon=True)
        self._session = requests.Session()
        self._session.trust_env = False

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._queue.put(None)
        self._thread.join(timeout=TIMEOUT_SECONDS + 1)
        self._session.close()

    def flush(self) -> None:
        self._collect()
        self._queue.join()

    def ping(self, repository: Repository, hook: Hook) -> None:
        payload = {
            "zen": "Keep it logically awesome.",
            "hook_id": hook.id,
            "hook": {"type": "Repository", "id": hook.id},
        }
        self._put(repository, hook, "ping", None, payload)

    def redeliver(self, repository: Repository, hook: Hook, delivery: Delivery) -> None:
        """The same GUID again, as GitHub does."""
        again = Outgoing(repository, hook, delivery.event, delivery.action, delivery.guid, delivery.payload, True)
        self._queue.put(again)

    def _run(self) -> None:
        while not self._stop.is_set():
            self._collect()
            try:
                outgoing = self._queue.get(timeout=0.05)
            except Empty:
                continue
            try:
                if outgoing is not None:
                    self._deliver(outgoing)
            finally:
                self._queue.task_done()

    def _collect(self) -> None:
        """Render what the world has put out, with the state as it is by now."""
        world = self._sandbox.world
        with world.lock:
            pending, world.outbox[:] = list(world.outbox), []
            for entry in pending:
                self._render(entry)

    def _render(self, entry: HookEvent) -> None:
        repository, event, action, content, sender = entry
        payload = _payload(Shapes(self._sandbox.world, self._sandbox.url), repository, action, content, sender)
        for hook in repository.hooks:
            if hook.active and ("*" in hook.events or event in hook.events):
                self._put(repository, hook, event, action, payload)

    def _put(self, repository: Repository, hook: Hook, event: str, action: str | None, payload: Json) -> None:
        text = json.dumps(payload, ensure_ascii=False)
        self._queue.put(Outgoing(repository, hook, event, action, str(uuid.uuid4()), text))

    def _deliver(self, outgoing: Outgoing) -> None:
        began = time.monotonic()
        status = self._post(outgoing)
        world, hook = self._sandbox.world, outgoing.hook
        with world.lock:
            delivery = Delivery(
                world.next_id(), outgoing.guid, outgoing.event, outgoing.action, world.now(), status,
                round(time.monotonic() - began, 3), outgoing.redelivery, outgoing.payload,
            )  # fmt: skip
            hook.deliveries = [*hook.deliveries, delivery][-KEPT_DELIVERIES:]
            world.touch()
            world.log.write(
                "world", actor="hooks", actor_kind="hook", repository=outgoing.repository.full_name,
                field=f"{outgoing.event}.{outgoing.action}", path=hook.url, status=status,
            )  # fmt: skip

    def _post(self, outgoing: Outgoing) -> int:
        """The status of the answer; 0 when there was none."""
        body, hook = outgoing.payload.encode(), outgoing.hook
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/sandbox",
            "X-GitHub-Event": outgoing.event,
            "X-GitHub-Delivery": outgoing.guid,
            "X-GitHub-Hook-ID": str(hook.id),
            "X-GitHub-Hook-Installation-Target-ID": str(outgoing.repository.id),
            "X-GitHub-Hook-Installation-Target-Type": "repository",
        }
        if hook.secret:
            headers["X-Hub-Signature-256"] = signature(hook.secret, body)
        try:
            answer = self._session.post(
                hook.url, data=body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            logger.info("a webhook was not delivered: %s", type(error).__name__)
            return 0
        return answer.status_code


def signature(secret: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"


def _payload(shapes: Shapes, repository: Repository, action: str | None, content: dict[str, Any], sender: str) -> Json:
    payload: Json = {"action": action}
    for name, value in content.items():
        if isinstance(value, Issue):
            if value.pull and "comment" not in content:
                payload |= {"number": value.number, "pull_request": pull_request(shapes, repository, value)}
            else:
                payload["issue"] = shapes.issue(repository, value)
        elif isinstance(value, Label):
            payload[name] = shapes.label(repository, value)
        elif isinstance(value, Comment):
            payload[name] = shapes.comment(repository, content["issue"], value)
        else:
            payload[name] = shapes.user(value) if name == "assignee" else value
    return payload | {"repository": full_repository(shapes, repository), "sender": shapes.user(sender)}

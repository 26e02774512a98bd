"""The sandbox as one object: the world, its faults and limits, and the HTTP server in front of them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sandbox import codec, gateway, seed, store
from sandbox.copilot import Copilot, CopilotConfig
from sandbox.events import EventLog
from sandbox.faults import Faults
from sandbox.hooks import HookSender
from sandbox.http import Handler, Server
from sandbox.installed import TABLES
from sandbox.limits import LimitConfig, Limits
from sandbox.model import Token
from sandbox.routing import BadJson, Request, Response, Router
from sandbox.world import World

logger = logging.getLogger("sandbox")
Clock = Callable[[], datetime]
PULSE_SECONDS = 0.2


def wall_clock() -> datetime:
    return datetime.now(UTC)


@dataclass
class Settings:
    """`speed` divides every delay of Copilot and of the simulated people."""

    latency_ms: float = 0
    speed: float = 1.0
    limits: LimitConfig = field(default_factory=LimitConfig)
    copilot: CopilotConfig = field(default_factory=CopilotConfig)

    def update(self, values: dict[str, Any]) -> None:
        """ValueError names what is wrong."""
        if unknown := values.keys() - self.__dataclass_fields__.keys():
            raise ValueError(f"Unknown settings: {', '.join(sorted(unknown))}.")
        speed, latency = float(values.get("speed", self.speed)), float(values.get("latency_ms", self.latency_ms))
        if speed <= 0 or latency < 0:
            raise ValueError("speed must be more than 0 and latency_ms at least 0.")
        self.limits.update(dict(values.get("limits") or {}))
        self.copilot.update(dict(values.get("copilot") or {}))
        self.speed, self.latency_ms = speed, latency


class Sandbox:
    """Start with `with Sandbox(...) as sb:`; `sb.url`, `sb.world`, `sb.log`, `sb.advance(now)`.

    `clock` returns aware UTC datetimes. With a clock of your own nothing moves by itself: call `advance()` after
    moving it (`pulse` says otherwise). `speed` None keeps that of the last start. `data` None keeps all in memory.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed_number: int = 1,
        speed: float | None = None,
        clock: Clock | None = None,
        pulse: bool | None = None,
        demo: bool = True,
    ) -> None:
        self.clock = clock or wall_clock
        self._pulse = pulse if pulse is not None else clock is None
        self._data = data
        if data:
            data.mkdir(parents=True, exist_ok=True)
        state = store.read(data / "world.json") if data else None
        self._http = Server((host, port), Handler, self)
        self.host, self.port = host, int(self._http.server_address[1])
        self.log = EventLog(data / "events.jsonl" if data else None, self.clock)
        self.world = World(self.clock, self.log, state)
        self.seed_number = seed_number
        self.settings = Settings()
        self.limits = Limits(self.settings.limits)
        self.faults = Faults(seed_number)
        self.copilot = Copilot(self.world, self.settings, seed_number)
        self.hooks = HookSender(self)
        self.on_advance: list[Callable[[datetime], None]] = []
        self._later: list[tuple[datetime, Callable[[], Any]]] = []
        self._router = Router(TABLES)
        self._stop = threading.Event()
        self._saved = -1
        self._saving = threading.Lock()
        self._threads: list[threading.Thread] = []
        if state is None and demo:
            seed.demonstration(self.world)
        self._restore_config(speed)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self) -> Self:
        self._thread("http", lambda: self._http.serve_forever(poll_interval=0.02))
        self._thread("keeper", self._keep)
        self.hooks.start()
        return self

    def stop(self) -> None:
        self._stop.set()
        self._http.shutdown()
        self._http.server_close()
        self._http.hang_up()
        self.hooks.stop()
        for thread in self._threads:
            thread.join(timeout=5)
        self.save()
        self.log.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _thread(self, name: str, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=f"sandbox-{name}", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _keep(self) -> None:
        """The pulse of real time, and the snapshot soon after a change (never more than a twentieth of the time)."""
        rest = PULSE_SECONDS
        while not self._stop.wait(PULSE_SECONDS):
            if self._pulse:
                self.advance(self.clock())
            rest -= PULSE_SECONDS
            if rest <= 0:
                began = time.monotonic()
                self.save()
                rest = max(PULSE_SECONDS, 20 * (time.monotonic() - began))

    def save(self) -> None:
        """Write the snapshot if anything changed since the last one."""
        with self._saving:
            with self.world.lock:
                version = self.world.version
                if self._data is None or version == self._saved:
                    return
                dumped = codec.dump(self.world.state)
            store.write(self._data / "world.json", dumped)
            self._saved = version

    # -- time ----------------------------------------------------------------------------------------------------

    def advance(self, now: datetime) -> None:
        """Let everything happen that is due by `now`, in the order of its time."""
        with self.world.lock:
            while True:
                step = self._next_due(now)
                if step is None:
                    break
                moment, act = step
                self.world.set_moment(moment)
                try:
                    act()
                finally:
                    self.world.set_moment(None)
            for listener in self.on_advance:
                listener(now)

    def later(self, due: datetime, act: Callable[[], Any]) -> None:
        """Do something in the world at `due`; forgotten by a restart."""
        with self.world.lock:
            self._later.append((due, act))

    def _next_due(self, now: datetime) -> tuple[datetime, Callable[[], Any]] | None:
        late = min(self._later, key=lambda entry: entry[0], default=None)
        session = self.copilot.next_session()
        if late and late[0] <= now and (session is None or late[0] <= session.due):
            self._later.remove(late)
            return late
        if session and session.due <= now:
            return session.due, lambda: self.copilot.step(session)
        return None

    # -- requests ------------------------------------------------------------------------------------------------

    def token_of(self, request: Request) -> Token | None:
        scheme, _, value = request.header("Authorization").partition(" ")
        if scheme.lower() not in ("token", "bearer"):
            return None
        return self.world.state.tokens.get(value.strip())

    def answer(self, request: Request) -> Response:
        """Route one request; the only place that decides between 404 and 405."""
        found = self._router.match(request.method, request.path)
        if found is None:
            return _unknown(self._router.knows(request.path))
        route, request.params = found
        if route.github:
            return gateway.serve(self, request, route)
        try:
            return route.handler(request)
        except BadJson as error:
            return Response.json({"message": f"The body is not JSON: {error}."}, 400)

    # -- configuration -------------------------------------------------------------------------------------------

    def configure(self, values: dict[str, Any]) -> None:
        """Change settings, and keep them for the next start. ValueError names what is wrong."""
        with self.world.lock:
            tried = replace(self.settings, limits=replace(self.settings.limits), copilot=replace(self.settings.copilot))
            for settings in (tried, self.settings):  # first on a copy: what is wrong changes nothing
                settings.update(values)
            for repository in self.world.state.repositories.values():
                repository.copilot_enabled = self.settings.copilot.assignable
            self.world.state.config = {
                "latency_ms": self.settings.latency_ms,
                "speed": self.settings.speed,
                "limits": codec.dump(self.settings.limits),
                "copilot": self.settings.copilot.dump(),
            }
            self.world.touch()

    def _restore_config(self, speed: float | None) -> None:
        """A speed given at this start wins over the one that was kept."""
        if self.world.state.config:
            self.configure(dict(self.world.state.config))
        if speed is not None:
            self.settings.speed = speed


def _unknown(other_method: bool) -> Response:
    status, message = (405, "Method Not Allowed") if other_method else (404, "Not Found")
    body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    return Response.json(body, status)

"""`manage.py up`: everything of the control plane on this machine, from one command."""

from __future__ import annotations

import os
import socket
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from controlplane import preflight, preparation, processes
from controlplane.supervisor import Stopped, Supervisor


class Command(BaseCommand):
    help = "Start web, workers and beat (and the sandbox when no GitHub token is set); Ctrl-C stops them all."
    requires_system_checks: list[str] = []  # the database may not exist yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address of the web pages (default 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="their port (default 8000)")
        parser.add_argument("--sandbox-port", type=int, default=8765, help="the sandbox's port (default 8765)")

    def handle(self, *_args: Any, **options: Any) -> None:
        host, port, sandbox_port = options["host"], options["port"], options["sandbox_port"]
        real = bool(settings.CONTROLPLANE.github.token or settings.CONTROLPLANE.github.repository)
        try:
            self._check(host, port, None if real else sandbox_port)
            login = self._prepare()
            self._supervise(host, port, None if real else sandbox_port, login)
        except (preflight.NotReady, Stopped) as refusal:
            self.stderr.write(str(refusal))
            sys.exit(2)

    def _check(self, host: str, port: int, sandbox_port: int | None) -> None:
        preflight.check_port(host, port, "--port")
        if sandbox_port is not None:
            preflight.check_port("127.0.0.1", sandbox_port, "--sandbox-port")
            if sandbox_port == port:
                raise preflight.NotReady(
                    f"Web and sandbox cannot share the port {port}; change one of --port, --sandbox-port."
                )
        preflight.check_database()
        preflight.check_broker()
        preflight.check_github(settings.CONTROLPLANE.github)

    def _prepare(self) -> tuple[str, str] | None:
        self._say("Preparing the database …")
        try:
            preparation.migrate()
        except DatabaseError as error:
            seen = preflight.first_line(error)
            raise preflight.NotReady(
                f"The database cannot be prepared ({seen}); give the user of DATABASE_URL the right to create tables."
            ) from None
        preparation.call_if_there("roles")
        preparation.call_if_there("workflows", "import")
        preparation.call_if_there("reviews", "ship")
        preparation.call_if_there("rollout", "ship")
        if settings.CONTROLPLANE.github.repository:
            preparation.call_if_there("govern")
        if preparation.collect_static():
            self._say("Static files collected.")
        return preparation.first_administrator()

    def _supervise(self, host: str, port: int, sandbox_port: int | None, login: tuple[str, str] | None) -> None:
        base = f"http://{_shown_host(host)}:{port}"
        os.environ["ALLOWED_HOSTS"] = ",".join(filter(None, [os.environ.get("ALLOWED_HOSTS"), *_names(host)]))
        if sandbox_port is not None:
            sandbox = f"http://127.0.0.1:{sandbox_port}"
            os.environ["CONTROLPLANE_SANDBOX_URL"] = sandbox
            # Announcements have somewhere to go; the sandbox shows them at /sink/chat.
            os.environ.setdefault("SLACK_WEBHOOK_URL", f"{sandbox}/sink/chat")
        specs = processes.specs(settings.CONTROLPLANE, host=host, port=port, sandbox_port=sandbox_port)
        supervisor = Supervisor(
            specs,
            logs=settings.CONTROLPLANE.logs_dir,
            show=self._say,
            ready_url=f"{base}/readyz",
            on_ready=lambda: self._welcome(base, sandbox_port, login),
        )
        preparation.ring_first()
        connections.close_all()
        supervisor.run()
        self._say("Stopped; all data is kept.")

    def _welcome(self, base: str, sandbox_port: int | None, login: tuple[str, str] | None) -> None:
        lines = ["", "The control plane is ready.", f"  address   {base}/admin/"]
        if login:
            name, password = login
            lines += [f"  login     {name}", f"  password  {password or '(the one you set)'}"]
            lines += ["            shown this once; keep it"] if password else []
        else:
            lines += ["  login     as before (manage.py changepassword <name> sets a new password)"]
        lines += [f"  data      {settings.CONTROLPLANE.data_dir}"]
        world = (
            f"the sandbox, http://127.0.0.1:{sandbox_port}" if sandbox_port else settings.CONTROLPLANE.github.repository
        )
        lines += [f"  GitHub    {world}", "Ctrl-C stops everything.", ""]
        self._say("\n".join(lines))

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _shown_host(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104 - compared, not bound


def _names(host: str) -> list[str]:
    loopback = host in {"127.0.0.1", "localhost", "::1"}
    return [] if loopback else [host, socket.gethostname(), socket.getfqdn()]

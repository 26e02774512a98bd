"""`python -m sandbox --host 127.0.0.1 --port 8765 --data DIR`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from types import FrameType

from sandbox.clock import ManualClock
from sandbox.server import Sandbox
from sandbox.sinks import MailSink
from sandbox.store import BadSnapshot

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A stand-in for GitHub and what is around it."
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (it has no login: keep it on loopback)"
    )
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--mail-port", type=int, help="also receive mail (SMTP) here")
    parser.add_argument("--data", type=Path, help="folder for the state and the event log; without it nothing is kept")
    parser.add_argument("--seed", type=int, default=1, help="what Copilot and faults draw from")
    parser.add_argument("--speed", type=float, help="divides the delays of Copilot and the reviewers")
    parser.add_argument(
        "--virtual-from", type=datetime.fromisoformat, help="run on a clock moved by POST /_sandbox/advance"
    )
    parser.add_argument("--allow-remote", action="store_true", help="allow an address other than loopback")
    parser.add_argument("--verbose", action="store_true", help="log each request")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    options = _arguments(arguments)
    logging.basicConfig(level=logging.DEBUG if options.verbose else logging.INFO, format="sandbox: %(message)s")
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    if options.host not in LOOPBACK and not options.allow_remote:
        return _complain(
            f"{options.host} is not a loopback address; the sandbox has no login. Add --allow-remote if meant."
        )
    clock = ManualClock(options.virtual_from) if options.virtual_from else None
    try:
        sandbox = Sandbox(
            options.data,
            host=options.host,
            port=options.port,
            seed_number=options.seed,
            speed=options.speed,
            clock=clock,
        )
        mail = None if options.mail_port is None else MailSink(sandbox.log, options.host, options.mail_port)
    except OSError as error:
        return _complain(f"Cannot listen on {options.host}:{options.port} or use {options.data}: {error.strerror}.")
    except BadSnapshot as error:
        return _complain(str(error))
    _serve(sandbox, mail)
    return 0


def _serve(sandbox: Sandbox, mail: MailSink | None) -> None:
    done = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        done.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with sandbox, mail or nullcontext():
        sys.stdout.write(f"sandbox ready at {sandbox.url}\n")
        sys.stdout.flush()
        done.wait()


def _complain(sentence: str) -> int:
    sys.stderr.write(f"{sentence}\n")
    return 2


if __name__ == "__main__":
    raise SystemExit(main())

"""Starts `make up` in a fresh clone, uses it over HTTP as a newcomer would, stops it twice. Needs only Python."""

from __future__ import annotations

import argparse
import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

INSTALL_SECONDS, READY_SECONDS, STOP_SECONDS = 300, 120, 60


class Fault(Exception):
    """What a newcomer would have met."""


class Up:
    """One `make up` from its start to its end."""

    def __init__(self, clone: Path, port: int, sandbox_port: int, patience: float) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.log = clone / "up.log"
        command = ["make", "up", f"PORT={port}", f"SANDBOX_PORT={sandbox_port}"]
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=clone, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        began = time.monotonic()
        while "The control plane is ready." not in self.text or "Ctrl-C stops everything." not in self.text:
            if self.process.poll() is not None or time.monotonic() - began > patience:
                self.kill()
                raise Fault(f"make up was not ready after {time.monotonic() - began:.0f} s.")
            time.sleep(0.5)
        sys.stdout.write(f"   ready after {time.monotonic() - began:.0f} s\n")

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def found(self, word: str) -> str:
        match = re.search(rf"^  {word} +(\S+)$", self.text, flags=re.MULTILINE)
        if not match:
            raise Fault(f"make up printed no {word}.")
        return match[1]

    def stop(self) -> None:
        """As Ctrl-C in a terminal does: to the whole foreground group."""
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Fault(f"make up did not stop within {STOP_SECONDS} s of Ctrl-C.") from None
        if "all data is kept" not in self.text:
            raise Fault("make up did not end in order.")

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


class Browser:
    """Keeps cookies, follows redirects, reads pages."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> str:
        return self._read(urllib.request.Request(self.base + path))  # noqa: S310 - our own http address

    def post(self, path: str, fields: dict[str, str]) -> str:
        token = next((cookie.value for cookie in self.jar if "csrf" in cookie.name), "") or ""
        body = urllib.parse.urlencode({**fields, "csrfmiddlewaretoken": token}).encode()
        headers = {"Referer": self.base + path}
        return self._read(urllib.request.Request(self.base + path, data=body, headers=headers))  # noqa: S310 - as above

    def _read(self, request: urllib.request.Request) -> str:
        try:
            with self.opener.open(request, timeout=20) as response:
                text: str = response.read().decode()
        except urllib.error.HTTPError as error:
            raise Fault(f"{request.full_url} answered {error.code}: {error.read()[:300]!r}") from None
        return text


def use(up: Up) -> None:
    browser = Browser(up.base)
    if json.loads(browser.get("/readyz"))["wrong"]:
        raise Fault("/readyz names something wrong.")
    browser.get("/admin/login/")
    page = browser.post(
        "/admin/login/", {"username": up.found("login"), "password": up.found("password"), "next": "/admin/"}
    )
    if "/admin/logout/" not in page:
        raise Fault("The printed login and password do not open the admin.")
    for path in ("/admin/pipeline/issue/", "/admin/pipeline/operation/", "/admin/pipeline/run/"):
        browser.get(path)
    sys.stdout.write("   logged in; issues, operations and runs answer\n")
    wait_for_issues(browser)


def wait_for_issues(browser: Browser) -> None:
    began = time.monotonic()
    while time.monotonic() - began < 120:
        counts = re.findall(
            r'^controlplane_issues\{state="(\w+)"\} ([0-9.]+)$', browser.get("/metrics"), flags=re.MULTILINE
        )
        if sum(float(count) for _, count in counts) > 0:
            sys.stdout.write(f"   issues after {time.monotonic() - began:.0f} s: {dict(counts)}\n")
            return
        time.sleep(2)
    raise Fault("No issue was there two minutes after the first page.")


def orphans(clone: Path) -> list[str]:
    """Processes of the clone's own Python that are still there."""
    found, ours = [], str(clone / ".venv")
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if line.startswith(ours):
            found.append(line.strip())
    return found


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("clone", type=Path)
    parser.add_argument("--port", type=int, default=8310)
    parser.add_argument("--sandbox-port", type=int, default=8365)
    options = parser.parse_args()
    up = None
    try:
        up = Up(options.clone, options.port, options.sandbox_port, INSTALL_SECONDS + READY_SECONDS)
        use(up)
        up.stop()
        if left := orphans(options.clone):
            raise Fault(f"These processes outlived make up: {left}")
        up = Up(options.clone, options.port, options.sandbox_port, READY_SECONDS)
        if "login     as before" not in up.text:
            raise Fault("The second make up did not keep the administrator.")
        up.stop()
    except Fault as fault:
        sys.stderr.write(f"{fault}\n{up.text[-3000:] if up else (options.clone / 'up.log').read_text()[-3000:]}\n")
        return 1
    finally:
        if up:
            up.kill()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

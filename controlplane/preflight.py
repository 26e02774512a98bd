"""What `up` asks before it starts anything: one clear sentence for each thing that cannot work."""

from __future__ import annotations

import socket
from typing import Any

import requests
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError as BrokerRefused

from controlplane.celery import app
from controlplane.configuration import GitHubAccess

TIMEOUT = (5, 20)


class NotReady(Exception):
    """One sentence: what was seen, and what to do."""


def check_port(host: str, port: int, option: str) -> None:
    if port == 0:  # any free one, which nobody could be told of
        raise NotReady(f"Port 0 does not exist; give one from 1 to 65535 with {option}.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except socket.gaierror:
            raise NotReady(f"{host!r} is no address of this machine; give another with --host.") from None
        except OverflowError:
            raise NotReady(f"Port {port} does not exist; give one from 1 to 65535 with {option}.") from None
        except OSError as error:
            raise NotReady(
                f"Cannot listen on {host}:{port} ({error.strerror}); give another port with {option}."
            ) from None


def check_database() -> None:
    try:
        connection.ensure_connection()
    except DatabaseError as error:
        raise NotReady(f"The database cannot be reached ({first_line(error)}); correct DATABASE_URL.") from None
    finally:
        connection.close()


def first_line(error: Exception) -> str:
    """What was seen; libpq's further lines ask back or name the other addresses that were tried."""
    lines = str(error).strip().splitlines()
    return " ".join(lines[0].split()) if lines else type(error).__name__


def check_broker() -> None:
    try:
        with app.connection_for_write(connect_timeout=5) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=5)
    except (OSError, BrokerRefused) as error:
        raise NotReady(f"The broker cannot be reached ({error}); correct CELERY_BROKER_URL.") from None


def check_github(access: GitHubAccess) -> None:
    """The token opens the repository. Nothing is asked when neither is given: the sandbox stands in."""
    if not access.token and not access.repository:
        return
    if not access.token:
        raise NotReady(f"GITHUB_REPOSITORY is {access.repository} and GITHUB_TOKEN is missing; set it, or unset both.")
    if not access.repository:
        raise NotReady("GITHUB_TOKEN is set and GITHUB_REPOSITORY is missing; set it to owner/name, or unset both.")
    _check_token(access, access.token, "GITHUB_TOKEN")
    if access.handover_token != access.token:
        _check_token(access, access.handover_token, "GITHUB_HANDOVER_TOKEN")


def _check_token(access: GitHubAccess, token: str, variable: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"}
    address = f"{access.api_url}/repos/{access.repository}"
    try:
        answer = requests.get(address, headers=headers, timeout=TIMEOUT, allow_redirects=True)
    except requests.RequestException as error:
        raise NotReady(
            f"GitHub cannot be reached at {access.api_url} ({type(error).__name__}); see GITHUB_API_URL."
        ) from None
    sentence = {
        401: f"GitHub refused {variable} (401): it is wrong or has expired; make a new one.",
        403: f"GitHub forbids {variable} to open {access.repository} (403); give it access, or wait for its quota.",
        404: f"GitHub shows no repository {access.repository} to {variable} (404); correct one of them.",
    }.get(answer.status_code, f"GitHub answered {answer.status_code} for {access.repository}; try again later.")
    if answer.status_code != 200:
        raise NotReady(sentence)
    facts = _facts(answer)
    named = str(facts.get("full_name") or access.repository)
    if named.lower() != access.repository.lower():  # reading follows the redirect, writing does not
        raise NotReady(f"{access.repository} is called {named} now; set GITHUB_REPOSITORY to that.")
    if not facts.get("permissions", {}).get("push", True):  # app tokens carry no such field
        raise NotReady(f"{variable} may read {access.repository} and not write to it; give it write access.")


def _facts(answer: requests.Response) -> dict[str, Any]:
    try:
        facts = answer.json()
    except requests.JSONDecodeError:
        facts = None
    if not isinstance(facts, dict):
        raise NotReady(f"{answer.url} did not answer with JSON; GITHUB_API_URL is not GitHub's REST address.")
    return facts

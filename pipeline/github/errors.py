"""One mapper from what GitHub (or the network) said to the error tree of `port.py`.

Every sentence says what was seen, where, and what to do. Tokens never appear: only the method and the path do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from requests import exceptions as http
from urllib3 import exceptions as urllib3

from pipeline.github.port import (
    BadCredentials,
    Conflict,
    GitHubError,
    Gone,
    Locked,
    Moved,
    NotFound,
    QuotaExhausted,
    Refused,
    Transient,
    UnknownFate,
)

LIMIT_WORDS = ("rate limit", "abuse detection", "quota exhausted")
LOCK_WORDS = ("is locked", "was archived", "is archived", "read-only")
CONFLICT_WORDS = (
    "already exists",
    "already_exists",
    "already been taken",
    "not a fast forward",
    "expected branch to point to",
    "head branch was modified",
    "head sha",
)
LOOK_UP = "It is looked up before anything else is sent."
UNCHANGED = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Asked:
    """The request that an error speaks of."""

    method: str
    path: str
    write: bool

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def limit_kind(status: int, headers: Mapping[str, str], text: str) -> str:
    """ "primary" or "secondary" when GitHub refused this answer for its limits, else ""."""
    if status == 429:
        return "primary" if headers.get("x-ratelimit-remaining") == "0" else "secondary"
    if status != 403:
        return ""
    if headers.get("x-ratelimit-remaining") == "0":
        return "primary"
    return "secondary" if "retry-after" in headers or any(word in text.lower() for word in LIMIT_WORDS) else ""


def exhausted(asked: Asked, status: int, kind: str, until: datetime) -> QuotaExhausted:
    name = "hourly quota" if kind == "primary" else "secondary limit"
    return QuotaExhausted(
        f"GitHub refused {asked} with {status} for its {name}; waiting until {until:%Y-%m-%d %H:%M:%S} UTC. "
        f"{UNCHANGED}",
        until=until,
        secondary=kind == "secondary",
        status=status,
    )


def from_transport(asked: Asked, error: Exception) -> GitHubError:
    """No answer: not connected at all is Transient; anything later may have arrived."""
    seen = type(_root(error)).__name__
    if _never_sent(error):
        return Transient(f"GitHub could not be reached for {asked} ({seen}); tried again later. {UNCHANGED}")
    if asked.write:
        return UnknownFate(f"The answer to {asked} was lost ({seen}); whether it took place is not known. {LOOK_UP}")
    return Transient(f"The answer to {asked} was lost ({seen}); read again later.")


def unreadable(asked: Asked, why: str, status: int | None = None) -> GitHubError:
    """An answer came with a good status and cannot be understood: cut JSON, HTML, a wrong shape."""
    if asked.write:
        return UnknownFate(
            f"GitHub's answer to {asked} cannot be read ({why}); whether it took place is not known. {LOOK_UP}",
            status=status,
        )
    return Transient(f"GitHub's answer to {asked} cannot be read ({why}); read again later.", status=status)


def from_status(asked: Asked, status: int, headers: Mapping[str, str], text: str) -> GitHubError:
    """The error that an answer with `status` stands for; limits are recognised before this is asked."""
    said = message_of(text)
    if status >= 500 or (asked.write and status in (408, 412)):  # a conditional write was seen to answer 412 and apply
        return _no_promise(asked, status)
    if status == 408:
        return Transient(f"GitHub timed out on {asked} (408); read again later.", status=status)
    if 300 <= status < 400:
        location = headers.get("location", "")
        return Moved(
            f"GitHub answered {status} to {asked}: it moved to {location or 'an address that was not given'}. "
            f"Check whether the issue was transferred or the repository renamed. {UNCHANGED}",
            location=location,
            status=status,
        )
    return _refusal(asked, status, said)


def from_graphql(asked: Asked, kind: str, said: str) -> GitHubError:
    """The error that one entry of GraphQL's `errors` stands for; `kind` is its type, in capitals."""
    where = f"GitHub's GraphQL answered {kind or 'an error'} to {asked}: {said or 'no message'}"
    if kind.startswith("RATE_LIMIT"):
        return Transient(f"{where}. Refused for GitHub's limits; tried again later. {UNCHANGED}", status=429)
    if kind == "NOT_FOUND":
        return NotFound(f"{where}. It is absent, or the token lost access: check both. {UNCHANGED}", status=404)
    if kind == "STALE_DATA" or _has(said, CONFLICT_WORDS):
        return Conflict(f"{where}. Somebody was first; read it again. {UNCHANGED}", status=422)
    if kind == "FORBIDDEN" and _has(said, LOCK_WORDS):
        return Locked(f"{where}. Unlock or unarchive it, or leave it out. {UNCHANGED}", status=403)
    if kind in ("FORBIDDEN", "INSUFFICIENT_SCOPES"):
        return Refused(f"{where}. Check the token's permissions. {UNCHANGED}", status=403)
    if kind in ("UNPROCESSABLE", "BAD_USER_INPUT", "MAX_NODE_LIMIT_EXCEEDED", "undefinedField"):
        return Refused(f"{where}. Correct what it names. {UNCHANGED}", status=422)
    if asked.write:
        return UnknownFate(f"{where}; whether it took place is not known. {LOOK_UP}")
    return Transient(f"{where}; read again later.")


def message_of(text: str) -> str:
    """GitHub's own words in an error body, with its list of errors; empty when there are none."""
    try:
        body = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return ""
    if not isinstance(body, dict):
        return ""
    parts = [str(body.get("message") or "")]
    errors = body.get("errors")
    for error in errors if isinstance(errors, list) else []:
        parts.append(_one_error(error))
    return "; ".join(part for part in parts if part)[:400]


def _one_error(error: Any) -> str:
    if not isinstance(error, dict):
        return str(error)
    if error.get("message"):
        return str(error["message"])
    return " ".join(str(error[name]) for name in ("resource", "field", "code") if error.get(name))


def _no_promise(asked: Asked, status: int) -> GitHubError:
    if asked.write:
        return UnknownFate(
            f"GitHub answered {status} to {asked}; whether it took place is not known. {LOOK_UP}", status=status
        )
    return Transient(f"GitHub answered {status} to {asked}; read again later.", status=status)


def _refusal(asked: Asked, status: int, said: str) -> GitHubError:
    seen = f"GitHub answered {status} to {asked}" + (f": {said}" if said else "")
    if status == 401:
        return BadCredentials(
            f"{seen}. The token is missing, wrong or expired: renew it where its reference points. {UNCHANGED}",
            status=status,
        )
    if status == 410:
        return Gone(f"{seen}. The issue was deleted, or issues are switched off. {UNCHANGED}", status=status)
    if status == 404:
        return NotFound(f"{seen}. It is absent, or the token lost access: check both. {UNCHANGED}", status=status)
    if status == 403 and _has(said, LOCK_WORDS):
        return Locked(f"{seen}. Unlock or unarchive it, or leave it out. {UNCHANGED}", status=status)
    if status == 409 or (status == 422 and _has(said, CONFLICT_WORDS)):
        return Conflict(f"{seen}. Somebody was first; read it again. {UNCHANGED}", status=status)
    if status == 422 and _has(said, ("issue not found",)):  # seen for some seconds after an issue was created
        return Transient(f"{seen}. It is too new to be found; tried again later. {UNCHANGED}", status=status)
    if status == 403:
        return Refused(f"{seen}. Check the token's permissions. {UNCHANGED}", status=status)
    return Refused(f"{seen}. Correct what it names. {UNCHANGED}", status=status)


def _has(said: str, words: tuple[str, ...]) -> bool:
    return any(word in said.lower() for word in words)


def _never_sent(error: Exception) -> bool:
    if isinstance(error, http.ConnectTimeout | http.ProxyError | http.InvalidURL):
        return True
    return isinstance(_root(error), urllib3.NewConnectionError | urllib3.ConnectTimeoutError)


def _root(error: Exception) -> BaseException:
    """What requests wrapped: MaxRetryError carries the first cause in `reason`."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    if isinstance(reason, Exception):
        return reason
    return inner if isinstance(inner, Exception) else error

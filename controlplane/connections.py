"""Database, broker and mail, each chosen by the address given for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from controlplane.environment import BadSetting, Environment

POSTGRES_SCHEMES = frozenset({"postgres", "postgresql"})
BROKER_SCHEMES = ("local", "redis", "rediss", "amqp", "amqps", "memory")
SQLITE_OPTIONS = {
    # Django's default, DEFERRED, answers "database is locked" as soon as two processes claim.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
HARD_TIME_LIMIT = 300


def database(environment: Environment, *, base: Path, data_dir: Path) -> dict[str, Any]:
    """The `default` entry of DATABASES."""
    url = environment.text("DATABASE_URL") or f"sqlite:///{data_dir / 'controlplane.sqlite3'}"
    try:
        scheme = urlsplit(url).scheme
        config = Env.db_url_config(url) if scheme in POSTGRES_SCHEMES | {"sqlite"} else {}
    except ValueError:
        raise BadSetting("DATABASE_URL cannot be read; write postgresql://user:password@host:5432/name.") from None
    if not config:
        raise BadSetting(f"DATABASE_URL begins with {scheme!r}; write postgresql://… or sqlite:///path.")
    if scheme == "sqlite":
        return {**config, "NAME": _sqlite_path(config["NAME"], base), "OPTIONS": dict(SQLITE_OPTIONS)}
    if not config["NAME"]:
        raise BadSetting("DATABASE_URL names no database; write postgresql://user:password@host:5432/name.")
    limit = environment.whole("CONTROLPLANE_STATEMENT_TIMEOUT_SECONDS", least=0, most=86_400)
    options = {**_postgres_options(limit), **config.get("OPTIONS", {})}
    return {**config, "CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "OPTIONS": options}


def broker(environment: Environment, *, base: Path, broker_dir: Path) -> dict[str, Any]:
    """The Celery settings that depend on the broker, without their CELERY_ prefix."""
    url = environment.text("CELERY_BROKER_URL")
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what validates it
    except ValueError:
        raise BadSetting("CELERY_BROKER_URL cannot be read; write amqp://user:password@host:5672//.") from None
    if parts.scheme not in BROKER_SCHEMES:
        raise BadSetting(f"CELERY_BROKER_URL begins with {parts.scheme!r}; write amqp://…, redis://… or local://.")
    if parts.scheme == "local":
        folder = (base / parts.path).resolve() if parts.path.strip("/") else broker_dir
        # Remote control and events need fan-out queues, which files would leave behind for every worker that died.
        return {
            "BROKER_URL": "local://localhost",
            "BROKER_TRANSPORT_OPTIONS": {"folder": str(folder)},
            "WORKER_ENABLE_REMOTE_CONTROL": False,
        }
    if parts.scheme in {"redis", "rediss"}:
        options = {
            "visibility_timeout": 2 * HARD_TIME_LIMIT,
            "unacked_restore_interval": 10,
            "unacked_restore_throttle": 1,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        }
        return {"BROKER_URL": url, "BROKER_TRANSPORT_OPTIONS": options}
    if parts.scheme == "memory":
        return {"BROKER_URL": url}
    # Classic queues without confirms lost 2,000 of 2,000 messages when the broker was killed.
    return {
        "BROKER_URL": url,
        "BROKER_TRANSPORT_OPTIONS": {"confirm_publish": True},
        "TASK_DEFAULT_QUEUE_TYPE": "quorum",
        "TASK_DEFAULT_EXCHANGE_TYPE": "topic",
    }


def mail(environment: Environment, mode: str) -> dict[str, Any]:
    """EMAIL_BACKEND and its companions."""
    if mode == "test":
        return {"EMAIL_BACKEND": "django.core.mail.backends.locmem.EmailBackend"}
    url = environment.text("EMAIL_URL")
    try:
        config = dict(Env.email_url_config(url))
    except (ValueError, ImproperlyConfigured):
        raise BadSetting("EMAIL_URL cannot be read; write smtp+tls://user:password@host:587.") from None
    config.pop("OPTIONS", None)
    return {**config, "EMAIL_TIMEOUT": 20}


def _sqlite_path(name: str, base: Path) -> str:
    return name if name == ":memory:" else str((base / name).resolve())


def _postgres_options(statement_timeout: int) -> dict[str, Any]:
    limits = {"lock_timeout": 8, "idle_in_transaction_session_timeout": 30}
    if statement_timeout:
        limits["statement_timeout"] = statement_timeout
    return {
        "options": " ".join(f"-c {name}={seconds}s" for name, seconds in limits.items()),
        "connect_timeout": 5,
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 10,
        "keepalives_count": 3,
    }

"""Every environment variable that we read, in one table; docs/configuration.md shows the same one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One setting. `secret` ones may come from a file named by `<NAME>_FILE`."""

    name: str
    default: str
    meaning: str
    secret: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable("CONTROLPLANE_ENV", "development", "`development`, `production` (refuses keys made by itself) or `test`"),
    Variable("CONTROLPLANE_ENV_FILE", ".env", "File of NAME=value lines read at start; the environment wins over it"),
    Variable("CONTROLPLANE_DATA_DIR", "var", "Folder of the embedded database, broker, keys, logs and static files"),
    Variable("CONTROLPLANE_TELEMETRY_DIR", "", "Folder of the telemetry files; empty: `telemetry` in the data folder"),
    Variable("DATABASE_URL", "", "`postgresql://…` or `sqlite:///…`; empty: SQLite in the data folder", secret=True),
    Variable("CONTROLPLANE_STATEMENT_TIMEOUT_SECONDS", "30", "Longest PostgreSQL statement; 0 switches the limit off"),
    Variable(
        "CELERY_BROKER_URL",
        "local://",
        "`amqp://…`, `redis://…`, or `local://` for files in the data folder",
        secret=True,
    ),
    Variable("EMAIL_URL", "consolemail://", "Where mail goes: `smtp+tls://user:password@host:587`", secret=True),
    Variable("DEFAULT_FROM_EMAIL", "controlplane@localhost", "Sender of our mail"),
    Variable("SECRET_KEY", "", "Signs sessions; made on the first start outside production", secret=True),
    Variable("SECRET_KEY_FALLBACKS", "", "Former keys, comma separated, while a new one is brought in", secret=True),
    Variable("ALLOWED_HOSTS", "", "Host names that the site answers to, comma separated; this machine always"),
    Variable("CSRF_TRUSTED_ORIGINS", "", "Origins allowed to post forms, comma separated, with `https://`"),
    Variable("DEBUG", "off", "Django's debug pages; never in production"),
    Variable("CONTROLPLANE_BEHIND_PROXY", "off", "Trust `X-Forwarded-Proto` from the proxy in front"),
    Variable("CONTROLPLANE_LOG_LEVEL", "INFO", "`DEBUG`, `INFO`, `WARNING` or `ERROR`"),
    Variable("CONTROLPLANE_LOG_FORMAT", "json", "`json` (one object per line) or `console`"),
    Variable("CONTROLPLANE_COMMIT", "", "Commit shown by /version"),
    Variable("CONTROLPLANE_METRICS_TOKEN", "", "Bearer token of /metrics; production needs one", secret=True),
    Variable("CONTROLPLANE_API_TOKEN", "", "Bearer token of /api/rollouts, which can only stop", secret=True),
    Variable("GITHUB_TOKEN", "", "Token for everything but the hand-over", secret=True),
    Variable("GITHUB_HANDOVER_TOKEN", "", "User token that assigns Copilot; empty: GITHUB_TOKEN", secret=True),
    Variable("GITHUB_REPOSITORY", "", "First governed repository, as owner/name"),
    Variable("GITHUB_API_URL", "https://api.github.com", "REST address; an Enterprise Server ends in /api/v3"),
    Variable(
        "WEBHOOK_SECRET", "", "Secret of /webhooks/github; made on first start, but not in production", secret=True
    ),
    Variable("CONTROLPLANE_CLASSIFIER", "rules", "`rules` or `model`"),
    Variable("AI_ENDPOINT", "", "Address of the language model"),
    Variable("AI_FORMAT", "openai", "`openai` or `anthropic`"),
    Variable("AI_MODEL", "", "Model name sent to the endpoint"),
    Variable("AI_API_KEY", "", "Key of the endpoint", secret=True),
    Variable("AI_DAILY_QUOTA", "500", "Calls per UTC day; beyond it the rules decide"),
    Variable("AI_TIMEOUT", "30", "Seconds to wait for an answer"),
    Variable("SLACK_WEBHOOK_URL", "", "Slack-shaped incoming webhook for announcements", secret=True),
    Variable(
        "CONTROLPLANE_MARKER_SECRET",
        "",
        "Signs our markers on GitHub; never change it while issues are open; "
        "made on the first start outside production",
        secret=True,
    ),
    Variable("CONTROLPLANE_ITEM_LEASE_SECONDS", "120", "How long a worker may hold one item without renewing"),
    Variable("CONTROLPLANE_QUARANTINE_SECONDS", "600", "Wait before a write of unknown fate is looked up"),
    Variable("CONTROLPLANE_TICK_SECONDS", "30", "How often beat rings the tick"),
    Variable("CONTROLPLANE_WORKER_CONCURRENCY", "2", "Processes of the worker that `up` starts"),
    Variable("CONTROLPLANE_WEB_WORKERS", "1", "Web processes that `up` starts, four threads each"),
    Variable("CONTROLPLANE_ADMIN_EMAIL", "", "First administrator; empty: admin@localhost"),
    Variable("CONTROLPLANE_ADMIN_PASSWORD", "", "Their password; empty: a random one, shown once", secret=True),
    Variable("CONTROLPLANE_SANDBOX_URL", "", "Address of the sandbox; set by `up` when it starts one"),
)

BY_NAME = {variable.name: variable for variable in VARIABLES}

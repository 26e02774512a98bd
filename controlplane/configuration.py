"""What the environment says, as one frozen object: `django.conf.settings.CONTROLPLANE`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from controlplane.environment import BadSetting, Environment
from controlplane.keys import key

MODES = ("development", "production", "test")


@dataclass(frozen=True)
class GitHubAccess:
    """The credentials of the first repository; further repositories name their own variables or files."""

    api_url: str
    repository: str
    token: str = field(repr=False)
    handover_token: str = field(repr=False)


@dataclass(frozen=True)
class AIAccess:
    """Which classifier is in force, and how the language model is reached."""

    classifier: str
    endpoint: str
    format: str
    model: str
    daily_quota: int
    timeout: timedelta
    api_key: str = field(repr=False)


@dataclass(frozen=True)
class Administrator:
    """The first administrator, made by `up`."""

    email: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class Configuration:
    """Typed values for the rest of the code; secrets never show in a repr."""

    mode: str
    data_dir: Path
    telemetry_dir: Path
    item_lease: timedelta
    quarantine: timedelta
    tick: timedelta
    worker_concurrency: int
    web_workers: int
    sandbox_url: str
    commit: str
    github: GitHubAccess
    ai: AIAccess
    administrator: Administrator
    marker_secret: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    slack_webhook_url: str = field(repr=False)
    metrics_token: str = field(repr=False)
    api_token: str = field(repr=False)

    @property
    def logs_dir(self) -> Path:
        return self.data_dir / "logs"

    @property
    def broker_dir(self) -> Path:
        return self.data_dir / "broker"


def read_configuration(environment: Environment, base: Path) -> Configuration:
    """Every value of ours; raises BadSetting at the first one that cannot be used."""
    mode = environment.choice("CONTROLPLANE_ENV", MODES)
    data_dir = environment.folder("CONTROLPLANE_DATA_DIR", below=base)
    telemetry = environment.text("CONTROLPLANE_TELEMETRY_DIR") or str(data_dir / "telemetry")
    return Configuration(
        mode=mode,
        data_dir=data_dir,
        telemetry_dir=(base / Path(telemetry).expanduser()).resolve(),
        item_lease=environment.seconds("CONTROLPLANE_ITEM_LEASE_SECONDS", least=5, most=3600),
        quarantine=environment.seconds("CONTROLPLANE_QUARANTINE_SECONDS", least=0, most=86_400),
        tick=environment.seconds("CONTROLPLANE_TICK_SECONDS", least=1, most=300),
        worker_concurrency=environment.whole("CONTROLPLANE_WORKER_CONCURRENCY", least=1, most=64),
        web_workers=environment.whole("CONTROLPLANE_WEB_WORKERS", least=1, most=32),
        sandbox_url=environment.address("CONTROLPLANE_SANDBOX_URL"),
        commit=environment.text("CONTROLPLANE_COMMIT"),
        github=_github(environment),
        ai=_ai(environment),
        administrator=Administrator(
            email=environment.text("CONTROLPLANE_ADMIN_EMAIL"), password=environment.text("CONTROLPLANE_ADMIN_PASSWORD")
        ),
        marker_secret=key(environment, "CONTROLPLANE_MARKER_SECRET", mode=mode, data_dir=data_dir),
        webhook_secret=key(environment, "WEBHOOK_SECRET", mode=mode, data_dir=data_dir),
        slack_webhook_url=environment.address("SLACK_WEBHOOK_URL"),
        metrics_token=environment.text("CONTROLPLANE_METRICS_TOKEN"),
        api_token=environment.text("CONTROLPLANE_API_TOKEN"),
    )


def _github(environment: Environment) -> GitHubAccess:
    token = environment.text("GITHUB_TOKEN")
    if any(character.isspace() or not character.isascii() for character in token):
        raise BadSetting("GITHUB_TOKEN has blanks or characters outside ASCII; paste the token alone.")
    return GitHubAccess(
        api_url=environment.address("GITHUB_API_URL"),
        repository=environment.repository("GITHUB_REPOSITORY"),
        token=token,
        handover_token=environment.text("GITHUB_HANDOVER_TOKEN") or token,
    )


def _ai(environment: Environment) -> AIAccess:
    access = AIAccess(
        classifier=environment.choice("CONTROLPLANE_CLASSIFIER", ("rules", "model")),
        endpoint=environment.address("AI_ENDPOINT"),
        format=environment.choice("AI_FORMAT", ("openai", "anthropic")),
        model=environment.text("AI_MODEL"),
        daily_quota=environment.whole("AI_DAILY_QUOTA", least=0, most=1_000_000),
        timeout=environment.seconds("AI_TIMEOUT", least=1, most=300),
        api_key=environment.text("AI_API_KEY"),
    )
    if access.classifier == "model" and not (access.endpoint and access.model):
        raise BadSetting("CONTROLPLANE_CLASSIFIER is 'model', which needs AI_ENDPOINT and AI_MODEL; set both.")
    return access

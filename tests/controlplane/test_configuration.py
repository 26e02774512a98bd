"""The typed configuration, the keys of the first start, the addresses of database, broker and mail."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from controlplane.configuration import read_configuration
from controlplane.connections import broker, database, mail
from controlplane.environment import BadSetting, Environment
from controlplane.keys import kept_key

KEY = "k" * 60
PRODUCTION = {
    "CONTROLPLANE_ENV": "production",
    "SECRET_KEY": KEY,
    "CONTROLPLANE_MARKER_SECRET": KEY,
}


def test_the_defaults_make_a_configuration(tmp_path: Path) -> None:
    configuration = read_configuration(Environment({}), tmp_path)
    assert configuration.data_dir == tmp_path / "var"
    assert configuration.telemetry_dir == tmp_path / "var" / "telemetry"
    assert configuration.quarantine.total_seconds() == 600
    assert len(configuration.marker_secret) > 50


def test_a_configuration_shows_no_secret(tmp_path: Path) -> None:
    values = {"GITHUB_TOKEN": "ghp_canary", "AI_API_KEY": "sk-canary", "CONTROLPLANE_ADMIN_PASSWORD": "pw-canary"}
    configuration = read_configuration(Environment(values), tmp_path)
    assert configuration.github.token == "ghp_canary"
    assert "canary" not in repr(configuration)
    assert configuration.marker_secret not in repr(configuration)


def test_the_hand_over_uses_the_general_token_when_it_has_none_of_its_own(tmp_path: Path) -> None:
    access = read_configuration(Environment({"GITHUB_TOKEN": "ghp_a"}), tmp_path).github
    assert access.handover_token == "ghp_a"


def test_a_model_classifier_without_an_endpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="AI_ENDPOINT and AI_MODEL"):
        read_configuration(Environment({"CONTROLPLANE_CLASSIFIER": "model"}), tmp_path)


@pytest.mark.parametrize("missing", ["CONTROLPLANE_MARKER_SECRET"])
def test_production_refuses_to_make_its_own_keys(tmp_path: Path, missing: str) -> None:
    values = {name: value for name, value in PRODUCTION.items() if name != missing}
    with pytest.raises(BadSetting, match=f"{missing} is not set"):
        read_configuration(Environment(values), tmp_path)
    assert not (tmp_path / "var" / "keys").exists()


def test_production_without_a_webhook_secret_switches_webhooks_off(tmp_path: Path) -> None:
    assert read_configuration(Environment(PRODUCTION), tmp_path).webhook_secret == ""


def test_a_short_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="has 5 characters"):
        read_configuration(Environment({**PRODUCTION, "CONTROLPLANE_MARKER_SECRET": "short"}), tmp_path)


def test_a_kept_key_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    first, second = kept_key(tmp_path / "keys", "secret_key"), kept_key(tmp_path / "keys", "secret_key")
    assert first == second
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "secret_key").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["secret_key"]


def test_the_embedded_database_writes_ahead_and_locks_at_once(tmp_path: Path) -> None:
    config = database(Environment({}), base=tmp_path, data_dir=tmp_path / "var")
    assert config["NAME"] == str(tmp_path / "var" / "controlplane.sqlite3")
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in config["OPTIONS"]["init_command"]


def test_postgresql_gets_time_limits_and_keepalives(tmp_path: Path) -> None:
    values = {"DATABASE_URL": "postgresql://u:p%40w@db:5433/name?sslmode=require"}
    config = database(Environment(values), base=tmp_path, data_dir=tmp_path)
    assert (config["HOST"], config["PORT"], config["PASSWORD"]) == ("db", 5433, "p@w")
    for limit in ("statement_timeout=30s", "lock_timeout=8s", "idle_in_transaction_session_timeout=30s"):
        assert limit in config["OPTIONS"]["options"]
    assert config["OPTIONS"]["sslmode"] == "require"


@pytest.mark.parametrize(
    "url", ["mysql://u:s3cret@h/n", "postgresql://u:s3cret@h:port/n", "postgresql://u:s3cret@h", "x"]
)
def test_a_database_we_cannot_use_is_refused_without_showing_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSetting, match="DATABASE_URL") as refusal:
        database(Environment({"DATABASE_URL": url}), base=tmp_path, data_dir=tmp_path)
    assert "s3cret" not in str(refusal.value)


def test_rabbitmq_gets_confirms_and_quorum_queues(tmp_path: Path) -> None:
    config = broker(Environment({"CELERY_BROKER_URL": "amqp://h//"}), base=tmp_path, broker_dir=tmp_path)
    assert config["BROKER_TRANSPORT_OPTIONS"] == {"confirm_publish": True}
    assert config["TASK_DEFAULT_QUEUE_TYPE"] == "quorum"


def test_redis_hides_a_message_longer_than_a_task_may_run(tmp_path: Path) -> None:
    config = broker(Environment({"CELERY_BROKER_URL": "redis://h/0"}), base=tmp_path, broker_dir=tmp_path)
    assert config["BROKER_TRANSPORT_OPTIONS"]["visibility_timeout"] == 600


@pytest.mark.parametrize("url", ["sqs://", "rabbit", "amqp://h:port//"])
def test_a_broker_we_do_not_know_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(BadSetting, match="CELERY_BROKER_URL"):
        broker(Environment({"CELERY_BROKER_URL": url}), base=tmp_path, broker_dir=tmp_path)


def test_a_mail_address_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(BadSetting, match="EMAIL_URL"):
        mail(Environment({"EMAIL_URL": "pigeon://loft"}), "production")

"""The pages for probes and for Prometheus."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client

import controlplane
from controlplane import heartbeats
from controlplane.tasks import canary
from pipeline.clock import VirtualClock

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(virtual_clock: VirtualClock) -> VirtualClock:
    heartbeats.beat("tick")
    heartbeats.beat("worker")
    return virtual_clock


def test_healthz_answers_without_asking_anything(client: Client, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert client.get("/healthz").content == b"ok\n"


def test_icon_that_browsers_ask_for_unasked_is_found(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert (response.status_code, response["Location"]) == (302, "/static/pipeline/img/icon.svg")


def test_readyz_is_200_when_all_is_well(client: Client, well: VirtualClock) -> None:
    response = client.get("/readyz")
    assert (response.status_code, response.json()["wrong"]) == (200, [])


def test_readyz_names_a_beat_that_fell_silent(client: Client, well: VirtualClock) -> None:
    well.advance(timedelta(minutes=10))
    heartbeats.beat("worker")
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["wrong"] == ["beat: the tick that beat rings last reported 600 s ago, more than 120 s"]


def test_readyz_says_what_never_reported(client: Client) -> None:
    wrong = client.get("/readyz").json()["wrong"]
    assert [text.split(":")[0] for text in wrong] == ["beat", "worker"]


def test_readyz_names_a_broker_that_is_gone(client: Client, well: VirtualClock, monkeypatch: Any) -> None:
    monkeypatch.setattr(controlplane.celery_app.conf, "broker_url", "redis://127.0.0.1:9/0")
    monkeypatch.setattr(controlplane.celery_app.conf, "broker_write_url", "redis://127.0.0.1:9/0")
    assert client.get("/readyz").json()["wrong"] == ["broker: cannot be reached; see CELERY_BROKER_URL"]


def test_the_canary_is_what_a_worker_reports_with(client: Client) -> None:
    canary()
    assert heartbeats.age("worker") is not None


def test_version_is_ours(client: Client) -> None:
    assert client.get("/version").json()["version"] == controlplane.__version__


def test_metrics_come_from_the_database(client: Client, well: VirtualClock) -> None:
    text = client.get("/metrics").content.decode()
    assert 'controlplane_heartbeat_age_seconds{part="tick"} 0.0' in text
    assert f'controlplane_info{{version="{controlplane.__version__}"}} 1.0' in text


def test_metrics_need_the_token_when_one_is_set(client: Client, settings: Any) -> None:
    settings.CONTROLPLANE = replace(django_settings.CONTROLPLANE, metrics_token="secret-token")
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer secret-token"}).status_code == 200


def test_metrics_are_closed_in_production_without_a_token(client: Client, settings: Any) -> None:
    settings.CONTROLPLANE = replace(django_settings.CONTROLPLANE, mode="production")
    assert client.get("/metrics").status_code == 403


def test_every_answer_carries_a_request_id_and_a_strict_policy(client: Client) -> None:
    response = client.get("/admin/login/", headers={"X-Request-ID": "abc-1"})
    assert response["X-Request-ID"] == "abc-1"
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("script-src", 1)[1].split(";")[0]


def test_a_request_id_that_could_forge_a_log_line_is_replaced(client: Client) -> None:
    response = client.get("/healthz", headers={"X-Request-ID": "a b{}"})
    assert response["X-Request-ID"] != "a b{}"

"""System checks, documents and the table of settings agree."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib

import pytest
from django.conf import settings

import controlplane
from controlplane.checks import check_production, check_unknown_variables
from controlplane.variables import VARIABLES
from tests.processes import ROOT


def test_a_misspelt_variable_is_warned_of_with_the_right_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROLPLANE_TICK_SECOND", "5")
    (warning,) = check_unknown_variables()
    assert (warning.id, warning.hint) == ("controlplane.W001", "Did you mean CONTROLPLANE_TICK_SECONDS?")


def test_the_embedded_default_is_refused_under_deploy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.DATABASES["default"], "ENGINE", "django.db.backends.sqlite3")
    assert {"controlplane.E001", "controlplane.E002", "controlplane.E003"} <= {found.id for found in check_production()}


@pytest.mark.processes
def test_production_settings_pass_djangos_own_deployment_checks() -> None:
    command = [str(ROOT / "deploy" / "check.sh"), sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_the_document_lists_every_setting_with_its_default() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `(\w+)`( ᶠ)? \| (?:`([^`]*)`)? ?\| (.*) \|$", text, flags=re.MULTILINE)
    assert rows == [(v.name, " ᶠ" if v.secret else "", v.default, v.meaning) for v in VARIABLES]


def test_the_example_file_names_only_settings() -> None:
    names = re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), flags=re.MULTILINE)
    known = {v.name for v in VARIABLES} | {f"{v.name}_FILE" for v in VARIABLES if v.secret}
    assert names
    assert set(names) <= known


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == controlplane.__version__


def test_make_help_lists_every_target() -> None:
    environment = {"PATH": os.environ["PATH"]}  # without the MAKEFLAGS of the make that runs the suite
    done = subprocess.run(
        ["make", "help"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20, check=True
    )
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {line.split()[1] for line in done.stdout.splitlines()} == set(targets)

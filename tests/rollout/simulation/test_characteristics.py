"""False stops and delays: the direction of what docs/triggers.md reports, on few weeks."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from rollout.domain.trigger_rules import Rule, under
from rollout.simulation import characteristics, table
from rollout.simulation.characteristics import CADENCES
from rollout.simulation.world import FAULTS
from tests.rollout.evidence_rows import ASSIGN_FAILING, CONFLICTING

WEEKS = 40
CADENCE = CADENCES["assign"]


def rule(profile: str) -> Rule:
    return under(profile, [ASSIGN_FAILING])[0]


def test_guarded_keeps_healthy_plans_that_literal_ends() -> None:
    literal = characteristics.healthy(rule("literal"), CADENCE, WEEKS, "1")
    guarded = characteristics.healthy(rule("guarded"), CADENCE, WEEKS, "1")
    assert literal.kept < 0.2
    assert guarded.kept > 0.7


def test_literal_false_rollbacks_agree_with_the_closed_form() -> None:
    found = characteristics.healthy(rule("literal"), CADENCE, 200, "1")
    assert found.rolled_back == pytest.approx(1 - 0.99**84, abs=0.1)  # any crash among 84 runs, ROLLOUT.md E


@pytest.mark.parametrize("profile", ["literal", "guarded"])
def test_large_faults_are_never_missed(profile: str) -> None:
    for name in ("60 % fail", "hard down"):
        fault = next(fault for fault in FAULTS if fault.name == name)
        found = characteristics.found(rule(profile), CADENCE, fault, WEEKS, "1")
        assert (found.missed, found.not_rolled_back) == (0, 0)
        assert found.stop is not None
        assert found.stop <= 3


def test_only_failure_rates_are_simulated_and_each_in_both_profiles() -> None:
    wide = replace(ASSIGN_FAILING, operation="")
    rows = list(characteristics.of_triggers([wide, CONFLICTING], weeks=1, seed="1"))
    assert [(row.operation, row.profile) for row in rows] == [
        (operation, profile) for operation in ("assign", "process", "daily") for profile in ("literal", "guarded")
    ]


def test_tables_are_markdown() -> None:
    rows = list(characteristics.of_triggers([ASSIGN_FAILING], weeks=2, seed="1"))
    lines = f"{table.healthy(rows)}\n{table.faults(rows)}".splitlines()
    assert len(lines) == 8
    assert all(line.startswith("| ") or line.startswith("|---") or line.startswith("| ---") for line in lines)


def test_command_prints_the_shipped_triggers() -> None:
    command = [sys.executable, "-m", "rollout.simulation", "--weeks", "1"]
    found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert "| assign-failing | assign | guarded |" in found.stdout


def test_command_says_what_is_wrong_with_a_plan(tmp_path: object) -> None:
    command = [sys.executable, "-m", "rollout.simulation", "--plan", f"{tmp_path}/nowhere.yaml"]
    found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert found.returncode == 2
    assert "nowhere.yaml" in found.stderr

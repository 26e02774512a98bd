"""`python -m rollout.simulation [--weeks 2000] [--seed 1] [--plan file.yaml]` prints Markdown tables."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rollout.domain.plan_file import PlanFileError, load_plan
from rollout.simulation import characteristics, table

SHIPPED = Path(__file__).parent.parent / "plans" / "unified_pipeline.yaml"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m rollout.simulation", description=__doc__)
    parser.add_argument("--weeks", type=int, default=2000, help="simulated weeks per cell")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--plan", type=Path, default=SHIPPED)
    asked = parser.parse_args(arguments)
    if asked.weeks < 1:
        parser.error(f"--weeks is {asked.weeks}; simulate at least one week.")
    try:
        plan = load_plan(asked.plan.read_text(encoding="utf-8"), name=asked.plan.name)
    except (OSError, PlanFileError) as problem:
        sys.stderr.write(f"{asked.plan}: {problem}\n")
        return 2
    rows = list(characteristics.of_triggers(plan.every_trigger(), weeks=asked.weeks, seed=asked.seed))
    sys.stdout.write(f"{table.healthy(rows)}\n\n{table.faults(rows)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

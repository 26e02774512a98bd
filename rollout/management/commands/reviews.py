"""manage.py reviews ship|draw|verify|status: the week's sample of guidance, for scripts and terminals."""

from __future__ import annotations

import getpass
import json
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from pipeline import clock
from pipeline.management.commands._reporting import Reporting
from pipeline.services import scripts
from pipeline.services.operations import NotPossible
from rollout.domain.reviews import sampling, verifying, weeks
from rollout.models import ReviewBatch
from rollout.services.reviews import batches, rubrics, teams
from rollout.views import review_batches


class Command(Reporting):
    help = "Draw the week's sample of guidance, verify a draw, and see how far the reviews are."

    def add_arguments(self, parser: CommandParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True)
        ways.add_parser("ship", help="the plan's rubric and its three teams, where there are none")
        draw = ways.add_parser("draw", help="draw the sample of a week, once")
        draw.add_argument("repository", help="owner/name")
        draw.add_argument("--week", type=date.fromisoformat, help="its Monday; none: the last week that is over")
        draw.add_argument("--size", type=int, help="issues; none: the running plan's, else 10")
        draw.add_argument(
            "--double", type=float, default=sampling.DOUBLE_SHARE, help="share that is scored twice (0.3: 3 of 10)"
        )
        draw.add_argument("--without", type=int, nargs="*", default=[], help="issue numbers to leave out")
        draw.add_argument("--reason", required=True, help="one sentence for the audit log")
        draw.add_argument("--json", action="store_true", help="write the draw as JSON")
        verify = ways.add_parser("verify", help="draw again from the stored seed and frame and compare")
        verify.add_argument("batch", type=int, nargs="?", help="its number; none: every batch that was drawn")
        verify.add_argument("--file", type=Path, help="a draw that `reviews verify --json` wrote, from anywhere")
        verify.add_argument("--json", action="store_true", help="write seed, frame and sample as JSON")
        status = ways.add_parser("status", help="whose week it is and how far each open batch is")
        status.add_argument("--json", action="store_true", help="write facts for scripts")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = {"ship": self._ship, "draw": self._draw, "verify": self._verify, "status": self._status}[
                options["way"]
            ](options)
        except (NotPossible, ValueError, OSError) as error:
            self.refuse(error)
        else:
            self.end(code)

    def _ship(self, options: dict[str, Any]) -> int:
        made, rubric = teams.ship(), rubrics.ship()
        self.stdout.write(f"{rubric or 'A rubric'} is in use; {made or 'no'} teams were added.")
        return scripts.OK

    def _draw(self, options: dict[str, Any]) -> int:
        batch = batches.draw(
            scripts.repository_named(options["repository"]),
            options["week"] or weeks.monday_of(clock.now()) - weeks.WEEK,
            by=getpass.getuser(),
            reason=options["reason"],
            size=options["size"],
            double_share=options["double"],
            left_out=options["without"],
        )
        dump = batches.dump(batch)
        numbers = ", ".join(f"#{number}{' (twice)' if twice else ''}" for number, twice in dump["sample"])
        self._say(
            dump | {"batch": batch.pk},
            [
                f"Batch {batch.pk}: {numbers or 'nothing'}. {batch.note}".strip(),
                f"{batch.team_reason} Due {batch.due_at:%a %d %b %H:%M} UTC.",
            ],
            options,
        )
        return scripts.OK

    def _verify(self, options: dict[str, Any]) -> int:
        if options["file"]:
            faults = verifying.faults(json.loads(options["file"].read_text(encoding="utf-8")))
            self.stdout.write(" ".join(faults) or "Drawn again from the file's seed and frame: the same sample.")
            return scripts.FAILED if faults else scripts.OK
        rows = ReviewBatch.objects.filter(is_calibration=False).select_related("repository").order_by("pk")
        if options["batch"]:
            rows = rows.filter(pk=options["batch"])
        if not rows:
            raise NotPossible("There is no such batch that was drawn.")
        found = [batches.verify(batch) for batch in rows]
        facts = [batches.dump(one.batch) | {"batch": one.batch.pk, "faults": one.faults} for one in found]
        self._say(
            facts[0] if options["batch"] else facts,
            [f"{one.batch.repository}, week of {one.batch.week}: {one.sentence}" for one in found],
            options,
        )
        return scripts.FAILED if any(one.faults for one in found) else scripts.OK

    def _status(self, options: dict[str, Any]) -> int:
        found = review_batches.status(clock.now())
        lines = [found["duty"], *(f"{row['batch']}: {row['says']}" for row in found["open"])]
        self._say(found, lines if found["open"] else [*lines, "No batch is open."], options)
        return scripts.OK

    def _say(self, facts: Any, lines: list[str], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(facts, indent=2, default=str))
            return
        for line in lines:
            self.stdout.write(line)

"""manage.py workflows check|import|export: workflow and specialist YAML."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from pipeline import workflows as files
from pipeline.github.port import GitHubError
from pipeline.management.commands._reporting import Reporting
from pipeline.models import Specialist, Workflow
from pipeline.services import scripts, workflow_files
from pipeline.services.operations import NotPossible


class Command(Reporting):
    help = "Check, import or export workflows and specialists as YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        ways = parser.add_subparsers(dest="way", required=True)
        check = ways.add_parser("check", help="read files and report every problem with line and column")
        check.add_argument("paths", nargs="+", type=Path, help="files or folders")
        take = ways.add_parser("import", help="check, then create or update; hand-edited ones are kept")
        take.add_argument("paths", nargs="*", type=Path, help="files or folders; none: the shipped ones")
        take.add_argument("--repository", help="only in force for this repository; read from its folder without paths")
        take.add_argument("--from-repository", action="store_true", help="read the repository's own workflow folder")
        take.add_argument("--overwrite", action="store_true", help="replace what was edited by hand as well")
        give = ways.add_parser("export", help="write every workflow and specialist as a file")
        give.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            {"check": self._check, "import": self._import, "export": self._export}[options["way"]](options)
        except (NotPossible, ValueError, OSError) as error:
            self.refuse(error)
        except GitHubError as error:
            self.stderr.write(str(error))
            self.end(scripts.FAILED)

    def _check(self, options: dict[str, Any]) -> None:
        found = workflow_files.read(options["paths"])
        self._tell(found)
        for double in found.doubles:
            self.stdout.write(double)
        self.stdout.write(f"{len(found.workflows)} workflows and {len(found.specialists)} specialists are in order.")

    def _import(self, options: dict[str, Any]) -> None:
        repository = scripts.repository_named(options["repository"]) if options["repository"] else None
        found = self._given(options, repository)
        self._tell(found)
        first, second = workflow_files.take(
            found,
            repository=repository,
            actor=getpass.getuser(),
            reason="Imported from the command line.",
            overwrite=options["overwrite"],
        )
        for name, done in (("specialists", first), ("workflows", second)):
            self.stdout.write(
                f"{name}: {len(done.created)} created, {len(done.updated)} updated, {len(done.kept)} kept as they are."
            )

    def _tell(self, found: workflow_files.Read) -> None:
        """What an older file says and has no effect here is said before anything is changed."""
        for note in found.notes:
            self.stdout.write(note)

    def _given(self, options: dict[str, Any], repository: Any) -> workflow_files.Read:
        if options["from_repository"]:
            if repository is None:
                raise NotPossible("Name the repository whose folder is to be read with --repository owner/name.")
            return workflow_files.read_from_repository(repository)
        if options["paths"]:
            return workflow_files.read(options["paths"])
        return workflow_files.shipped()

    def _export(self, options: dict[str, Any]) -> None:
        folder: Path = options["folder"]
        folder.mkdir(parents=True, exist_ok=True)
        for workflow in Workflow.objects.select_related("specialist", "repository").prefetch_related("deliverables"):
            prefix = f"{workflow.repository.full_name.replace('/', '-')}--" if workflow.repository else ""
            (folder / f"{prefix}{workflow.slug}.yaml").write_text(
                files.dump_workflow(workflow.spec()), encoding="utf-8"
            )
        for specialist in Specialist.objects.all():
            path = folder / f"specialist-{specialist.slug}.yaml"
            path.write_text(files.dump_specialist(specialist.spec()), encoding="utf-8")
        self.stdout.write(f"{Workflow.objects.count()} workflows and {Specialist.objects.count()} specialists written.")

"""actions: GitHub Actions workflows that do the same job as an operation of ours are switched off, or archived.

Archiving (plan 4.2) is a pull request that moves the files to `.github/workflows/archive/`, where GitHub runs nothing;
a person merges it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.domain import changes
from pipeline.domain.plan import Plan, Planned, Verdict, conflict, skip

FOLDER = ".github/workflows"
ARCHIVE = f"{FOLDER}/archive"


def plan_disable(workflow_id: int, path: str, state: str) -> Plan:
    """`state` is GitHub's own word for the workflow as it was read a moment ago; empty: it is not listed any more."""
    if not state:
        return skip("gone", f"GitHub lists no workflow {path} any more.", path=path)
    if state != "active":
        return skip("off already", f"The workflow {path} is {state.replace('_', ' ')} already.", path=path)
    effects = (Planned(changes.DisableWorkflow(workflow_id, path), before={"state": state}),)
    return Plan(Verdict.CHANGE, "disabled", f"The workflow {path} did the same job.", effects, facts={"path": path})


def archived(path: str) -> str:
    """Where a workflow file goes."""
    return f"{ARCHIVE}/{path.rsplit('/', 1)[-1]}"


def plan_archive(files: Mapping[str, str | None], *, branch: str, base: str, reason: str, place: str) -> Plan:
    """`files`: path → text as it is on `base`, None where there is no such file. `place` names the repository."""
    missing = [path for path, text in files.items() if text is None]
    if missing or not files:
        named = ", ".join(missing) or "no file at all"
        return conflict("no file", f"Not on {base}: {named}; look for it on GitHub. Nothing was changed.")
    moved = tuple(changes.ScaffoldFile(archived(path), text or "") for path, text in files.items())
    subject = f"Archive {len(moved)} workflow{'s' if len(moved) > 1 else ''} that run elsewhere now"
    message = f"{subject}\n\n{reason}"
    effects = (
        Planned(changes.CreateBranch(branch, base, message, moved, tuple(files)), subject=f"branch:{place}:{branch}"),
        Planned(changes.OpenPull(branch, base, subject, _body(tuple(files), reason)), subject=f"pull:{place}:{branch}"),
    )
    return Plan(Verdict.CHANGE, "archived", subject, effects, facts={"branch": branch, "paths": list(files)})


def _body(paths: Sequence[str], reason: str) -> str:
    moves = "\n".join(f"- `{path}` → `{archived(path)}`" for path in paths)
    return f"{reason}\n\n{moves}\n\nGitHub runs nothing from the archive. Close this to keep the workflows."

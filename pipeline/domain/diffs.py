"""What a planned change looks like to a person: a few lines, sections as unified diffs."""

from __future__ import annotations

from difflib import unified_diff
from typing import Any

from pipeline.domain import changes
from pipeline.domain.changes import Change


def describe(change: Change, before: dict[str, Any]) -> str:  # noqa: PLR0912 - one line per kind of change
    """`before` is the change's before-image; sections are diffed against it."""
    match change:
        case changes.CreateIssue(title, body, labels):
            return "\n".join([f"+ issue {title}", *_each("+ label", labels), text_diff("", body, "body")])
        case changes.AddLabels(labels):
            return "\n".join(_each("+ label", labels))
        case changes.RemoveLabels(labels):
            return "\n".join(_each("- label", labels))
        case changes.WriteSections(sections):
            return _sections(sections, before.get("sections", {}))
        case changes.AddComment(body):
            return text_diff("", body, "comment")
        case changes.CreateBranch(branch, base, _, files, deletions):
            names = _each("+ file", tuple(f"{file.path} ({len(file.content.split())} words)" for file in files))
            gone = _each("- file", deletions)
            bodies = [text_diff("", file.content, file.path) for file in files]
            return "\n".join([f"+ branch {branch} from {base}", *names, *gone, *bodies])
        case changes.OpenPull(branch, base, title):
            return f"+ pull request {branch} → {base}: {title}"
        case changes.AssignCopilot(base_branch):
            return f"+ assignee Copilot, on branch {base_branch}"
        case changes.UnassignCopilot():
            return "- assignee Copilot"
        case changes.ClosePull(number):
            return f"- pull request #{number} (closed)"
        case changes.DeleteBranch(branch, expected_sha):
            gone = _each("- file", tuple(before.get("files", ())))
            return "\n".join([f"- branch {branch} (at {expected_sha[:10]})", *gone])
        case changes.CloseIssue(reason):
            return f"- issue closed as {reason}"
        case changes.ReopenIssue():
            return "+ issue reopened"
        case changes.CreateLabel(name):
            return f"+ label {name} in the repository"
        case changes.DisableWorkflow(_, path):
            return f"- GitHub Actions workflow {path} (switched off)"


def _each(sign: str, names: tuple[str, ...]) -> list[str]:
    return [f"{sign} {name}" for name in names]


def _sections(sections: tuple[tuple[str, str | None], ...], old: dict[str, str | None]) -> str:
    parts = [text_diff(old.get(name) or "", content or "", f"## {name}") for name, content in sections]
    return "\n".join(part for part in parts if part)


def text_diff(before: str, after: str, name: str) -> str:
    """A unified diff without the noise of newline styles."""
    lines = unified_diff(before.splitlines(), after.splitlines(), f"{name} (now)", f"{name} (planned)", lineterm="")
    return "\n".join(lines)

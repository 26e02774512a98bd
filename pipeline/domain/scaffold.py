"""The scaffold: one prepared file per deliverable and a README, in one commit on one branch, and its pull request."""

from __future__ import annotations

from pipeline.domain.changes import ScaffoldFile
from pipeline.domain.cleaning import code, one_line, quotation
from pipeline.domain.guidance import ASSIGNMENT, GUIDANCE, UNTRUSTED, in_words, validation_steps
from pipeline.domain.placeholders import fill
from pipeline.domain.workflows import Deliverable
from pipeline.domain.workplan import README, Workplan, due_text


def scaffold_files(plan: Workplan) -> tuple[ScaffoldFile, ...]:
    """Every deliverable from its template, in order, and first a README that says what they are for."""
    files = [ScaffoldFile(f"{plan.folder}/{README}", _readme(plan))]
    values = plan.values()
    for file in plan.files:
        item = file.deliverable
        own = {**values, "title": item.title, "name": item.name, "description": item.description.strip()}
        template = item.template if item.template.strip() else default_template(item, plan.workflow.required_sections)
        files.append(ScaffoldFile(file.path, fill(template, own).strip("\n") + "\n"))
    return tuple(files)


def default_template(item: Deliverable, sections: tuple[str, ...] = ()) -> str:
    """For a deliverable that brings no template of its own."""
    names = sections or ("Summary", "Findings", "Sources")
    parts = ["# {title}", "{description}" if item.description.strip() else "", "About {issue_title} in {repository}."]
    parts += [f"## {in_words(name)}\n\n_To be written._" for name in names]
    return "\n\n".join(part for part in parts if part)


def commit_message(plan: Workplan) -> str:
    """Without the signed marker, which whoever stores the change appends."""
    return (
        f"Prepare {plan.workflow.slug} for issue {plan.issue.number}\n\n"
        f"{len(plan.files)} files from templates, to be filled in by {due_text(plan.due)}."
    )


def pull_title(plan: Workplan) -> str:
    return one_line(f"{plan.workflow.name}: {plan.issue.title}", 200)


def pull_body(plan: Workplan) -> str:
    """Closes the issue when merged; without the signed marker."""
    files = "\n".join(f"- [ ] {code(file.path)} {file.deliverable.title}" for file in plan.files)
    return (
        f"Closes #{plan.issue.number}\n\n"
        f"Scaffold of the workflow **{plan.workflow.name}** for the {plan.specialist.name}. The issue's sections "
        f"“{GUIDANCE}” and “{ASSIGNMENT}” say what to do with it. Due {due_text(plan.due)}.\n\n"
        f"### Files\n\n{files}\n"
    )


def _readme(plan: Workplan) -> str:
    issue = plan.issue
    rows = "\n".join(
        f"| [{file.deliverable.title}]({_link(plan, file.path)}) | {'yes' if file.deliverable.required else 'no'} "
        f"| {' '.join(file.deliverable.description.split())} |"
        for file in plan.files
    )
    steps = "\n".join(f"{number}. {step}" for number, step in enumerate(validation_steps(plan), 1))
    quoted = "\n\n".join(text for text in (issue.discovery.excerpt if issue.discovery else "", issue.text) if text)
    return (
        f"# {plan.workflow.name}: issue {issue.number}\n\n"
        f"{plan.workflow.description.strip()}\n\n"
        f"- Issue: {code(issue.title)}, <{issue.url}>\n"
        f"- Specialist: {plan.specialist.name}\n"
        f"- Source: {plan.values()['source']}, {plan.values()['source_url']}\n"
        f"- Due: {due_text(plan.due)}\n\n"
        f"## Files\n\n| File | Required | What it is |\n| --- | --- | --- |\n{rows}\n\n"
        f"## Before it counts as done\n\n{steps}\n\n"
        f"## Material\n\n{UNTRUSTED}\n\n{quotation(quoted)}\n"
    )


def _link(plan: Workplan, path: str) -> str:
    return path.removeprefix(f"{plan.folder}/").replace(" ", "%20").replace("(", "%28").replace(")", "%29")

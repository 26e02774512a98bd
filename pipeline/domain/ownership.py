"""Whose text stands in our sections: a section that we did not write, or that somebody edited, is never replaced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pipeline.domain.sections import read_section, splice


def not_ours(body: str, headings: Iterable[str], written: Mapping[str, str | None]) -> str:
    """One sentence naming the first section that holds a person's text, or "".

    `written`: heading → what we wrote there last. Text that people add right below a section of ours, without a
    heading of its own, is part of it by Markdown's rules, and so shows here as an edit.
    """
    for heading in headings:
        there = read_section(body, heading)
        if there is None or there == written.get(heading):
            continue
        if heading in written:
            return f"Somebody edited the section {heading!r} since we wrote it; move that text elsewhere to go on."
        return f"The issue already has a section {heading!r} that we did not write; rename it to go on."
    return ""


def as_written(body: str, sections: Iterable[tuple[str, str]]) -> tuple[tuple[str, str | None], ...]:
    """The sections as they will read back: near the limit of 65,536 characters ours are shortened."""
    wanted = tuple(sections)
    after = splice(body, wanted)
    return tuple((heading, read_section(after, heading)) for heading, _ in wanted)

"""What in an issue's text needs a person before automation passes it on (RELIABILITY: the hole to close)."""

from __future__ import annotations

from pipeline.domain import markers
from pipeline.domain.cleaning import clean
from pipeline.domain.sections import remove_section

OURS = ("AI Assessment", "Specialist Guidance", "Copilot Assignment")
WHOLE_BODY = 65_536


def suspicions(title: str, body: str) -> tuple[str, ...]:
    """The cleaner's findings in title and body, each once; sections that we wrote ourselves are left out."""
    text = markers.strip(body)
    for heading in OURS:
        text = remove_section(text, heading)
    found = (*clean(title).findings, *clean(text, limit=WHOLE_BODY).findings)
    return tuple(dict.fromkeys(found))

"""What in an issue's text needs a person before automation passes it on (RELIABILITY: the hole to close)."""

from __future__ import annotations

import hashlib

from pipeline.domain import markers
from pipeline.domain.cleaning import clean
from pipeline.domain.sections import remove_section

OURS = ("AI Assessment", "Specialist Guidance", "Copilot Assignment")
WHOLE_BODY = 65_536


def suspicions(title: str, body: str) -> tuple[str, ...]:
    """The cleaner's findings in title and body, each once; sections that we wrote ourselves are left out."""
    found = (*clean(title).findings, *clean(_written_by_others(body), limit=WHOLE_BODY).findings)
    return tuple(dict.fromkeys(found))


def _written_by_others(body: str) -> str:
    text = markers.strip(body)
    for heading in OURS:
        text = remove_section(text, heading)
    return text


def text_hash(title: str, body: str) -> str:
    """SHA-256 of what was written by others; our own later sections and markers do not count."""
    return hashlib.sha256(f"{title}\n{_written_by_others(body).strip()}".encode()).hexdigest()

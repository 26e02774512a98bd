"""The file that docs/workflows.md shows can be imported, and uses every group of fields."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.workflows import read_workflow

PAGE = Path(__file__).parents[3] / "docs" / "workflows.md"


def test_documented_workflow_is_read_without_a_note() -> None:
    shown = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert shown
    loaded = read_workflow(shown[1], name="workflows.md")
    assert (loaded.spec.slug, loaded.notes) == ("harbour-watch", ())
    assert (loaded.spec.assign_at, loaded.spec.ask_at, loaded.spec.minimum_words) == (0.8, 0.6, 150)
    assert [item.path for item in loaded.spec.deliverables] == ["report.md"]

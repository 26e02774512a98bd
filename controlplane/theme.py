"""How the admin looks."""

from __future__ import annotations

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Control plane",
    "SITE_HEADER": "Control plane",
    "SITE_SYMBOL": "account_tree",
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
}

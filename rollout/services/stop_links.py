"""A signed link that lets whoever reads an alert stop: hold, roll back a step, roll back everything; for a day."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlencode

from django.core import signing
from django.urls import reverse

from pipeline.services.operations import NotPossible
from rollout.models import Rollout
from rollout.services import links

SALT = "rollout.hold"  # the first purpose's name; links that are under way stay good
VALID = timedelta(hours=24)
IN_TEXT = re.compile(r"\S*/stop/\S+")
KEPT_BACK = "(a link for those who may stop the rollout)"


def address(rollout: Rollout, *, operation: str = "") -> str:
    """To be put into an alert; it can stop, and nothing else. `operation` is what the page offers to hold at first."""
    token = signing.dumps({"rollout": rollout.pk}, salt=SALT)
    chosen = f"?{urlencode({'what': f'hold:operation:{operation}'})}" if operation else ""
    return links.absolute(reverse("rollout-stop-link", args=[token])) + chosen


def without(text: str) -> str:
    """The text of an alert for somebody who may not stop: whoever has the link can."""
    return IN_TEXT.sub(KEPT_BACK, text)


def read(token: str) -> Rollout:
    """The rollout that a link stops, or NotPossible in one sentence."""
    try:
        facts = signing.loads(token, salt=SALT, max_age=VALID)
    except signing.SignatureExpired as error:
        hours = int(VALID.total_seconds() // 3600)
        raise NotPossible(f"This link is older than {hours} hours; sign in to stop the rollout.") from error
    except signing.BadSignature as error:
        raise NotPossible("This link is not one of ours, or was cut; copy the whole of it, or sign in.") from error
    found = Rollout.objects.filter(pk=facts["rollout"]).select_related("plan", "repository").first()
    if found is None:
        raise NotPossible("The rollout of this link is gone; sign in to see what stands.")
    return found

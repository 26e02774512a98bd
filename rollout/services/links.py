"""Addresses of our own pages for messages that leave the site."""

from __future__ import annotations

from django.conf import settings
from django.urls import NoReverseMatch, reverse


def absolute(path: str) -> str:
    """With the site's own address in front where one is set (the first of CSRF_TRUSTED_ORIGINS)."""
    origins: list[str] = list(settings.CSRF_TRUSTED_ORIGINS)
    own = next((origin for origin in origins if "*" not in origin), "")
    return f"{own.rstrip('/')}{path}"


def of(name: str, pk: int) -> str:
    """The admin's page of a rollout row: `of("incident", 3)`."""
    try:
        path = reverse(f"admin:rollout_{name}_change", args=[pk])
    except NoReverseMatch:  # the row has no page of its own
        path = reverse("admin:index")
    return absolute(path)

"""Assembles: settings, addresses, the Celery application, the supervisor of `up`. Nothing below imports it."""

from controlplane.celery import app as celery_app

__version__ = "0.1.0"

__all__ = ["__version__", "celery_app"]

"""The addresses of the site."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

from controlplane import health, metrics
from pipeline.views import webhooks
from rollout.views import security_webhook

# Asked for unasked by browsers at pages that name no icon; looked up late, for the name of the file changes with it.
ICON = lazy(static, str)("pipeline/img/icon.svg")

urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=ICON), name="favicon"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("version", health.version, name="version"),
    path("metrics", metrics.metrics, name="metrics"),
    path("webhooks/github", webhooks.github, name="webhook-github"),
    path("webhooks/security", security_webhook.alert, name="webhook-security"),
    path("", include("rollout.urls")),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index")),
]

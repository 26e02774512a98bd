"""Settings: read from the environment in one place, and refused in one sentence when they cannot be used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from controlplane.celery_settings import celery_settings
from controlplane.configuration import Configuration, read_configuration
from controlplane.connections import broker, database, mail
from controlplane.csp import CONTENT_SECURITY_POLICY  # noqa: F401 - a setting
from controlplane.environment import BadSetting, Environment, read_env_file
from controlplane.keys import key
from controlplane.logs import configure_structlog, logging_config
from controlplane.theme import UNFOLD  # noqa: F401 - a setting

BASE_DIR = Path(__file__).resolve().parent.parent

try:
    if os.environ.get("CONTROLPLANE_ENV") != "test":
        read_env_file(BASE_DIR / os.environ.get("CONTROLPLANE_ENV_FILE", ".env"), os.environ)
    _environment = Environment(os.environ)
    CONTROLPLANE: Configuration = read_configuration(_environment, BASE_DIR)
    SECRET_KEY = key(_environment, "SECRET_KEY", mode=CONTROLPLANE.mode, data_dir=CONTROLPLANE.data_dir)
    SECRET_KEY_FALLBACKS = _environment.words("SECRET_KEY_FALLBACKS")
    DEBUG = _environment.flag("DEBUG")
    ALLOWED_HOSTS = [*_environment.words("ALLOWED_HOSTS"), "localhost", "127.0.0.1", "[::1]"]
    CSRF_TRUSTED_ORIGINS = _environment.words("CSRF_TRUSTED_ORIGINS")
    BEHIND_PROXY = _environment.flag("CONTROLPLANE_BEHIND_PROXY")
    DATABASES = {"default": database(_environment, base=BASE_DIR, data_dir=CONTROLPLANE.data_dir)}
    LOG_LEVEL = _environment.choice("CONTROLPLANE_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"))
    LOG_FORMAT = _environment.choice("CONTROLPLANE_LOG_FORMAT", ("json", "console"))
    DEFAULT_FROM_EMAIL = SERVER_EMAIL = _environment.text("DEFAULT_FROM_EMAIL")
    globals().update(mail(_environment, CONTROLPLANE.mode))
    globals().update(
        celery_settings(
            broker(_environment, base=BASE_DIR, broker_dir=CONTROLPLANE.broker_dir),
            tick=CONTROLPLANE.tick,
            worker_concurrency=CONTROLPLANE.worker_concurrency,
        )
    )
    if bad := [origin for origin in CSRF_TRUSTED_ORIGINS if "://" not in origin]:
        raise BadSetting(f"CSRF_TRUSTED_ORIGINS has {bad[0]!r}; write the scheme too, as in https://{bad[0]}.")
    if CONTROLPLANE.mode == "production" and DEBUG:
        raise BadSetting("DEBUG is on in production, where it would show secrets; set DEBUG=off.")
    for folder, name in (
        (CONTROLPLANE.data_dir / "static", "CONTROLPLANE_DATA_DIR"),
        (CONTROLPLANE.telemetry_dir, "CONTROLPLANE_TELEMETRY_DIR"),
    ):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(f"{folder} cannot be made: {error.strerror}; set {name} to another folder.") from None
except BadSetting as refusal:
    sys.stderr.write(f"{refusal}\n")
    raise SystemExit(2) from None

PRODUCTION = CONTROLPLANE.mode == "production"

INSTALLED_APPS = [
    # First, so that its templates and static files win over unfold's.
    "controlplane.apps.ControlplaneConfig",
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_celery_beat",
    "simple_history",
    "pipeline.apps.PipelineConfig",
    "rollout.apps.RolloutConfig",
]
MIDDLEWARE = [
    "controlplane.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "controlplane.urls"
WSGI_APPLICATION = "controlplane.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-gb"
FORMS_URLFIELD_ASSUME_HTTPS = True

STATIC_URL = "/static/"
STATIC_ROOT = CONTROLPLANE.data_dir / "static"
STATICFILES_DIRS = [folder for folder in [BASE_DIR / "static"] if folder.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if CONTROLPLANE.mode == "test"
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
WHITENOISE_MANIFEST_STRICT = False
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = CONTROLPLANE.mode == "test"

LOGGING = logging_config(LOG_LEVEL, LOG_FORMAT)
configure_structlog()

SESSION_COOKIE_NAME = "controlplane_session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_SSL_REDIRECT = PRODUCTION
# Probes come over plain HTTP from beside the process.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^version$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"  # for old browsers; the others obey frame-ancestors
SERIALIZATION_MODULES = {"json": "controlplane.exact_json"}
DATA_UPLOAD_MAX_MEMORY_SIZE = 26 * 1024 * 1024  # GitHub's hooks are at most 25 MB

# Celery tasks that are told of every run that ended, by its id: what decides is above what runs.
PIPELINE_RUN_FINISHED_TASKS = ("rollout.tasks.run_finished",)
# The same of every mode, limit or cron that a person turned, by the repository's id.
PIPELINE_TURNED_TASKS = ("rollout.tasks.knob_turned",)

# Dotted paths of functions that return Prometheus metric families; /metrics calls them at scrape time.
METRIC_SOURCES = ["controlplane.metrics.service_metrics", "rollout.views.prometheus.rollout_metrics"]
# Dotted paths of functions (request, now) that add to the admin's first page: {"template", "alerts", …} or None.
OVERVIEW_SOURCES: list[str] = ["rollout.views.overview.overview"]
if CONTROLPLANE.mode == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

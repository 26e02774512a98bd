#!/usr/bin/env bash
# `check --deploy` under an environment like production's; the values open nothing.
set -euo pipefail
python=$1
key=$(head -c 48 /dev/urandom | base64 | tr -d '\n=+/')
exec env -u DJANGO_SETTINGS_MODULE CONTROLPLANE_ENV=production CONTROLPLANE_ENV_FILE=/dev/null CONTROLPLANE_DATA_DIR="$(mktemp -d)" \
  SECRET_KEY="$key$key" CONTROLPLANE_MARKER_SECRET="$key" WEBHOOK_SECRET="$key" ALLOWED_HOSTS=controlplane.example.org \
  DATABASE_URL=postgresql://controlplane@127.0.0.1/controlplane CELERY_BROKER_URL=amqp://127.0.0.1:5672// \
  "$python" manage.py check --deploy --fail-level WARNING

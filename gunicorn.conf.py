"""How gunicorn serves us; it reads this file by itself when started in this folder."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "controlplane.settings")

from controlplane import settings

wsgi_app = "controlplane.wsgi"
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 10
accesslog = None
logconfig_dict = settings.LOGGING

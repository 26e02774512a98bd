"""The settings of the test suite: nothing of the machine's own environment or .env file reaches it."""

import os
import tempfile
from pathlib import Path

from controlplane.variables import VARIABLES

# Set before the real settings are read; child processes of tests name their own environment.
for variable in VARIABLES:
    os.environ.pop(variable.name, None)
    os.environ.pop(f"{variable.name}_FILE", None)
os.environ["CONTROLPLANE_ENV"] = "test"
os.environ["CONTROLPLANE_DATA_DIR"] = "var/test"
os.environ["CELERY_BROKER_URL"] = "memory://"
os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL", "sqlite://:memory:")
os.environ["CONTROLPLANE_STATEMENT_TIMEOUT_SECONDS"] = "0"

from controlplane.settings import *  # noqa: E402, F403 - the environment above comes first

# A file, not memory: a test's threads and processes meet the locks that production meets; two sessions never share one.
_FOLDER = Path(tempfile.gettempdir()) / f"controlplane-tests-{os.getuid()}"
_FOLDER.mkdir(exist_ok=True)
_SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")  # noqa: F405
DATABASES["default"]["TEST"] = {  # noqa: F405
    "NAME": str(_FOLDER / f"{os.getpid()}.sqlite3") if _SQLITE else f"test_controlplane_{os.getpid()}"
}
if not _SQLITE:  # nothing here outlives its session, so no commit waits for the disk
    DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"  # noqa: F405
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1", "[::1]"]

"""A frozen plan is refused changes by the database itself, whoever asks: SQL, a shell, a restored script.

Django remakes a table of SQLite to change it and loses the triggers of the old one. A later migration that alters
`PlanVersion` ends with `guard`; `tests/rollout/models/test_frozen_plans.py` fails until it does.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SAID = "A frozen plan does not change; ask for a change of the running plan."
KEPT = ("slug", "version", "title", "text", "sha256", "status", "frozen_at", "created_by", "created_at")

SQLITE = (
    f"""CREATE TRIGGER plan_frozen_stays BEFORE UPDATE OF {", ".join(KEPT)} ON rollout_planversion
    WHEN OLD.status = 'frozen' AND ({" OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in KEPT)})
    BEGIN SELECT RAISE(ABORT, '{SAID}'); END""",
    # INSERT OR REPLACE changes without a word to the triggers of UPDATE.
    f"""CREATE TRIGGER plan_frozen_stays_alone BEFORE INSERT ON rollout_planversion
    WHEN EXISTS (SELECT 1 FROM rollout_planversion WHERE status = 'frozen'
                 AND (id = NEW.id OR (slug = NEW.slug AND version = NEW.version)))
    BEGIN SELECT RAISE(ABORT, '{SAID}'); END""",  # noqa: S608 - a sentence of ours
)
POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION plan_frozen_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'check_violation'; END $$""",
    f"""CREATE TRIGGER plan_frozen_stays BEFORE UPDATE ON rollout_planversion FOR EACH ROW
    WHEN (OLD.status = 'frozen' AND ({" OR ".join(f"NEW.{name} IS DISTINCT FROM OLD.{name}" for name in KEPT)}))
    EXECUTE FUNCTION plan_frozen_stays()""",
)


def guard(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in SQLITE if editor.connection.vendor == "sqlite" else POSTGRESQL:
        editor.execute(statement)


def unguard(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "sqlite":
        editor.execute("DROP TRIGGER IF EXISTS plan_frozen_stays")
        editor.execute("DROP TRIGGER IF EXISTS plan_frozen_stays_alone")
        return
    editor.execute("DROP TRIGGER plan_frozen_stays ON rollout_planversion")
    editor.execute("DROP FUNCTION plan_frozen_stays()")


class Migration(migrations.Migration):
    dependencies = [
        ("rollout", "0003_quality"),
    ]

    operations = [migrations.RunPython(guard, unguard)]

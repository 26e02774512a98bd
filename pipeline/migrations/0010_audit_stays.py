"""The audit log is append-only by the database itself: no entry is changed or removed, by SQL, a shell or a script.

Who owns the database can still take the guard away; then the chain of hashes shows it. Django remakes a table of SQLite
to change it and loses the triggers of the old one: a later migration that alters `AuditEntry` ends with `guard`, and
`tests/pipeline/models/test_audit_stays.py` fails until it does.
"""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

SAID = "The audit log is append-only; no entry is changed or removed."

SQLITE = (
    *(
        f"""CREATE TRIGGER audit_entry_{verb.lower()} BEFORE {verb} ON pipeline_auditentry
    BEGIN SELECT RAISE(ABORT, '{SAID}'); END"""
        for verb in ("UPDATE", "DELETE")
    ),
    # INSERT OR REPLACE removes without a word to the triggers of DELETE.
    f"""CREATE TRIGGER audit_entry_insert BEFORE INSERT ON pipeline_auditentry
    WHEN EXISTS (SELECT 1 FROM pipeline_auditentry
                 WHERE id = NEW.id OR sequence = NEW.sequence OR hash = NEW.hash)
    BEGIN SELECT RAISE(ABORT, '{SAID}'); END""",  # noqa: S608 - a sentence of ours
)
POSTGRESQL = (
    f"""CREATE OR REPLACE FUNCTION audit_entry_stays() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'check_violation'; END $$""",
    """CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE ON pipeline_auditentry
    FOR EACH ROW EXECUTE FUNCTION audit_entry_stays()""",
    # TRUNCATE passes by the triggers of rows.
    """CREATE TRIGGER audit_log_stays BEFORE TRUNCATE ON pipeline_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_stays()""",
)
UNGUARD_POSTGRESQL = (
    "DROP TRIGGER audit_entry_stays ON pipeline_auditentry",
    "DROP TRIGGER audit_log_stays ON pipeline_auditentry",
    "DROP FUNCTION audit_entry_stays()",
)
UNGUARD_SQLITE = tuple(f"DROP TRIGGER IF EXISTS audit_entry_{verb}" for verb in ("update", "delete", "insert"))


def guard(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in SQLITE if editor.connection.vendor == "sqlite" else POSTGRESQL:
        editor.execute(statement)


def unguard(_apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    for statement in UNGUARD_SQLITE if editor.connection.vendor == "sqlite" else UNGUARD_POSTGRESQL:
        editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0009_references"),
    ]

    operations = [migrations.RunPython(guard, unguard)]

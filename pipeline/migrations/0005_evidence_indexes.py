"""Indexes that the metrics and triggers of the rollout read by: time, refused requests, changes of one subject."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0004_requested_kinds"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="transition",
            index=models.Index(fields=["at"], name="transition_by_time"),
        ),
        migrations.AddIndex(
            model_name="handover",
            index=models.Index(fields=["requested_at"], name="handover_by_time"),
        ),
        migrations.AddIndex(
            model_name="apicall",
            index=models.Index(
                condition=models.Q(("limited", ""), _negated=True), fields=["at"], name="call_limited_by_time"
            ),
        ),
        migrations.AddIndex(
            model_name="auditentry",
            index=models.Index(fields=["subject", "action", "-sequence"], name="audit_by_subject"),
        ),
    ]

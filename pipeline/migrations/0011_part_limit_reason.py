from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0010_audit_stays"),
    ]

    operations = [
        migrations.AddField(
            model_name=name,
            name="limit_reason",
            field=models.CharField(blank=True, help_text="The term that binds the limit.", max_length=200),
        )
        for name in ("operationpart", "historicaloperationpart")
    ]

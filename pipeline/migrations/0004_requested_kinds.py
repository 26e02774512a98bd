from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0003_names"),
    ]

    operations = [
        migrations.AlterField(
            model_name="run",
            name="kind",
            field=models.CharField(
                choices=[
                    ("monitor", "monitor"),
                    ("assign", "assign"),
                    ("process", "process"),
                    ("track", "track"),
                    ("daily", "daily operations"),
                    ("sync", "synchronise"),
                    ("triage", "triage by people"),
                    ("actions", "GitHub Actions workflows"),
                ],
                max_length=10,
            ),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("pipeline", "0011_part_limit_reason"),
    ]

    operations = [
        migrations.CreateModel(
            name="AiDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("day", models.DateField(unique=True)),
                ("calls", models.PositiveIntegerField(default=0)),
            ],
            options={"verbose_name": "AI day", "ordering": ["-day"]},
        ),
    ]

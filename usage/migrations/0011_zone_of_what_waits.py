"""What waits says of which zone its days are; nothing, where a process of before stored it, is found by looking."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0010_ends_of_runs"),
    ]

    operations = [
        migrations.AddField(
            "waiting",
            "zone",
            models.CharField(max_length=64, db_default="", help_text="By which its events have their days."),
        ),
    ]

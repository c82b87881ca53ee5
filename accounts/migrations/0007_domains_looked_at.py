"""Proved domains are looked at again each day."""

from django.db import migrations, models

from tokentra.lib.tenancy_migrations import marks_for_the_sweep


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_joined"),
    ]

    operations = [
        migrations.AddField(
            model_name="signondomain",
            name="looked_at",
            field=models.DateTimeField(help_text="When its DNS was last asked for the token.", null=True),
        ),
        migrations.AddField(
            model_name="signondomain",
            name="missed",
            field=models.PositiveSmallIntegerField(
                default=0, help_text="How many days in a row its DNS denied the token."
            ),
        ),
        marks_for_the_sweep({"accounts_signondomain": "organization_id, id, proved_at, looked_at"}),
    ]

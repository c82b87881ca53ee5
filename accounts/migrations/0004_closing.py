"""The mark of an organization that is being deleted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="closing_at",
            field=models.DateTimeField(
                blank=True, help_text="It was deleted then; a worker takes its rows out.", null=True
            ),
        ),
    ]

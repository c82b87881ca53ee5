"""A wish says whether somebody chose it. Those that are there are kept as they are."""

from django.db import migrations, models

WORDS = "Not: it only says until when somebody has read."


class Migration(migrations.Migration):
    dependencies = [("budgets", "0004_when_a_budget_was_taken_up_again")]

    operations = [
        migrations.AddField("alertwish", "is_chosen", models.BooleanField(default=True, help_text=WORDS)),
        migrations.AlterField("alertwish", "is_chosen", models.BooleanField(default=False, help_text=WORDS)),
    ]

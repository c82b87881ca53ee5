from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("budgets", "0003_reservations")]

    operations = [
        migrations.AddField(
            model_name="budget",
            name="restored_at",
            field=models.DateTimeField(help_text="When it was last taken up again.", null=True),
        ),
    ]

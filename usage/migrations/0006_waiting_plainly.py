"""Ids that wait are kept as they are: packing what is random takes time and saves nothing, and they go within seconds."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0005_hashed_keys"),
    ]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE usage_waiting ALTER ids SET STORAGE EXTERNAL",
            "ALTER TABLE usage_waiting ALTER ids SET STORAGE EXTENDED",
        ),
    ]

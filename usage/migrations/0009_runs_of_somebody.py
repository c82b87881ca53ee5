"""The indexes of an agent's and a customer's runs leave out those of nobody, which nobody looks for there."""

from django.db import migrations, models

INDEXES = {"runs_of_an_agent": "agent", "runs_of_a_customer": "customer"}


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0008_waiting_by_index_alone"),
    ]

    operations = [
        *(migrations.RemoveIndex("run", name) for name in INDEXES),
        *(
            migrations.AddIndex(
                "run",
                models.Index(fields=["organization", of, "-started_at"], condition=~models.Q((of, "")), name=name),
            )
            for name, of in INDEXES.items()
        ),
    ]

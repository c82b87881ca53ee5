"""Of what waits, the totals may hold some already: a page that reads nothing else waits for them alone."""

from django.db import migrations, models

# Without the column they would be added to totals again.
REFUSE = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM usage_waiting WHERE in_totals) THEN
        RAISE EXCEPTION 'events are in totals alone: run manage.py sweep first';
    END IF;
END $$"""
FORCED = "ALTER TABLE usage_waiting {} FORCE ROW LEVEL SECURITY"  # it binds the owner as well


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0012_runs_by_cost"),
    ]

    operations = [
        migrations.AddField(
            "waiting",
            "in_totals",
            models.BooleanField(
                db_default=False, help_text="The totals hold its events; their other sums still do not."
            ),
        ),
        migrations.RunSQL(migrations.RunSQL.noop, [FORCED.format("NO"), REFUSE, FORCED.format("")]),
    ]

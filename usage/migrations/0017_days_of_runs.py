"""Runs hold the days on which they were there; those of customers stay rows of their own."""

import django.contrib.postgres.fields
from django.db import migrations, models
from django.db.models import ExpressionWrapper, F

DAYS = """
UPDATE usage_run AS run SET days = found.days FROM (
    SELECT organization_id, value, array_agg(day ORDER BY day) AS days FROM usage_appearance WHERE kind = 'run'
    GROUP BY organization_id, value
) AS found WHERE run.organization_id = found.organization_id AND md5(run.run)::uuid = found.value"""
# Those that had days by parents alone are no runs.
COUNTS = """
INSERT INTO usage_appearancecount (organization_id, kind, day, before, count)
SELECT organization_id, 'run', each.day, each.before, count(*)
FROM usage_run, unnest(days, DATE '0001-01-01' || days) AS each (day, before) WHERE each.day IS NOT NULL
GROUP BY organization_id, each.day, each.before"""
BACK = """
INSERT INTO usage_appearance (organization_id, kind, value, day)
SELECT organization_id, 'run', md5(run)::uuid, unnest(days) FROM usage_run"""
OTHER_DAYS = (
    models.Q(days__1__isnull=False)
    | models.Q(days__0__lt=ExpressionWrapper(F("day") - 1, models.DateField()))
    | models.Q(days__0__gt=ExpressionWrapper(F("day") + 1, models.DateField()))
)
TABLES = ("usage_run", "usage_appearance", "usage_appearancecount")


def forced(word: str) -> list[str]:
    """Their policies bind their owner as well while they are not suspended."""
    return [f"ALTER TABLE {table} {word} FORCE ROW LEVEL SECURITY" for table in TABLES]


class Migration(migrations.Migration):
    dependencies = [
        ("usage", "0016_partly_priced"),
    ]

    operations = [
        migrations.AddField(
            "run",
            "days",
            django.contrib.postgres.fields.ArrayField(
                base_field=models.DateField(),
                db_default=[],
                help_text="On which it was there, in the organization's zone and in order.",
            ),
        ),
        migrations.RunSQL(
            [
                *forced("NO"),
                DAYS,
                "DELETE FROM usage_appearancecount WHERE kind = 'run'",
                COUNTS,
                "DELETE FROM usage_appearance WHERE kind = 'run'",
                *forced(""),
            ],
            [*forced("NO"), BACK, *forced("")],
        ),
        migrations.AddIndex(
            "run", models.Index(fields=["organization"], condition=OTHER_DAYS, name="runs_on_other_days")
        ),
    ]

"""How long an organization keeps its audit log; what is too old goes by a function of the tables' owner."""

import django.core.validators
from django.db import migrations, models

FORGET = """
CREATE FUNCTION accounts_forget_audit_lines(before timestamptz) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH gone AS (
        DELETE FROM public.accounts_auditline
        WHERE organization_id = current_setting('app.org_id')::uuid
        AND at < least(before, now() - interval '90 days')
        RETURNING 1
    )
    SELECT count(*) FROM gone
$$
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_second_factors"),
    ]

    operations = [
        migrations.AddField(
            model_name="organization",
            name="audit_days",
            field=models.PositiveSmallIntegerField(
                default=730,
                help_text="For how many days lines of the audit log are kept.",
                validators=[
                    django.core.validators.MinValueValidator(90),
                    django.core.validators.MaxValueValidator(3650),
                ],
            ),
        ),
        migrations.RunSQL(
            [
                FORGET,
                "REVOKE ALL ON FUNCTION accounts_forget_audit_lines FROM PUBLIC",
                "GRANT EXECUTE ON FUNCTION accounts_forget_audit_lines TO tt_worker",
            ],
            ["DROP FUNCTION accounts_forget_audit_lines"],
        ),
    ]

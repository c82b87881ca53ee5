"""Room that budgets leave, and what is reserved in it, with the policies around both."""

from decimal import Decimal

import django.db.models.deletion
from django.db import migrations, models

import tokentra.lib.ids
from tokentra.lib.tenancy_migrations import OwnedForeignKey, marks_for_the_sweep, narrow_rollup, owned_policies


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("budgets", "0002_alerts"),
    ]

    operations = [
        migrations.CreateModel(
            name="Room",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("value", models.CharField(blank=True, max_length=256)),
                ("first_day", models.DateField()),
                ("spent", models.DecimalField(decimal_places=18, default=Decimal("0"), max_digits=38)),
                ("reserved", models.DecimalField(decimal_places=18, default=Decimal("0"), max_digits=38)),
                (
                    "over",
                    models.DecimalField(
                        decimal_places=18,
                        default=Decimal("0"),
                        help_text="What settled calls cost above their estimates.",
                        max_digits=38,
                    ),
                ),
                (
                    "expired",
                    models.PositiveBigIntegerField(default=0, help_text="Reservations that no event came for."),
                ),
                (
                    "read_at",
                    models.DateTimeField(help_text="When `spent` was read, by the clock of the database.", null=True),
                ),
                ("full_since", models.DateTimeField(help_text="Since when the limit is spent.", null=True)),
                ("version", models.PositiveBigIntegerField(default=0)),
                (
                    "budget",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="rooms",
                        to="budgets.budget",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                (
                    "id",
                    models.UUIDField(default=tokentra.lib.ids.uuid7, editable=False, primary_key=True, serialize=False),
                ),
                ("ref", models.UUIDField(help_text="The id of the event that settles it.")),
                ("amount", models.DecimalField(decimal_places=18, max_digits=38)),
                ("at", models.DateTimeField()),
                ("expires_at", models.DateTimeField()),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "room",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to="budgets.room",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_room_owned"),
        ),
        migrations.AddConstraint(
            model_name="room",
            constraint=models.CheckConstraint(
                condition=models.Q(("reserved__gte", 0)), name="reserved_is_nothing_or_more"
            ),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(fields=["expires_at"], name="reservations_to_expire"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(fields=("organization", "id"), name="budgets_reservation_owned"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.UniqueConstraint(fields=("organization", "room", "ref"), name="a_call_reserves_once"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gte", 0)), name="reservation_is_nothing_or_more"
            ),
        ),
        narrow_rollup("budgets_room"),
        marks_for_the_sweep({"budgets_reservation": "id, organization_id, expires_at"}),
        owned_policies("budgets_room", "budgets_reservation"),
        OwnedForeignKey("budgets_room", "budget_id", "budgets_budget"),
        OwnedForeignKey("budgets_reservation", "room_id", "budgets_room"),
    ]

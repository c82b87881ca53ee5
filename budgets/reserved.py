"""What calls that are under way may still cost: a room for each budget's period, and the reservations in it."""

from decimal import Decimal
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.owned import Owned, OwnedQuerySet


class Room(Owned):
    """How full a budget is in one period, one value of it where it is for each value.

    `id` is made of budget, unit, first day and value, so that nobody has to look for it. Every change of it and of its
    reservations is made while its row is locked; `spent` is written only by whoever read it last (`version`).
    """

    budget_id: UUID
    budget = models.ForeignKey(
        "budgets.Budget", on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="rooms"
    )
    value = models.CharField(max_length=256, blank=True)
    first_day = models.DateField()
    spent = models.DecimalField(max_digits=38, decimal_places=18, default=Decimal(0))
    reserved = models.DecimalField(max_digits=38, decimal_places=18, default=Decimal(0))
    over = models.DecimalField(
        max_digits=38, decimal_places=18, default=Decimal(0), help_text="What settled calls cost above their estimates."
    )
    expired = models.PositiveBigIntegerField(default=0, help_text="Reservations that no event came for.")
    read_at = models.DateTimeField(null=True, help_text="When `spent` was read, by the clock of the database.")
    full_since = models.DateTimeField(null=True, help_text="Since when the limit is spent.")
    version = models.PositiveBigIntegerField(default=0)

    objects = OwnedQuerySet["Room"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.CheckConstraint(condition=Q(reserved__gte=0), name="reserved_is_nothing_or_more"),
        ]

    def __str__(self) -> str:
        return f"{self.spent} and {self.reserved} reserved"


class ReservationQuerySet(OwnedQuerySet["Reservation"]):
    def due(self) -> Self:
        """Those whose time is over, by the clock of the database."""
        return self.filter(expires_at__lte=Now())


class Reservation(Owned):
    """What one call may cost, counted against a room for as long as this row is there.

    It goes once the event of its id is stored, or once its time is over.
    """

    room_id: UUID
    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="reservations"
    )
    ref = models.UUIDField(help_text="The id of the event that settles it.")
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    at = models.DateTimeField()
    expires_at = models.DateTimeField()

    objects = ReservationQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "room", "ref"], name="a_call_reserves_once"),
            models.CheckConstraint(condition=Q(amount__gte=0), name="reservation_is_nothing_or_more"),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="reservations_to_expire"),
        ]

    def __str__(self) -> str:
        return f"{self.amount} until {self.expires_at}"

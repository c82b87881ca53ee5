"""What customers' own code measured: each model call as an event, and the sums that its pages read."""

from collections.abc import Iterable
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Self, TypeVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Cast, Now, TruncDate

from accounts.models import Organization
from accounts.owned import Owned, OwnedQuerySet
from usage.appearances import OTHER_DAYS
from usage.call_kinds import OfKind
from usage.facts import OwnedFact
from usage.latency import BUCKETS
from usage.measuring.hashes import hash_of, series_of
from usage.minutes import Minute
from usage.packing import Packing
from usage.rows import TOKEN_CLASSES
from usage.unpriced import why

Sums_co = TypeVar("Sums_co", bound=models.Model, covariant=True)

OUTGOING = ("output", "audio_out", "image_out")
SPREAD = Packing(BUCKETS, places=12)
RARE = tuple(name for name in (*TOKEN_CLASSES, "reasoning") if name not in ("input", "cache_read", "output"))
RARE_TOKENS = Packing(len(RARE), places=20)
TAG, OTHER = "tag:", "(other)"  # before a tag's name it makes a dimension; the value of those that are not told apart


class EventManager(models.Manager["Event"]):
    """Reads each event together with its kind."""

    def get_queryset(self) -> OwnedQuerySet["Event"]:
        return OwnedQuerySet["Event"](self.model, using=self._db).select_related("kind")

    def owned_by(self, organization: Organization) -> OwnedQuerySet["Event"]:
        return self.get_queryset().owned_by(organization)


class Event(OfKind):
    """One model call. What was not said, or was zero, is null.

    `id` is the sender's own when it is a UUID, else the hash of `ref`, which is the sender's then. `amount`
    is in units of `currency`: as reported, or by the price book; null where there is no price.
    """

    pk = models.CompositePrimaryKey("organization_id", "day", "id")
    id = models.UUIDField()
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    input = models.BigIntegerField(null=True)
    cache_read = models.BigIntegerField(null=True)
    cache_write_5m = models.BigIntegerField(null=True)
    cache_write_30m = models.BigIntegerField(null=True)
    cache_write_1h = models.BigIntegerField(null=True)
    cache_write_12h = models.BigIntegerField(null=True)
    output = models.BigIntegerField(null=True)
    reasoning = models.BigIntegerField(null=True, help_text="A part of output.")
    audio_in = models.BigIntegerField(null=True)
    audio_out = models.BigIntegerField(null=True)
    image_in = models.BigIntegerField(null=True)
    image_out = models.BigIntegerField(null=True)
    latency_ms = models.BigIntegerField(null=True)
    first_token_ms = models.BigIntegerField(null=True)
    day = models.DateField(help_text="The UTC day of `occurred_at`.")
    zone_day = models.DateField(help_text="The same in the organization's zone, as it was when this arrived.")
    is_streamed = models.BooleanField(null=True)
    is_parent = models.BooleanField(null=True, help_text="Its children carry the same usage: it is not counted.")
    above = models.UUIDField(null=True, help_text="The event above it, or the span that will lead to one.")
    amount = models.DecimalField(max_digits=24, decimal_places=12, null=True)
    currency = models.TextField(null=True, help_text="null: USD")  # a null takes no room
    ref = models.TextField(null=True)
    error_code = models.TextField(null=True)
    usage_source = models.TextField(null=True)
    request_id = models.TextField(null=True)
    service_tier = models.TextField(null=True)
    customer = models.TextField(null=True)
    user_ref = models.TextField(null=True)
    feature = models.TextField(null=True)
    team = models.TextField(null=True)
    agent = models.TextField(null=True)
    prompt = models.TextField(null=True)
    project = models.TextField(null=True)
    cost_center = models.TextField(null=True)
    run = models.TextField(null=True)
    parent = models.TextField(null=True)
    tool = models.TextField(null=True)
    purpose = models.TextField(null=True)
    units = models.JSONField(null=True)
    tags = models.JSONField(null=True)

    objects = EventManager()

    class Meta:
        indexes = [
            models.Index("organization", Minute("occurred_at"), name="events_in_time"),
            models.Index(
                fields=["organization", "above"],
                include=["day", "id"],  # so that it alone answers, and no plan reads a day's events instead
                condition=models.Q(above__isnull=False),
                name="events_below_a_span",
            ),
        ]

    @property
    def tokens_in(self) -> int:
        """All that went in, cached or not."""
        return sum(getattr(self, name) or 0 for name in TOKEN_CLASSES if name not in OUTGOING)

    @property
    def tokens_out(self) -> int:
        return sum(getattr(self, name) or 0 for name in OUTGOING)

    @property
    def paid_in(self) -> str:
        return self.currency or "USD"

    @property
    def why_unpriced(self) -> str:
        """Said of a call without an amount."""
        return f"No price: {why(self.rate_ref)}"

    def __str__(self) -> str:
        return f"{self.provider} {self.model} at {self.occurred_at:%Y-%m-%d %H:%M}"


class Waiting(OwnedFact):
    """Events of one request that are stored and not yet, or not yet wholly, added up (usage.measuring.catching_up)."""

    pk = models.CompositePrimaryKey("organization_id", "id")
    id = models.UUIDField(help_text="In the order of their coming.")
    days = ArrayField(models.DateField())
    ids = ArrayField(models.UUIDField(), help_text="One for each of the days; both name an event.")
    events = models.BigIntegerField(help_text="How many.")
    zone = models.CharField(max_length=64, db_default="", help_text="By which its events have their days.")
    in_totals = models.BooleanField(
        db_default=False, help_text="The totals hold its events; their other sums still do not."
    )

    objects = OwnedQuerySet["Waiting"].as_manager()

    def __str__(self) -> str:
        return f"{self.events} events"


class SumsQuerySet(OwnedQuerySet[Sums_co]):
    """Sets of sums; each way to choose a dimension or values goes by the key."""

    def of(self, dimension: str, by: str = "") -> Self:
        return self.filter(series=series_of(dimension, by))

    def of_values(self, values: Iterable[str]) -> Self:
        """Whatever they are crossed with."""
        wanted = [*values]
        return self.filter(value_hash__in=[hash_of(value) for value in wanted], value__in=wanted)


class MeasuredSums(OwnedFact):
    """Events added up; what has many parts is packed into one number (usage.packing).

    What is zero for most groups is null where it is zero. A row is found by hashes of its texts (measuring.hashes).
    """

    series = models.BigIntegerField(help_text="The hash of its dimension, and of what that is crossed with.")
    dimension = models.TextField()
    value = models.TextField()
    value_hash = models.BigIntegerField()
    currency = models.TextField()
    calls = models.BigIntegerField()
    errors = models.BigIntegerField(null=True)
    streamed = models.BigIntegerField(null=True)
    amount = models.DecimalField(max_digits=38, decimal_places=12)
    unpriced_calls = models.BigIntegerField(null=True)
    unpriced_tokens = models.BigIntegerField(null=True)
    partly_priced = models.BigIntegerField(null=True, help_text="Calls with a price that leaves units of theirs out.")
    tokens_in = models.BigIntegerField(help_text="All that went in, cached or not.")
    tokens_cached = models.BigIntegerField(null=True, help_text="The part of it that was read from a cache.")
    tokens_out = models.BigIntegerField()
    rare_tokens = models.DecimalField(
        max_digits=RARE_TOKENS.digits, decimal_places=0, null=True, help_text="Those of the classes in RARE, packed."
    )
    units = models.JSONField()
    untold = models.BigIntegerField(null=True, help_text="The calls that did not tell their latency.")
    latency_ms = models.BigIntegerField(help_text="That of the others, added up.")
    spread = models.DecimalField(
        max_digits=SPREAD.digits, decimal_places=0, null=True, help_text="The same in buckets of usage.latency, packed."
    )
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class MeasuredDay(MeasuredSums):
    """By day in the organization's zone, for one dimension and, where `by` names one, crossed with another.

    Those that are crossed have neither the spread of latencies nor the first and the last moment.
    """

    pk = models.CompositePrimaryKey("organization_id", "series", "day", "value_hash", "by_hash")
    by = models.TextField(blank=True)
    by_value = models.TextField(blank=True)
    by_hash = models.BigIntegerField(help_text="The hash of by_value, and of a currency that is not USD.")
    day = models.DateField()

    objects = SumsQuerySet["MeasuredDay"].as_manager()

    def __str__(self) -> str:
        return f"{self.dimension} {self.value} on {self.day}"


class MeasuredHour(MeasuredSums):
    """By UTC hour (or quarter of one, where the zone's offset has no whole hours) for one dimension."""

    pk = models.CompositePrimaryKey("organization_id", "series", "hour", "value_hash", "currency")
    hour = models.DateTimeField()

    objects = SumsQuerySet["MeasuredHour"].as_manager()

    def __str__(self) -> str:
        return f"{self.dimension} {self.value} at {self.hour:%Y-%m-%d %H:%M}"


class Run(OwnedFact):
    """All events with one run id, added up."""

    pk = models.CompositePrimaryKey("organization_id", "id")
    id = models.UUIDField(help_text="The hash of `run`.")
    run = models.TextField(help_text="As the sender names it.")
    agent = models.TextField(blank=True)
    customer = models.TextField(blank=True)
    feature = models.TextField(blank=True)
    started_at = models.DateTimeField()
    last_at = models.DateTimeField(help_text="When the last call began.")
    ended_at = models.DateTimeField(null=True, help_text="When all calls had ended that told how long they took.")
    calls = models.BigIntegerField()
    errors = models.BigIntegerField()
    amount = models.DecimalField(max_digits=38, decimal_places=12, help_text="In USD.")
    unpriced_calls = models.BigIntegerField()
    partly_priced = models.BigIntegerField(null=True, help_text="Calls with a price that leaves units of theirs out.")
    other_calls = models.BigIntegerField(null=True, help_text="Those that were paid in another currency.")
    tokens_in = models.BigIntegerField()
    tokens_out = models.BigIntegerField()
    days = ArrayField(
        models.DateField(), db_default=[], help_text="On which it was there, in the organization's zone and in order."
    )
    # An index answers a condition on a column of these types only: behind the policies, not on a numeric or a function.
    day = models.GeneratedField(
        expression=TruncDate("started_at", tzinfo=UTC), output_field=models.DateField(), db_persist=True
    )
    cost_order = models.GeneratedField(
        expression=Cast("amount", models.FloatField()), output_field=models.FloatField(), db_persist=True
    )

    objects = OwnedQuerySet["Run"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "day", "cost_order", "id"], name="runs_by_cost"),
            models.Index(fields=["organization", "-started_at"], name="runs_in_time"),
            models.Index(fields=["organization"], condition=OTHER_DAYS, name="runs_on_other_days"),
            *(
                models.Index(fields=["organization", of, "-started_at"], condition=~models.Q((of, "")), name=name)
                for of, name in (("agent", "runs_of_an_agent"), ("customer", "runs_of_a_customer"))
            ),
        ]

    @property
    def took_ms(self) -> int | None:
        """From the beginning of its first call to the end of its last, as far as calls told how long they took.

        None where nothing is known.
        """
        ended_at = self.ended_at or self.last_at
        return (ended_at - self.started_at) // timedelta(milliseconds=1) or None

    @property
    def known(self) -> Decimal | None:
        """The cost in dollars; None where there is none, since calls have no price or were paid in another currency."""
        return (
            self.amount if self.amount or not (self.unpriced_calls or self.partly_priced or self.other_calls) else None
        )

    @property
    def tokens(self) -> int:
        return self.tokens_in + self.tokens_out

    def __str__(self) -> str:
        return self.run


class SummedTagQuerySet(OwnedQuerySet["SummedTag"]):
    def due(self) -> Self:
        """By the clock of the database."""
        return self.filter(due_at__lte=Now())


class SummedTag(Owned):
    """A tag of events that the organization has chosen to add up by, as it does by customer or feature.

    What was kept before is added up in steps, the newest days first; what is left of it is a mark.
    """

    name = models.CharField(max_length=64)
    next_day = models.DateField(null=True, help_text="The newest day that is still to be added up; null: not begun.")
    due_at = models.DateTimeField(null=True, help_text="When the next step is due; null: nothing is left.")

    objects = SummedTagQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "name"], name="a_tag_is_summed_once"),
        ]

    @property
    def dimension(self) -> str:
        return f"{TAG}{self.name}"

    def __str__(self) -> str:
        return self.name


class TagValue(OwnedFact):
    """A value of a summed tag that is told apart on a UTC day; those beyond the first thousand are added up as one."""

    pk = models.CompositePrimaryKey("organization_id", "name", "day", "value")
    name = models.TextField()
    day = models.DateField()
    value = models.TextField()

    objects = OwnedQuerySet["TagValue"].as_manager()

    def __str__(self) -> str:
        return f"{self.name}={self.value} on {self.day}"

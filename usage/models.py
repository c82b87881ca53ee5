"""What was used and what it cost: rows as providers gave them, what counts of a day, rollups."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.owned import Owned, OwnedQuerySet
from tokentra.lib.ids import uuid7
from usage import allocation_rules, appearances, discarded, measured, zone_changes  # noqa: F401  # Django looks for models here
from usage.counting import Counted, State
from usage.facts import OwnedFact
from usage.routing import rule  # noqa: F401  # as above
from usage.rows import TOKEN_CLASSES, Basis, Ledger


def _choices(values: type[Ledger] | type[Basis] | type[Counted] | type[State]) -> list[tuple[str, str]]:
    return [(value.value, value.value) for value in values]


class Measures(models.Model):
    """Counts of disjoint token classes, requests and other units."""

    input = models.BigIntegerField(default=0)
    cache_read = models.BigIntegerField(default=0)
    cache_write_5m = models.BigIntegerField(default=0)
    cache_write_30m = models.BigIntegerField(default=0)
    cache_write_1h = models.BigIntegerField(default=0)
    cache_write_12h = models.BigIntegerField(default=0)
    output = models.BigIntegerField(default=0)
    audio_in = models.BigIntegerField(default=0)
    audio_out = models.BigIntegerField(default=0)
    image_in = models.BigIntegerField(default=0)
    image_out = models.BigIntegerField(default=0)
    reasoning = models.BigIntegerField(default=0, help_text="A part of output.")
    units = models.JSONField(default=dict, help_text='What is not tokens: {"web_search": "3"}.')

    class Meta:
        abstract = True


COUNTS = (*TOKEN_CLASSES, "reasoning")


class UsageRecord(OwnedFact, Measures):
    """One bucket of usage or one line of a bill, in the finest grain that its provider gives.

    `id` is the hash of every dimension, so the same bucket read again is the same row. `amount` is in
    units of `currency`: as sent for a bill, by the price book for usage, null where there is no price.
    """

    pk = models.CompositePrimaryKey("organization_id", "day", "id")
    id = models.UUIDField()
    day = models.DateField(help_text="The UTC day of `start`.")
    connection_id = models.UUIDField()
    ledger = models.TextField(choices=_choices(Ledger))
    endpoint = models.TextField()
    start = models.DateTimeField()
    seconds = models.IntegerField()
    provider = models.TextField()
    model = models.TextField(blank=True)
    project = models.TextField(blank=True)
    api_key = models.TextField(blank=True)
    user_ref = models.TextField(blank=True)
    service_tier = models.TextField(blank=True)
    batch = models.BooleanField(default=False)
    context_window = models.TextField(blank=True)
    line_item = models.TextField(blank=True)
    kind = models.TextField()
    extra = models.JSONField(default=dict)
    requests = models.BigIntegerField(null=True)
    amount = models.DecimalField(max_digits=38, decimal_places=18, null=True)
    currency = models.TextField(default="USD")
    basis = models.TextField(choices=_choices(Basis))
    rate_ref = models.TextField(blank=True, help_text="The rate behind the amount, or why there is none.")
    first_seen_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When these values were first observed.")

    objects = OwnedQuerySet["UsageRecord"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "connection_id", "day", "ledger"], name="usage_by_connection"),
        ]

    def __str__(self) -> str:
        return f"{self.ledger} of {self.model or self.line_item} at {self.start:%Y-%m-%d %H:%M}"


class LedgerDay(OwnedFact):
    """What is known of one account's UTC day, and which of its ledgers counts."""

    pk = models.CompositePrimaryKey("organization_id", "connection_id", "day")
    connection_id = models.UUIDField()
    day = models.DateField()
    provider = models.TextField()
    usage_read_at = models.DateTimeField(null=True)
    bill_read_at = models.DateTimeField(null=True, help_text="The last complete reading of the bill.")
    reads = models.JSONField(default=dict, help_text="Endpoint to the instant of its last complete reading.")
    counted = models.TextField(choices=_choices(Counted), default=Counted.USAGE)
    state = models.TextField(choices=_choices(State), default=State.OPEN)

    objects = OwnedQuerySet["LedgerDay"].as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "day"], name="ledger_days_in_order")]

    def __str__(self) -> str:
        return f"{self.day}: {self.counted}, {self.state}"


class EndedAccount(OwnedFact):
    """An account that nobody reads any more. What is known of it stays and has an end, which is no delay."""

    pk = models.CompositePrimaryKey("organization_id", "connection_id")
    connection_id = models.UUIDField()
    ended_at = models.DateTimeField()

    objects = OwnedQuerySet["EndedAccount"].as_manager()

    def __str__(self) -> str:
        return f"ended {self.ended_at:%Y-%m-%d %H:%M}"


class Revision(Owned):
    """A provider changed what it had said of a day that was over."""

    connection_id = models.UUIDField()
    provider = models.TextField()
    ledger = models.TextField(choices=_choices(Ledger))
    endpoint = models.TextField()
    day = models.DateField()
    old_amount = models.DecimalField(max_digits=38, decimal_places=18)
    new_amount = models.DecimalField(max_digits=38, decimal_places=18)
    old_tokens = models.BigIntegerField()
    new_tokens = models.BigIntegerField()
    at = models.DateTimeField()
    age_hours = models.IntegerField(help_text="Hours since the end of the day.")

    objects = OwnedQuerySet["Revision"].as_manager()

    class Meta(Owned.Meta):
        indexes = [models.Index(fields=["organization", "connection_id", "day"], name="revisions_of_a_day")]

    def __str__(self) -> str:
        return f"{self.endpoint} of {self.day}: {self.old_amount} to {self.new_amount}"


class Label(Owned):
    """The name that a provider gives to one of its ids."""

    connection_id = models.UUIDField()
    dimension = models.TextField(help_text="project, api_key or user.")
    value = models.TextField()
    name = models.TextField(blank=True)
    detail = models.TextField(blank=True)

    objects = OwnedQuerySet["Label"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "connection_id", "dimension", "value"], name="one_label_for_each_id"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.value


class PriceOverride(Owned):
    """An organization's own price: its own rates, or a discount on the price book."""

    class Processing(models.TextChoices):
        STANDARD = "standard"
        BATCH = "batch"
        FLEX = "flex"
        PRIORITY = "priority"
        ANY = "any"

    provider = models.CharField(max_length=40)
    model = models.CharField(max_length=256, blank=True, help_text="As the provider names it; empty means every model.")
    processing = models.CharField(max_length=10, choices=Processing, default=Processing.STANDARD)
    rates = models.JSONField(null=True, blank=True, help_text='USD per million tokens by class: {"input": "1.25"}.')
    discount_percent = models.DecimalField(max_digits=6, decimal_places=3, null=True, blank=True)
    since = models.DateField()
    until = models.DateField(null=True, blank=True, help_text="The first day on which it no longer holds.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet["PriceOverride"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.CheckConstraint(
                condition=Q(rates__isnull=True, discount_percent__isnull=False)
                | Q(rates__isnull=False, discount_percent__isnull=True),
                name="override_is_rates_or_a_discount",
            ),
            models.CheckConstraint(
                condition=Q(discount_percent__isnull=True) | Q(discount_percent__range=(0, 100)),
                name="discount_is_a_percentage",
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gt=models.F("since")),
                name="override_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.model or 'every model'} from {self.since}"


class Rollup(OwnedFact, Measures):
    """Rows added up. `amount` is a part of totals where `counted`; counts are where `tokens_counted`."""

    id = models.UUIDField(default=uuid7, help_text="The hash of the dimensions.")
    connection_id = models.UUIDField()
    provider = models.TextField()
    ledger = models.TextField()
    currency = models.TextField()
    basis = models.TextField()
    counted = models.BooleanField()
    tokens_counted = models.BooleanField()
    amount = models.DecimalField(max_digits=38, decimal_places=18)
    requests = models.BigIntegerField()
    requests_known = models.BooleanField()
    unpriced_tokens = models.BigIntegerField()

    class Meta:
        abstract = True


class HourRollup(Rollup):
    """By start of bucket and one dimension: model, project, api_key, user or service_tier."""

    pk = models.CompositePrimaryKey("organization_id", "dimension", "hour", "id")
    hour = models.DateTimeField(help_text="The start of the bucket; a daily bucket has its midnight.")
    seconds = models.IntegerField()
    dimension = models.TextField()
    value = models.TextField(blank=True)

    objects = OwnedQuerySet["HourRollup"].as_manager()

    def __str__(self) -> str:
        return f"{self.dimension} {self.value} at {self.hour:%Y-%m-%d %H:%M}"


class DayDimension(Rollup):
    """By UTC day and one dimension: model, project, api_key, user or service_tier."""

    pk = models.CompositePrimaryKey("organization_id", "dimension", "day", "id")
    day = models.DateField()
    dimension = models.TextField()
    value = models.TextField(blank=True)

    objects = OwnedQuerySet["DayDimension"].as_manager()

    def __str__(self) -> str:
        return f"{self.dimension} {self.value} on {self.day}"


class DayRollup(Rollup):
    """By UTC day and every dimension at once, for questions that cross two of them."""

    pk = models.CompositePrimaryKey("organization_id", "day", "id")
    day = models.DateField()
    model = models.TextField(blank=True)
    project = models.TextField(blank=True)
    api_key = models.TextField(blank=True)
    user_ref = models.TextField(blank=True)
    service_tier = models.TextField(blank=True)
    batch = models.BooleanField()
    line_item = models.TextField(blank=True)

    objects = OwnedQuerySet["DayRollup"].as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "project", "day"], name="days_of_a_project"),
            models.Index(fields=["organization", "api_key", "day"], name="days_of_a_key"),
        ]

    def __str__(self) -> str:
        return f"{self.model or self.line_item} on {self.day}"


class SampleFillQuerySet(OwnedQuerySet["SampleFill"]):
    def due(self) -> Self:
        """By the clock of the database."""
        return self.filter(due_at__lte=Now())

    def with_silence(self, after: timedelta) -> Self:
        return self.annotate(is_silent=Q(moved_at__lt=Now() - after))


class SampleFill(Owned):
    """How far a sample workspace is written: from the newest day backwards, in steps. One for each workspace."""

    last_day = models.DateField(help_text="The day on which the ninety days of its story ended.")
    told_at = models.DateTimeField(help_text="The moment up to which it is written.")
    first_day = models.DateField(help_text="The day back to which it is written.")
    next_end = models.DateField(help_text="The days before this one are still to be written.")
    due_at = models.DateTimeField(null=True, help_text="When the next step is due; null: nothing is left, or given up.")
    moved_at = models.DateTimeField(help_text="When days were last written, or asked for.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Steps that failed since one worked.")
    is_silent: bool  # not a column: added by with_silence()

    objects = SampleFillQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization"], name="one_fill_for_each_sample"),
            models.CheckConstraint(
                condition=Q(due_at=None) | Q(next_end__gt=models.F("first_day")), name="a_whole_sample_is_never_due"
            ),
        ]

    def __str__(self) -> str:
        return f"sample of {self.last_day}"

    @property
    def is_whole(self) -> bool:
        return self.next_end <= self.first_day

"""What is watched for, what was found and said of it, and what each person wants to hear."""

from datetime import datetime, time
from typing import Self
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.owned import Owned, OwnedQuerySet
from budgets.kept import BudgetCrossing

LONGEST_KEY = 400
SUM = {"max_digits": 38, "decimal_places": 18}


class Severity(models.TextChoices):
    INFO = "info", "For information"
    WARNING = "warning", "Warning"
    CRITICAL = "critical", "Critical"


SEVERITIES = [severity.value for severity in Severity]


class State(models.TextChoices):
    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    SNOOZED = "snoozed", "Snoozed"
    RESOLVED = "resolved", "Resolved"


class What(models.TextChoices):
    """What there is to say of an alert."""

    FIRED = "fired", "Fired"
    AGAIN = "again", "Still so after it was snoozed"
    REVISED = "revised", "Revised"
    RECOVERED = "recovered", "Over"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    SNOOZED = "snoozed", "Snoozed"
    REOPENED = "reopened", "Opened again"
    RESOLVED = "resolved", "Resolved"


class AlertRuleQuerySet(OwnedQuerySet["AlertRule"]):
    def on(self) -> Self:
        return self.filter(switched_off_at=None)


class AlertRule(Owned):
    """Something that an organization watches for. What a kind of rule reads of the columns, `kinds` says."""

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=80)
    dimension = models.CharField(max_length=80, blank=True, help_text="By whose values it looks; empty: all together.")
    value = models.CharField(max_length=256, blank=True, help_text="The only value that it looks at.")
    metric = models.CharField(max_length=20, blank=True)
    comparator = models.CharField(max_length=5, blank=True)
    bound = models.DecimalField(max_digits=24, decimal_places=6, null=True)
    window = models.PositiveSmallIntegerField(default=1, help_text="Days, or hours where there is no data.")
    minimum = models.DecimalField(
        max_digits=24, decimal_places=6, default=10, help_text="Dollars below which it is quiet."
    )
    sensitivity = models.CharField(max_length=10, default="normal")
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.WARNING)
    is_given = models.BooleanField(default=False, help_text="It was there from the beginning.")
    switched_off_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    objects = AlertRuleQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "kind"], condition=Q(is_given=True), name="a_rule_is_given_once"
            ),
            models.CheckConstraint(condition=Q(severity__in=SEVERITIES), name="rule_severity_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_on(self) -> bool:
        return self.switched_off_at is None


class AlertQuerySet(OwnedQuerySet["Alert"]):
    def standing(self) -> Self:
        """Not over, whoever has seen it."""
        return self.exclude(state=State.RESOLVED)

    def open(self) -> Self:
        return self.filter(state=State.OPEN)

    def unread_since(self, moment: datetime | None) -> Self:
        return self.open().filter(fired_at__gt=moment) if moment else self.open()


class Alert(Owned):
    """Something that was found. There is one for each `key` and `period`, whoever looks and however often (B59)."""

    kind = models.CharField(max_length=20)
    rule_id: UUID | None
    rule = models.ForeignKey(
        AlertRule, on_delete=models.SET_NULL, null=True, db_constraint=False, db_index=False, related_name="+"
    )
    crossing_id: UUID | None
    crossing = models.ForeignKey(
        BudgetCrossing, on_delete=models.CASCADE, null=True, db_constraint=False, db_index=False, related_name="alerts"
    )
    key = models.CharField(max_length=LONGEST_KEY, help_text="What it is about.")
    period = models.CharField(max_length=40, help_text="When: a budget's period, a day, or since when it has been so.")
    severity = models.CharField(max_length=10, choices=Severity)
    title = models.CharField(max_length=200)
    text = models.TextField(help_text="Sentences with the numbers, as they were found.")
    numbers = models.JSONField(default=list, help_text='[["Spent", "$82.10"], …]')
    path = models.CharField(max_length=300, blank=True, help_text="Where to look.")
    state = models.CharField(max_length=12, choices=State, default=State.OPEN)
    fired_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text="When it was last found to be so.")
    calm_since = models.DateTimeField(null=True, help_text="When it was first found to be so no longer.")
    snoozed_until = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    is_revised = models.BooleanField(default=False, help_text="A revised bill made it so, or ended it.")

    objects = AlertQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "key", "period"], name="alert_fires_once"),
            models.CheckConstraint(condition=Q(state__in=State.values), name="alert_state_is_known"),
            models.CheckConstraint(condition=Q(severity__in=SEVERITIES), name="alert_severity_is_known"),
            models.CheckConstraint(
                condition=~Q(state=State.SNOOZED) | Q(snoozed_until__isnull=False), name="a_snooze_has_an_end"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-fired_at"], name="alerts_newest_first"),
            models.Index(fields=["organization", "state"], condition=~Q(state="resolved"), name="alerts_that_stand"),
            models.Index(
                fields=["organization", "crossing"], condition=Q(crossing__isnull=False), name="alerts_of_a_crossing"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_standing(self) -> bool:
        return self.state != State.RESOLVED


class AlertNews(Owned):
    """One thing that was said of an alert, in order. Deliveries are made of these; a line never changes."""

    alert_id: UUID
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="news")
    what = models.CharField(max_length=12, choices=What)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    text = models.CharField(max_length=500, blank=True)

    objects = OwnedQuerySet["AlertNews"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "alert"], condition=Q(what="fired"), name="an_alert_is_told_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "alert", "at"], name="news_of_an_alert")]
        verbose_name_plural = "alert news"

    def __str__(self) -> str:
        return f"{self.what} at {self.at:%Y-%m-%d %H:%M}"


class Mailing(models.TextChoices):
    AT_ONCE = "at_once", "At once"
    DIGEST = "digest", "Once a day, in one letter"
    NONE = "none", "Not by mail"


class AlertWish(Owned):
    """How one person wants to hear of alerts, and until when they have read them."""

    user_id: UUID
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    mailing = models.CharField(max_length=10, choices=Mailing, default=Mailing.NONE)
    least = models.CharField("least severity", max_length=10, choices=Severity, default=Severity.INFO)
    quiet_from = models.TimeField(null=True, help_text="In the organization's time zone.")
    quiet_until = models.TimeField(null=True)
    digest_at = models.TimeField(default=time(8), help_text="In the organization's time zone.")
    is_chosen = models.BooleanField(default=False, help_text="Not: it only says until when somebody has read.")
    read_until = models.DateTimeField(null=True)

    objects = OwnedQuerySet["AlertWish"].as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "user"], name="one_wish_for_each_person"),
            models.CheckConstraint(condition=Q(mailing__in=Mailing.values), name="mailing_is_known"),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_until=None) | Q(quiet_from__isnull=False, quiet_until__isnull=False),
                name="quiet_hours_have_both_ends",
            ),
        ]

    def __str__(self) -> str:
        return self.mailing


class AlertWatchQuerySet(OwnedQuerySet["AlertWatch"]):
    def due(self) -> Self:
        """By the clock of the database."""
        return self.filter(due_at__lte=Now())


class AlertWatch(Owned):
    """When it is next looked whether an organization has something to be told of: one row for each."""

    due_at = models.DateTimeField()
    looked_at = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Looks that failed since one worked.")

    objects = AlertWatchQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization"], name="one_watch_for_each_organization"),
        ]
        indexes = [models.Index(fields=["due_at"], name="watches_due")]

    def __str__(self) -> str:
        return f"due {self.due_at}"

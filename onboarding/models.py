"""What people told us about their company and themselves, and how far each of them has come."""

from typing import Any, Self
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from accounts.mailed import OutboxMail
from accounts.models import User
from accounts.owned import Owned, OwnedQuerySet
from onboarding.segments import Path, Segment, Tier
from onboarding.steps import Came
from tokentra.lib.ids import uuid7


def words(**options: Any) -> "ArrayField[list[str], list[str]]":
    return ArrayField(models.CharField(max_length=40), default=list, blank=True, **options)


class CompanyAnswers(Owned):
    """One organization's answers to the questions about it; its name and website stand on itself."""

    company_size = models.CharField(max_length=20, blank=True)
    monthly_ai_spend = models.CharField(max_length=20, blank=True)
    ai_providers = words()
    use_cases = words()
    other = models.JSONField(default=dict, blank=True, help_text="What was typed behind “Other”, by question.")
    updated_at = models.DateTimeField(auto_now=True)

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        verbose_name_plural = "company answers"
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization"], name="company_answers_once"),
        ]

    def __str__(self) -> str:
        return f"answers of {self.organization_id}"


class Journey(Owned):
    """One person's way into one organization: their own answers, where those lead, and where they stand."""

    user_id: UUID
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    came = models.CharField(max_length=10, choices=[(came.value, came.value) for came in Came])

    user_role = models.CharField(max_length=30, blank=True)
    goals = words()
    acquisition_channel = models.CharField(max_length=40, blank=True)
    other = models.JSONField(default=dict, blank=True, help_text="What was typed behind “Other”, by question.")

    step = models.CharField(max_length=20, help_text="Where they go on when they come back.")
    done_steps = words()
    skipped_steps = words()

    segment = models.CharField(max_length=30, blank=True, choices=[(s.value, s.value) for s in Segment])
    path = models.CharField(max_length=20, choices=[(path.value, path.value) for path in Path])
    spend_tier = models.CharField(max_length=20, blank=True, choices=[(tier.value, tier.value) for tier in Tier])
    rule_version = models.PositiveSmallIntegerField()
    rule_inputs = models.JSONField(default=dict)

    started_at = models.DateTimeField()
    active_at = models.DateTimeField(help_text="When they last did something on the way.")
    questionnaire_completed_at = models.DateTimeField(null=True, blank=True)
    abandoned_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True, help_text="When they chose to skip all that is left.")

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "user"], name="one_journey_per_person"),
            models.CheckConstraint(condition=Q(path__in=[path.value for path in Path]), name="journey_path_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} at {self.step}"

    @property
    def is_over(self) -> bool:
        """Nothing of it is asked again by itself."""
        return bool(self.finished_at or self.dismissed_at)

    @property
    def status(self) -> str:
        """In the API's words; somebody without a journey is `not_started`."""
        return "completed" if self.finished_at else "dismissed" if self.dismissed_at else "in_progress"


class Seen(Owned):
    """How one person dealt with one piece of guidance: a tour, a tooltip, a celebration, a card; or how often they saw
    a page.

    The journal has every time; this row is the latest.
    """

    class Kind(models.TextChoices):
        TOUR = "tour"
        TOOLTIP = "tooltip"
        CELEBRATION = "celebration"
        CARD = "card"
        EARLY = "early"  # a feature that they opened before it was useful
        PAGE = "page"

    class State(models.TextChoices):
        ASKED = "asked"  # they want it again
        STARTED = "started"
        COMPLETED = "completed"
        SKIPPED = "skipped"
        DISMISSED = "dismissed"

    user_id: UUID
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=Kind)
    key = models.CharField(max_length=40)
    state = models.CharField(max_length=20, choices=State)
    at = models.DateTimeField()
    steps_viewed = models.PositiveSmallIntegerField(default=0)
    steps_total = models.PositiveSmallIntegerField(default=0)
    times = models.PositiveSmallIntegerField(default=0, help_text="How often a page was seen, as far as that matters.")

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        verbose_name_plural = "seen"
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "user", "kind", "key"], name="guidance_is_seen_once"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} {self.state}"


class Unlock(Owned):
    """A feature has become useful to an organization."""

    feature = models.CharField(max_length=40)
    trigger = models.CharField(max_length=60, help_text="Which condition held first.")
    at = models.DateTimeField()

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "feature"], name="feature_unlocks_once"),
        ]

    def __str__(self) -> str:
        return self.feature


class Nudge(Owned):
    """A letter that is written to a person once, because something has not happened yet.

    One whose mail was withdrawn before it was sent does not count: it may be written again.
    """

    user_id: UUID
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    at = models.DateTimeField()
    # the outbox forgets its mail after a month, when no letter is due again
    mail = models.ForeignKey(
        OutboxMail, on_delete=models.DO_NOTHING, null=True, db_constraint=False, db_index=False, related_name="+"
    )

    objects = OwnedQuerySet.as_manager()

    class Meta(Owned.Meta):
        constraints = [
            *Owned.Meta.constraints,
            models.UniqueConstraint(fields=["organization", "user", "kind"], name="nudged_once"),
        ]

    def __str__(self) -> str:
        return self.kind


class Funnel(Journey):
    """Journeys as staff count them; a page of the admin, no table."""

    class Meta:
        proxy = True
        verbose_name_plural = "funnel"


class SalesLead(Journey):
    """The first journey of an organization that led to the contact page; a page of the admin, no table."""

    spend: str | None  # not columns: added by sales.leads()
    size: str | None
    is_connected: bool

    class Meta:
        proxy = True
        verbose_name_plural = "sales list"


class ForwardQuerySet(models.QuerySet["Forward"]):
    def open(self) -> Self:
        return self.filter(delivered_at=None)


class Forward(models.Model):
    """A batch of journal lines on its way to the operator's analytics tool; its id is the `webhook-id` of every try."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    target = models.CharField(max_length=64, help_text="Which address it is for, as a digest.")
    line_count = models.PositiveSmallIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    next_try_at = models.DateTimeField(null=True)
    tries = models.PositiveIntegerField(default=0)
    problem = models.CharField(max_length=300, blank=True)
    stopped_at = models.DateTimeField(null=True, help_text="When the address said that nobody listens there any more.")
    delivered_at = models.DateTimeField(null=True)

    objects = ForwardQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["next_try_at"], condition=Q(delivered_at=None), name="forwards_to_send")]

    def __str__(self) -> str:
        return f"{self.line_count} lines of {self.created_at:%Y-%m-%d %H:%M}"


class ForwardedLine(models.Model):
    """A journal line that has to go out, as it goes out; written with the line itself, gone once it was delivered."""

    id = models.UUIDField(primary_key=True, help_text="The journal line's.")
    payload = models.JSONField()
    forward = models.ForeignKey(Forward, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["id"], condition=Q(forward=None), name="lines_to_forward")]

    def __str__(self) -> str:
        return str(self.id)

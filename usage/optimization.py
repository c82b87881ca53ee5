"""Savings of the last thirty days: gathers the evidence from rollups, asks the rules, prices by the book."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.aggregates import BoolAnd
from django.db.models import Case, F, Q, Sum, When
from django.urls import reverse

from accounts import journal
from accounts.http import OrgRequest
from accounts.journal import Event
from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from tokentra.lib.periods import Period
from usage import insights, stats
from usage.figures import Question
from usage.ingest import overrides_of
from usage.models import DayRollup, HourRollup
from usage.names import provider_name
from usage.pricing import Pricer
from usage.rows import TOKEN_CLASSES, Tokens
from usage.rules import cheaper_model
from usage.rules.evidence import DayUse, Evidence, Finding, HourUse, Model, days_seen
from usage.rules.families import smaller_than, undated

DAYS = 30
MOST_MODELS = 12  # the dearest ones; what is not among them is a small part of the bill
COUNTS = (*TOKEN_CLASSES, "reasoning")
WRITTEN: dict[str, Callable[[Any], str]] = {
    "dollars": money.dollars,
    "tokens": money.tokens,
    "exact": money.exact,
    "percent": money.percent,
    "text": str,
}
EXACT: dict[str, Callable[[Any], str]] = WRITTEN | {"dollars": money.exact_dollars, "tokens": money.exact}
BATCH = Q(batch=True) | Q(service_tier="batch")


@dataclass(frozen=True)
class Shown:
    """A fact in words, with every digit beside it."""

    label: str
    text: str
    exact: str


@dataclass(frozen=True)
class Suggestion:
    """A finding with the way to the rows behind it."""

    finding: Finding
    rows: str

    @property
    def line(self) -> str:
        found = self.finding
        return f"{provider_name(found.provider)}, {money.dollars(found.spend)} on {found.model} in 30 days"

    @property
    def range(self) -> str:
        return estimated(self.finding.low, self.finding.high)

    @property
    def rule(self) -> str:
        """Where a routing rule for it stands ready, for what another model could answer; "" for anything else."""
        found = self.finding
        if found.rule != cheaper_model.RULE:
            return ""
        models = {"model": undated(found.model), "use_model": smaller_than(found.provider, found.model)}
        return f"{reverse('usage:routing')}?{urlencode({'provider': found.provider} | models)}#add-rule"

    @property
    def confidence(self) -> str:
        return f"{self.finding.confidence.capitalize()} confidence"

    @property
    def facts(self) -> list[Shown]:
        return [
            Shown(fact.label, WRITTEN[fact.kind](fact.value), EXACT[fact.kind](fact.value))
            for fact in self.finding.facts
        ]


@dataclass(frozen=True)
class Found:
    """What thirty days of use suggest. `days` is how many of them have use at all."""

    period: Period
    suggestions: tuple[Suggestion, ...]
    low: Decimal
    high: Decimal
    spend: Decimal
    days: int
    is_tips: bool = False  # the plan tells what might help, and not how much

    @property
    def range(self) -> str:
        return estimated(self.low, self.high)

    @property
    def exact_range(self) -> str:
        return f"{money.exact_dollars(self.low)} to {money.exact_dollars(self.high)}"

    @property
    def looked_at(self) -> str:
        return f"Up to {MOST_MODELS} models with the highest spend, {days_seen(self.days)} with use."

    @property
    def first(self) -> Suggestion | None:
        return self.suggestions[0] if self.suggestions else None


def look(organization: Organization, now: datetime) -> Found:
    """The last thirty whole UTC days."""
    today = datetime.combine(now.astimezone(UTC).date(), time.min, UTC)
    period = Period(today - timedelta(days=DAYS), today)
    evidence = gather(organization, period)
    price = partial(Pricer(overrides_of(organization.pk)).amount, at=now)
    findings = insights.find(evidence, price)
    low, high = insights.together(findings)
    is_tips = not organization.can(Feature.RECOMMENDATIONS)
    suggestions = tuple(Suggestion(finding, rows_of(finding, period)) for finding in findings)
    spend = sum(evidence.spend.values(), Decimal(0))
    return Found(period, suggestions, low, high, spend, len({use.day for use in evidence.days}), is_tips)


def gather(organization: Organization, period: Period) -> Evidence:
    question = Question(period, ("provider", "model"), order="-cost", without={"model": ("",)})
    [(ranked, _)] = stats.ranked(organization, question, most=MOST_MODELS)
    spend: dict[Model, Decimal] = {(each.keys[0], each.keys[1]): each.amount for each in ranked if each.amount > 0}
    dearest = [*spend]
    return Evidence(
        start=period.first_day,
        end=period.end_day,
        days=tuple(day_uses(organization, period, dearest)),
        hours=tuple(hour_uses(organization, period, dearest)),
        spend=spend,
    )


def day_uses(organization: Organization, period: Period, models: list[Model]) -> Iterator[DayUse]:
    names = ("day", "provider", "model", "project", "api_key")
    rows = DayRollup.objects.owned_by(organization).filter(
        ledger="usage", day__gte=period.first_day, day__lt=period.end_day, model__in={model for _, model in models}
    )
    sums = {f"sum_{name}": Sum(name) for name in COUNTS}
    grouped = rows.values(*names, is_batch=Case(When(BATCH, then=True), default=False)).annotate(
        **sums, calls=Sum("requests"), all_known=BoolAnd("requests_known")
    )
    for row in grouped.order_by():
        tokens = Tokens(*(row[name] for name in sums))
        calls = row["calls"] if row["all_known"] else None
        if (row["provider"], row["model"]) in models:
            yield DayUse(tokens=tokens, requests=calls, batch=row["is_batch"], **{name: row[name] for name in names})


def hour_uses(organization: Organization, period: Period, models: list[Model]) -> Iterator[HourUse]:
    rows = HourRollup.objects.owned_by(organization).filter(
        dimension="model",
        value__in={model for _, model in models},
        ledger="usage",
        seconds__lte=3600,
        hour__gte=period.start,
        hour__lt=period.end,
    )
    total = sum((F(name) for name in TOKEN_CLASSES[1:]), F("input"))
    grouped = rows.values("hour", "provider", "value").annotate(all_tokens=Sum(total)).order_by()
    for hour, provider, model, tokens in grouped.values_list("hour", "provider", "value", "all_tokens"):
        if (provider, model) in models:
            yield HourUse(hour, provider, model, tokens)


def estimated(low: Decimal, high: Decimal) -> str:
    """A range in dollars that pretends no cents: whole ones, rounded down, where its upper end reaches a hundred."""
    if high < 100:
        return f"{money.dollars(low)} to {money.dollars(high)}"
    whole = [money.dollars(end.to_integral_value(ROUND_FLOOR)).removesuffix(".00") for end in (low, high)]
    return " to ".join(whole)


def rows_of(finding: Finding, period: Period) -> str:
    asked = {
        "from": f"{period.first_day}",
        "to": f"{period.last_day}",
        "provider": finding.provider,
        "model": finding.model,
        "group": "day",
    }
    return f"{reverse('usage:explorer')}?{urlencode(asked)}"


def note_first_view(request: OrgRequest, found: Found) -> None:
    """Seeing the page counts once there is something on it to see."""
    if found.days and not request.organization.is_sample:
        journal.record_once(Event.OPTIMIZATION_FIRST_VIEW, request.user, request.organization)

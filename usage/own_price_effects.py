"""What an own price would have made of the last thirty days, model by model. It changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, Sum

from accounts.models import Organization
from usage.ingest import overrides_of
from usage.measured import MeasuredDay
from usage.models import COUNTS, DayDimension
from usage.pricing import Override, Pricer
from usage.rows import Ledger, Tokens, UsageRow
from usage.spenders.sums import measures, sums_of

DAYS = 30
SHOWN = 12  # models, those with the most to say


@dataclass(frozen=True, slots=True)
class Used:
    tokens: Tokens
    units: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effect:
    """Of one model: what it used, what that costs at the prices that hold and at the new one; None has no price."""

    model: str
    used: Used
    before: Decimal | None
    after: Decimal | None

    @property
    def tokens(self) -> int:
        return sum(self.used.tokens.classes)

    @property
    def units(self) -> str:
        return ", ".join(f"{count:f} {name}" for name, count in sorted(self.used.units.items()))


@dataclass(frozen=True, slots=True)
class Effects:
    models: list[Effect]
    is_told: bool  # sums by model do not tell how calls were processed, so of other ways nothing is said

    @property
    def shown(self) -> list[Effect]:
        return self.models[:SHOWN]

    @property
    def hidden(self) -> int:
        return len(self.models) - len(self.shown)

    @property
    def before(self) -> Decimal:
        return sum((each.before for each in self.models if each.before is not None), Decimal(0))

    @property
    def after(self) -> Decimal:
        return sum((each.after for each in self.models if each.after is not None), Decimal(0))


def effects(organization: Organization, new: Override, now: datetime) -> Effects:
    """As if it held already. Needs the organization's scope."""
    if new.processing not in ("standard", "any"):
        return Effects([], is_told=False)
    old = overrides_of(organization.pk)
    holding = replace(new, since=min(new.since, now.date()), until=None)
    ways = Pricer(old), Pricer([*old, holding])
    found = [
        Effect(model, used, *(cost(way, new.provider, model, used, now) for way in ways))
        for model, used in used_of(organization, new, now).items()
    ]
    return Effects(sorted(found, key=lambda each: (-(each.after or each.before or 0), each.model)), is_told=True)


def used_of(organization: Organization, own: Override, now: datetime) -> dict[str, Used]:
    """By model: what the provider says, else what programs measured."""
    since = now.date() - timedelta(days=DAYS)
    measured = MeasuredDay.objects.owned_by(organization).of("model").filter(day__gte=since)
    measured = (
        measured.of_values([f"{own.provider}/{own.model}"])
        if own.model
        else measured.filter(value__startswith=f"{own.provider}/")
    )
    found: dict[str, Used] = {}
    summed: QuerySet[Any, Any] = measured.values("value").annotate(**measures(classes=True)).order_by()
    for row in summed:
        sums = sums_of(row["value"], row)
        found[row["value"].partition("/")[2]] = Used(sums.classes, sums.units)
    read = DayDimension.objects.owned_by(organization).filter(
        dimension="model", ledger=Ledger.USAGE, provider=own.provider, day__gte=since
    )
    if own.model:
        read = read.filter(value=own.model)
    added = {f"sum_{name}": Sum(name) for name in COUNTS}
    buckets: QuerySet[Any, Any] = read.values("value").annotate(**added).order_by()
    for row in buckets:
        tokens = Tokens(**{name: row[f"sum_{name}"] or 0 for name in COUNTS})
        if any(tokens.classes):
            found[row["value"]] = Used(tokens)
    return found


def cost(pricer: Pricer, provider: str, model: str, used: Used, now: datetime) -> Decimal | None:
    """As requests of ordinary length. Units beside tokens cost where they have a price; alone, all of them need one."""
    row = row_of(provider, model, used.tokens, now)
    amount: Decimal | None = Decimal(0)
    if any(used.tokens.classes):
        amount = pricer.price(row).amount
    rates = getattr(pricer.rates(row), "per_unit", {})
    if amount is None or (not any(used.tokens.classes) and set(used.units) - set(rates)):
        return None
    return amount + sum((count * rates[name] for name, count in used.units.items() if name in rates), Decimal(0))


def rates_now(organization: Organization, own: Override, now: datetime) -> Mapping[str, Decimal]:
    """What its classes and units cost today, where its model is one; classes in dollars for a million tokens."""
    rates = Pricer(overrides_of(organization.pk)).rates(row_of(own.provider, own.model, Tokens(), now))
    of_units = {f"unit:{name}": rate for name, rate in getattr(rates, "per_unit", {}).items()}
    return {**getattr(rates, "per_million", {}), **of_units}


def row_of(provider: str, model: str, tokens: Tokens, now: datetime) -> UsageRow:
    start = datetime.combine(now.date(), time.min, UTC)
    return UsageRow(Ledger.USAGE, "", start, 86_400, provider, model, tokens=tokens)

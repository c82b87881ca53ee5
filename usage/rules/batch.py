"""Work that runs at the same level at every hour, weekends too: nobody seems to be waiting for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tokentra.lib import money
from usage.rules.evidence import (
    DayUse,
    Evidence,
    Fact,
    Finding,
    HourUse,
    Model,
    Price,
    arithmetic,
    days_seen,
    part,
    tokens_of,
)

RULE = "batch"
FEWEST_DAYS = 7
STEADY_SHARE = Decimal("0.30")  # below it the base load is background noise
MOSTLY_DONE = Decimal("0.10")  # hours do not say what is batch work; with more of it they say nothing
MOVED = (Decimal("0.25"), Decimal("0.60"))


def find(evidence: Evidence, price: Price) -> Iterator[Finding]:
    if evidence.length < FEWEST_DAYS:
        return
    for about, uses, spend in evidence.by_model(price):
        steady = steady_share(evidence, about)
        tokens = tokens_of(uses)
        now, then = price(*about, tokens), price(*about, tokens, batch=True)
        if batched_share(evidence, about) > MOSTLY_DONE:
            continue
        if steady < STEADY_SHARE or not now or then is None or then >= now:
            continue
        yield finding(evidence, about, uses, spend=spend, steady=steady, cheaper=1 - then / now)


def steady_share(evidence: Evidence, about: Model) -> Decimal:
    """The part of a model's tokens that lies under the level of its quiet hours (the lowest quarter)."""
    hours: dict[datetime, int] = {}
    for use in evidence.hours:
        if use.about == about:
            hours[use.start] = hours.get(use.start, 0) + use.tokens
    total = sum(hours.values())
    levels = sorted(hours.get(start, 0) for start in every_hour(evidence.hours)) if total else []
    if len(levels) < FEWEST_DAYS * 24:
        return Decimal(0)
    quiet = levels[len(levels) // 4]
    return Decimal(sum(min(level, quiet) for level in levels)) / total


def batched_share(evidence: Evidence, about: Model) -> Decimal:
    mine = [use for use in evidence.days if use.about == about]
    batched = tokens_of(use for use in mine if use.batch).total
    return Decimal(batched) / (tokens_of(mine).total or 1)


def every_hour(hours: tuple[HourUse, ...]) -> Iterator[datetime]:
    """Each hour from the first to the last that has any use, silent ones too."""
    first, last = min(use.start for use in hours), max(use.start for use in hours)
    at = first.astimezone(UTC)
    while at <= last:
        yield at
        at += timedelta(hours=1)


def finding(
    evidence: Evidence, about: Model, uses: tuple[DayUse, ...], *, spend: Decimal, steady: Decimal, cheaper: Decimal
) -> Finding:
    provider, model = about
    affected = part(spend, steady)
    low, high = (part(affected, cheaper * moved) for moved in MOVED)
    days = len({use.day for use in uses})
    return Finding(
        rule=RULE,
        provider=provider,
        model=model,
        title=f"Move steady work on {model} to batch",
        summary=(
            f"{money.percent(steady)} of the tokens of {model} run at the same level at every hour of the day "
            f"and week, as scheduled work does. Work that can wait up to 24 hours costs {money.percent(cheaper)} less "
            "as a batch."
        ),
        facts=(
            Fact("Steady, non-interactive share", steady, "percent"),
            Fact("Days looked at", days, "exact"),
            Fact("Tokens outside of batches", tokens_of(uses).total, "tokens"),
            Fact("Spend on the steady part", affected, "dollars"),
            Fact("Price difference, batch", cheaper, "percent"),
        ),
        low=low,
        high=high,
        affected=affected,
        spend=spend,
        confidence="medium" if days >= 14 and steady >= Decimal("0.5") else "low",
        why_confidence=(
            f"Seen over {days_seen(days)}. A steady level suggests scheduled work; "
            "interactive use around the world can look the same."
        ),
        formula=(
            arithmetic(affected, "the steady part", cheaper, MOVED, "moved")
            + " The steady part is what lies under the level of the quietest quarter of hours in "
            f"{money.exact(evidence.length)} days."
        ),
    )

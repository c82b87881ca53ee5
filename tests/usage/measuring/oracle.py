"""What the events that are kept add up to, in Python alone: every sum that a page may read, to the last digit."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import md5
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.models import Organization
from tokentra.lib.tenancy import TOTALS, organization_scope
from usage.appearances import Appearance, AppearanceCount
from usage.latency import BOUNDS, BUCKETS
from usage.measured import (
    OTHER,
    RARE,
    RARE_TOKENS,
    SPREAD,
    TAG,
    Event,
    MeasuredDay,
    MeasuredHour,
    Run,
    SummedTag,
    TagValue,
)
from usage.measuring.dimensions import DIMENSIONS
from usage.models import COUNTS, DayDimension, DayRollup, HourRollup, LedgerDay

Sums = dict[Any, Any]  # what a row is about, and what it holds


def assert_true(organization: Organization, *, tags: bool = True) -> None:
    """Every sum, count, histogram, run and appearance equals the events; nothing is there beside them.

    Without `tags` theirs are left out: of a tag that was just chosen they follow in steps.
    """
    with organization_scope(organization.pk):
        zone = ZoneInfo(Organization.objects.get(pk=organization.pk).timezone)
        events = list(Event.objects.owned_by(organization))
        held = held_by(organization)
        wanted = wanted_of(organization, events, zone)
        days = {row.run: row.days for row in Run.objects.owned_by(organization)}
    for name, sums in wanted.items():
        wrong = differing(*(each if tags else without_tags(each) for each in (held[name], sums)))
        assert not wrong, f"{len(wrong)} of {name}, such as {list(wrong.items())[:3]}"
    assert_days_true(days, events)
    assert [kept for kept in events if kept.zone_day != kept.occurred_at.astimezone(zone).date()] == []


def assert_days_true(held: dict[str, list[date]], events: list[Event]) -> None:
    """Of runs: those of its calls, in order; of what only repeats others, its days or not."""
    calls, every = (days_of_runs(some) for some in ([kept for kept in events if not kept.is_parent], events))
    assert held.keys() == calls.keys()
    for run, days in held.items():
        assert days == sorted(set(days))
        assert calls[run] <= set(days) <= every[run], f"{run}: {days}"


def days_of_runs(events: list[Event]) -> dict[str, set[date]]:
    found: dict[str, set[date]] = defaultdict(set)
    for kept in events:
        if kept.run:
            found[kept.run].add(kept.zone_day)
    return found


def assert_totals_true(organization: Organization, *, by_day: bool = True) -> None:
    """The same of the totals, for whoever reads nothing else.

    Those of the zone's days, which follow a changed one in steps, are left out unless they are wanted `by_day`.
    """
    with organization_scope(organization.pk, up_to_date=TOTALS):
        zone = ZoneInfo(Organization.objects.get(pk=organization.pk).timezone)
        held = held_by(organization)
        wanted = wanted_of(organization, list(Event.objects.owned_by(organization)), zone)
    for name in ("days by part", "hours by part", "crossed days", *(["days"] if by_day else [])):
        wrong = differing(*(each if name != "days" else of_all(each) for each in (held[name], wanted[name])))
        assert not wrong, f"{len(wrong)} of {name}, such as {list(wrong.items())[:3]}"


def of_all(sums: Sums) -> Sums:
    return {place: held for place, held in sums.items() if place[0] == "all"}


def held_by(organization: Organization) -> dict[str, Sums]:
    return {
        "days": {of_day(row): measures_of(row) for row in MeasuredDay.objects.owned_by(organization)},
        "hours": {of_hour(row): measures_of(row) for row in MeasuredHour.objects.owned_by(organization)},
        "runs": {row.run: run_of(row) for row in Run.objects.owned_by(organization)},
        "days by part": {of_part(row, row.day): counted_of(row) for row in measured(DayDimension, organization)},
        "hours by part": {of_part(row, row.hour): counted_of(row) for row in measured(HourRollup, organization)},
        "crossed days": {of_crossed(row): counted_of(row) for row in measured(DayRollup, organization)},
        "customers there": Counter(Appearance.objects.owned_by(organization).values_list("kind", "value", "day")),
        "counts of there": {
            (row.kind, row.day, row.before): row.count
            for row in AppearanceCount.objects.owned_by(organization)
            if row.count
        },
    }


def wanted_of(organization: Organization, events: list[Event], zone: ZoneInfo) -> dict[str, Sums]:
    chosen = set(SummedTag.objects.owned_by(organization).values_list("name", flat=True))
    apart = set(TagValue.objects.owned_by(organization).values_list("name", "day", "value"))
    covered = set(LedgerDay.objects.owned_by(organization).values_list("provider", "day"))
    leaves = [kept for kept in events if not kept.is_parent]
    there = {
        ("customer", UUID(md5(kept.customer.encode(), usedforsecurity=False).hexdigest()), kept.zone_day)
        for kept in events
        if kept.customer
    }
    runs = {("run", row.id, day) for row in Run.objects.owned_by(organization) for day in row.days}
    return {
        "days": added_up((place, kept) for kept in leaves for place in days_of(kept, chosen, apart)),
        "hours": added_up((place, kept) for kept in leaves for place in hours_of(kept, zone)),
        "runs": runs_of(leaves),
        "days by part": counted(((place, kept) for kept in leaves for place in parts_of(kept, kept.day)), covered),
        "hours by part": counted(
            ((place, kept) for kept in leaves for place in parts_of(kept, hour_of(kept))), covered
        ),
        "crossed days": counted(((crossed_of(kept), kept) for kept in leaves), covered),
        "customers there": Counter(there),
        "counts of there": counts_of(there | runs),
    }


def without_tags(sums: Sums) -> Sums:
    return {place: held for place, held in sums.items() if not str(place[0]).startswith(TAG)}


def differing(held: Sums, wanted: Sums) -> Sums:
    """What is there and what should be, where that is not the same."""
    return {
        place: (held.get(place), wanted.get(place))
        for place in held.keys() | wanted.keys()
        if held.get(place) != wanted.get(place)
    }


# What was measured.


def measures_of(row: Any) -> tuple[Any, ...]:
    is_crossed = bool(getattr(row, "by", ""))
    return (
        row.calls, row.errors or 0, row.streamed or 0, row.amount, row.unpriced_calls or 0, row.unpriced_tokens or 0,
        row.partly_priced or 0,
        row.tokens_in, row.tokens_cached or 0, row.tokens_out, tuple(RARE_TOKENS.unpacked(row.rare_tokens)),
        units_of(row.units), row.untold or 0, row.latency_ms, None if is_crossed else tuple(SPREAD.unpacked(row.spread)),
    )  # fmt: skip


def added_up(placed: Iterable[tuple[Any, Event]]) -> Sums:
    together: dict[Any, list[Event]] = defaultdict(list)
    for place, kept in placed:
        together[place].append(kept)
    return {place: measures(events, is_crossed=len(place) > 4 and bool(place[2])) for place, events in together.items()}


def measures(events: list[Event], *, is_crossed: bool) -> tuple[Any, ...]:
    unpriced = [kept for kept in events if kept.amount is None]
    spread = [0] * BUCKETS
    for kept in events:
        if kept.latency_ms is not None:
            spread[bisect_left(BOUNDS, kept.latency_ms)] += 1
    return (
        len(events),
        sum(kept.status != "ok" for kept in events),
        sum(bool(kept.is_streamed) for kept in events),
        money(events),
        len(unpriced),
        sum(kept.tokens_in + kept.tokens_out for kept in unpriced),
        sum(map(is_partly_priced, events)),
        sum(kept.tokens_in for kept in events),
        sum(kept.cache_read or 0 for kept in events),
        sum(kept.tokens_out for kept in events),
        tuple(sum(getattr(kept, name) or 0 for kept in events) for name in RARE),
        units(events),
        sum(kept.latency_ms is None for kept in events),
        sum(kept.latency_ms or 0 for kept in events),
        None if is_crossed else tuple(spread),
    )


def is_partly_priced(kept: Event) -> bool:
    return kept.amount is not None and kept.rate_ref.endswith(":units unpriced")


def money(events: Iterable[Event]) -> Decimal:
    return sum((kept.amount for kept in events if kept.amount is not None), Decimal(0))


def units(events: Iterable[Event]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for kept in events:
        for name, count in (kept.units or {}).items():
            found[name] += Decimal(count)
    return {name: count for name, count in found.items() if count}


def units_of(told: dict[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(count) for name, count in told.items()}


def value_of(kept: Event, dimension: str) -> str | None:
    if dimension == "all":
        return ""
    if dimension == "model":
        return f"{kept.provider}/{kept.model}"
    if dimension == "api_key":
        return str(kept.key_id) if kept.key_id else None
    value: str | None = getattr(kept, "user_ref" if dimension == "user" else dimension)
    return value


def days_of(kept: Event, chosen: set[str], apart: set[tuple[str, date, str]]) -> Iterator[tuple[Any, ...]]:
    for dimension in DIMENSIONS:
        for by in ("", *dimension.crossed_with):
            value, by_value = value_of(kept, dimension.name), value_of(kept, by) if by else ""
            if value is not None and by_value is not None:
                yield dimension.name, value, by, by_value, kept.paid_in, kept.zone_day
    for name, said in (kept.tags or {}).items():
        if name in chosen:
            value = said if (name, kept.day, said) in apart else OTHER
            yield f"{TAG}{name}", value, "", "", kept.paid_in, kept.zone_day
            yield f"{TAG}{name}", value, "model", f"{kept.provider}/{kept.model}", kept.paid_in, kept.zone_day


def hours_of(kept: Event, zone: ZoneInfo) -> Iterator[tuple[Any, ...]]:
    offset = kept.occurred_at.astimezone(zone).utcoffset() or timedelta(0)
    at = hour_of(kept)
    if offset % timedelta(hours=1):
        at += (kept.occurred_at - at) // timedelta(minutes=15) * timedelta(minutes=15)
    for dimension in DIMENSIONS:
        value = value_of(kept, dimension.name)
        if dimension.by_hour and value is not None:
            yield dimension.name, value, kept.paid_in, at


def of_day(row: MeasuredDay) -> tuple[Any, ...]:
    return row.dimension, row.value, row.by, row.by_value, row.currency, row.day


def of_hour(row: MeasuredHour) -> tuple[Any, ...]:
    return row.dimension, row.value, row.currency, row.hour


def run_of(row: Run) -> tuple[Any, ...]:
    return (
        row.calls, row.errors, row.amount, row.unpriced_calls, row.partly_priced or 0, row.other_calls or 0,
        row.tokens_in, row.tokens_out,
    )  # fmt: skip


def runs_of(leaves: list[Event]) -> Sums:
    together: dict[Any, list[Event]] = defaultdict(list)
    for kept in leaves:
        if kept.run:
            together[kept.run].append(kept)
    return {
        run: (
            len(events),
            sum(kept.status != "ok" for kept in events),
            money(kept for kept in events if kept.paid_in == "USD"),
            sum(kept.amount is None for kept in events),
            sum(map(is_partly_priced, events)),
            sum(kept.paid_in != "USD" for kept in events),
            sum(kept.tokens_in for kept in events),
            sum(kept.tokens_out for kept in events),
        )
        for run, events in together.items()
    }


def counts_of(there: set[tuple[str, UUID, date]]) -> dict[Any, int]:
    by_value: dict[tuple[str, UUID], list[date]] = defaultdict(list)
    for kind, value, day in there:
        by_value[kind, value].append(day)
    found: Counter[Any] = Counter()
    for (kind, _), days in by_value.items():
        found.update((kind, day, before) for before, day in pairwise([AppearanceCount.NEVER, *sorted(days)]))
    return dict(found)


# What counts, beside what connections read.


def measured(table: Any, organization: Organization) -> list[Any]:
    return list(table.objects.owned_by(organization).filter(ledger="measured"))


def counted_of(row: Any) -> tuple[Any, ...]:
    return (
        tuple(getattr(row, name) for name in COUNTS), row.amount, row.requests, row.unpriced_tokens,
        units_of(row.units), row.counted,
    )  # fmt: skip


def counted(placed: Iterable[tuple[Any, Event]], covered: set[tuple[str, date]]) -> Sums:
    together: dict[Any, list[Event]] = defaultdict(list)
    for place, kept in placed:
        together[place].append(kept)
    return {
        place: (
            tuple(sum(getattr(kept, name) or 0 for kept in events) for name in COUNTS),
            money(events),
            len(events),
            sum(kept.tokens_in + kept.tokens_out for kept in events if kept.amount is None),
            units(events),
            (place[0], day_of(place[-1])) not in covered,
        )
        for place, events in together.items()
    }


def basis_of(kept: Event) -> str:
    if is_partly_priced(kept):
        return "partly"
    return "tokenless" if kept.amount is None and not kept.tokens_in + kept.tokens_out else kept.basis


def parts_of(kept: Event, when: date | datetime) -> Iterator[tuple[Any, ...]]:
    key = str(kept.key_id) if kept.key_id else ""
    parts = {
        "model": kept.model,
        "project": kept.project,
        "api_key": key,
        "service_tier": kept.service_tier,
        "user": "",
    }
    for dimension, value in parts.items():
        yield kept.provider, kept.paid_in, basis_of(kept), dimension, value or "", when


def of_part(row: Any, when: date | datetime) -> tuple[Any, ...]:
    return row.provider, row.currency, row.basis, row.dimension, row.value, when


def crossed_of(kept: Event) -> tuple[Any, ...]:
    key = str(kept.key_id) if kept.key_id else ""
    tier, project = kept.service_tier or "", kept.project or ""
    return kept.provider, kept.paid_in, basis_of(kept), kept.model, project, key, tier, kept.day


def of_crossed(row: DayRollup) -> tuple[Any, ...]:
    return row.provider, row.currency, row.basis, row.model, row.project, row.api_key, row.service_tier, row.day


def hour_of(kept: Event) -> datetime:
    return kept.occurred_at.replace(minute=0, second=0, microsecond=0)


def day_of(when: date | datetime) -> date:
    return when.astimezone(UTC).date() if isinstance(when, datetime) else when

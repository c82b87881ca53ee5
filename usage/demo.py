"""The sample workspace: ninety days of usage and bills that agree, by the real price book and door."""

import math
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

from tokentra.lib.tenancy import organization_scope
from usage import ingest
from usage.demo_story import EVENING, KEYS, LOADS, OFFICE, PROJECTS, WEB_SEARCHES_A_DAY, Load
from usage.price_book import Rates
from usage.pricing import Pricer
from usage.rows import Ledger, Tokens, UsageRow

DAYS = 90
SEED = 20260831
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
AT_ONCE = timedelta(days=30)
USAGE_ENDPOINT = {"openai": "usage.completions", "anthropic": "usage"}
WEB_SEARCH = {"openai": "web search tool calls", "anthropic": "Web Search Usage"}
A_SEARCH = Decimal("0.01")  # what both providers bill for one
CREDIT = Decimal("-25")  # on the first of a month
BILL_PLACES = Decimal("1e-10")
LINES = {"input": "input", "cache_read": "cached input", "cache_write_5m": "cache writes", "output": "output"}


def fill(organization_id: UUID, now: datetime) -> int:
    """Write ninety days up to `now` into an organization; the same days look the same to everyone.

    Opens the organization's scope itself, a transaction for each month. Filling again on another day
    writes over what the days share. Answers how many rows there are.
    """
    rows = 0
    for provider, endpoint in USAGE_ENDPOINT.items():
        connection_id = connection_of(organization_id, provider)
        usage = list(usage_of(provider, now))
        bill = list(_bill(provider, usage, now))
        for ledger, source, lines in ((Ledger.USAGE, endpoint, usage), (Ledger.BILLED, "costs", bill)):
            for start, end in _months(now):
                window = ingest.Window(connection_id, provider, ledger, source, start, end)
                inside = [row for row in lines if start <= row.start < end]
                with organization_scope(organization_id):
                    rows += ingest.record(organization_id, inside, window=window, now=now, believe_empty=True).rows
        with organization_scope(organization_id):
            _name(connection_id, provider)
    return rows


def connection_of(organization_id: UUID, provider: str) -> UUID:
    """The id under which a sample organization's figures of a provider stand."""
    return uuid5(NAMESPACE_URL, f"sample:{organization_id}:{provider}")


def _months(now: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = _first_day(now)
    while start <= now:
        end = min(start + AT_ONCE, _midnight(now.date() + DAY))
        yield start, end
        start = end


def usage_of(provider: str, now: datetime, *, days: int = DAYS) -> Iterator[UsageRow]:
    """The story's usage of one provider over the last `days` days, the same for everyone; not priced yet."""
    for number, load in enumerate(LOADS):
        if load.provider != provider:
            continue
        at = _midnight(now.date() - timedelta(days=days - 1))
        while at + HOUR <= now:
            days_ago = (now.date() - at.date()).days
            if load.days_ago[0] >= days_ago >= load.days_ago[1]:
                chance = random.Random(f"{SEED}:{number}:{days_ago}:{at.hour}")  # noqa: S311  # a story, not a secret
                requests = round(load.requests_an_hour * _level(load, at, days_ago) * chance.lognormvariate(0, 0.22))
                if requests:
                    yield _bucket(load, at, requests, chance)
            at += HOUR


def _level(load: Load, at: datetime, days_ago: int) -> float:
    growth = 1 + load.growth * (1 - days_ago / DAYS)
    weekend = at.weekday() >= 5
    if load.shape == OFFICE:
        day = math.exp(-(((at.hour - 14) / 4.2) ** 2))
        return growth * (0.02 + day * (0.15 if weekend else 1.0))
    if load.shape == EVENING:
        distance = min(abs(at.hour - 20), 24 - abs(at.hour - 20))
        return growth * (0.12 + 0.88 * math.exp(-((distance / 5.5) ** 2))) * (1.15 if weekend else 1.0)
    return growth


def _bucket(load: Load, at: datetime, requests: int, chance: random.Random) -> UsageRow:
    sent = round(requests * load.input * chance.uniform(0.9, 1.1))
    read, written = round(sent * load.cached), round(sent * load.written)
    return UsageRow(
        ledger=Ledger.USAGE,
        endpoint=USAGE_ENDPOINT[load.provider],
        start=at,
        seconds=3600,
        provider=load.provider,
        model=load.model,
        project=load.project,
        api_key=load.api_key,
        service_tier="batch" if load.batch and load.provider == "anthropic" else load.tier,
        batch=load.batch,
        tokens=Tokens(
            input=sent - read - written,
            cache_read=read,
            cache_write_5m=written,
            output=round(requests * load.output * chance.uniform(0.85, 1.15)),
        ),
        requests=requests,
    )


def _bill(provider: str, usage: list[UsageRow], now: datetime) -> Iterator[UsageRow]:
    """The lines of each day that is over: every class of tokens at its rate, web searches, credits."""
    pricer = Pricer()
    owed: dict[tuple[date, str, str, str, str], Decimal] = defaultdict(Decimal)
    for row in usage:
        rates = pricer.rates(row)
        if row.day >= now.date() or not isinstance(rates, Rates):
            continue
        for name, words in LINES.items():
            if count := row.tokens.get(name):
                line = f"{row.model}, {words}{', batch' if row.batch else ''}"
                owed[row.day, line, row.model, row.project, row.api_key] += rates.per_million[name] * count
    for (day, line, model, project, api_key), millionths in sorted(owed.items()):
        amount = (millionths / 1_000_000).quantize(BILL_PLACES)
        yield _line(provider, day, line, amount, model=model, project=project, api_key=api_key)
    for days_ago in range(1, DAYS):
        day = now.date() - timedelta(days=days_ago)
        for project, typical in WEB_SEARCHES_A_DAY.items():
            if project.startswith("proj_") == (provider == "openai"):
                chance = random.Random(f"{SEED}:{project}:{days_ago}")  # noqa: S311  # a story, not a secret
                searches = round(typical * chance.uniform(0.6, 1.4))
                yield _line(
                    provider,
                    day,
                    WEB_SEARCH[provider],
                    A_SEARCH * searches,
                    project=project,
                    searches=searches,
                )
        if day.day == 1 and provider == "openai":
            yield _line(provider, day, "Monthly credit", CREDIT)


def _line(
    provider: str,
    day: date,
    line_item: str,
    amount: Decimal,
    *,
    model: str = "",
    project: str = "",
    api_key: str = "",
    searches: int = 0,
) -> UsageRow:
    return UsageRow(
        ledger=Ledger.BILLED,
        endpoint="costs",
        start=_midnight(day),
        seconds=86_400,
        provider=provider,
        model=model,
        project=project,
        api_key=api_key,
        line_item=line_item,
        kind="tokens" if model else "unit",
        units=(("web_search", Decimal(searches)),) if searches else (),
        amount=amount,
    )


def _name(connection_id: UUID, provider: str) -> None:
    mine = [load for load in LOADS if load.provider == provider]
    projects = {load.project for load in mine if load.project}
    keys = {load.api_key for load in mine}
    ingest.name_values(connection_id, "project", {value: (PROJECTS[value], "") for value in projects})
    ingest.name_values(connection_id, "api_key", {value: KEYS[value] for value in keys})


def _first_day(now: datetime) -> datetime:
    return _midnight(now.astimezone(UTC).date() - timedelta(days=DAYS - 1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)

"""The sample workspace's story told in rows: usage and bills that agree, by the real price book and door."""

import math
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import NAMESPACE_URL, UUID, uuid5

from usage import ingest
from usage.demo_story import EVENING, KEYS, LOADS, OFFICE, PROJECTS, WEB_SEARCHES_A_DAY, Load
from usage.price_book import Rates
from usage.pricing import Pricer
from usage.rows import Ledger, Tokens, UsageRow

DAYS = 90
SEED = 20260831
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
USAGE_ENDPOINT = {"openai": "usage.completions", "anthropic": "usage"}
WEB_SEARCH = {"openai": "web search tool calls", "anthropic": "Web Search Usage"}
A_SEARCH = Decimal("0.01")  # what both providers bill for one
CREDIT = Decimal("-25")  # on the first of a month
BILL_PLACES = Decimal("1e-10")
LINES = {"input": "input", "cache_read": "cached input", "cache_write_5m": "cache writes", "output": "output"}


@dataclass(frozen=True, slots=True)
class Stretch:
    """Days [first, end) of the story as they are known at `now`.

    The ninety days of the story end with `last_day` and look the same to everyone; what comes after goes
    on as it was then.
    """

    first: date
    end: date
    now: datetime
    last_day: date

    @property
    def days(self) -> list[date]:
        """Those that have begun."""
        wanted = (self.first + DAY * number for number in range((self.end - self.first).days))
        return [day for day in wanted if day <= self.now.date()]

    def days_ago(self, day: date) -> int:
        """Negative for a day after the ninety."""
        return (self.last_day - day).days


def write(organization_id: UUID, stretch: Stretch) -> int:
    """Write these days into an organization, inside its scope; answers how many rows they have.

    Writing them again changes nothing.
    """
    rows = 0
    start, end = _midnight(stretch.first), _midnight(stretch.end)
    for provider, endpoint in USAGE_ENDPOINT.items():
        connection_id = connection_of(organization_id, provider)
        usage = list(usage_of(provider, stretch))
        bill = list(_bill(provider, usage, stretch))
        for ledger, source, lines in ((Ledger.USAGE, endpoint, usage), (Ledger.BILLED, "costs", bill)):
            window = ingest.Window(connection_id, provider, ledger, source, start, end)
            done = ingest.record(organization_id, lines, window=window, now=stretch.now, believe_empty=True)
            rows += done.rows
        _name(connection_id, provider)
    return rows


def connection_of(organization_id: UUID, provider: str) -> UUID:
    """The id under which a sample organization's figures of a provider stand."""
    return uuid5(NAMESPACE_URL, f"sample:{organization_id}:{provider}")


def usage_of(provider: str, stretch: Stretch) -> Iterator[UsageRow]:
    """The story's usage of one provider, not priced yet; hours that are not over are left out."""
    for number, load in enumerate(LOADS):
        if load.provider != provider:
            continue
        for day in stretch.days:
            days_ago = stretch.days_ago(day)
            if not load.days_ago[0] >= max(days_ago, 0) >= load.days_ago[1]:
                continue
            chance = random.Random(f"{SEED}:{number}:{days_ago}")  # noqa: S311  # a story, not a secret
            for hour in range(24):
                at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
                if at + HOUR > stretch.now:
                    break
                luck = chance.lognormvariate(0, 0.22), chance.uniform(0.9, 1.1), chance.uniform(0.85, 1.15)
                requests = round(load.requests_an_hour * _level(load, at, days_ago) * luck[0])
                if requests:
                    yield _bucket(load, at, requests, more_input=luck[1], more_output=luck[2])


def _level(load: Load, at: datetime, days_ago: int) -> float:
    growth = 1 + load.growth * (1 - max(days_ago, 0) / DAYS)
    weekend = at.weekday() >= 5
    if load.shape == OFFICE:
        day = math.exp(-(((at.hour - 14) / 4.2) ** 2))
        return growth * (0.02 + day * (0.15 if weekend else 1.0))
    if load.shape == EVENING:
        distance = min(abs(at.hour - 20), 24 - abs(at.hour - 20))
        return growth * (0.12 + 0.88 * math.exp(-((distance / 5.5) ** 2))) * (1.15 if weekend else 1.0)
    return growth


def _bucket(load: Load, at: datetime, requests: int, *, more_input: float, more_output: float) -> UsageRow:
    sent = round(requests * load.input * more_input)
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
            output=round(requests * load.output * more_output),
        ),
        requests=requests,
    )


def _bill(provider: str, usage: list[UsageRow], stretch: Stretch) -> Iterator[UsageRow]:
    """The lines of each day that is over: every class of tokens at its rate, web searches, credits."""
    today = stretch.now.date()
    pricer = Pricer()
    buyers: dict[tuple[date, str, str, str, bool], UsageRow] = {}
    used: Counter[tuple[date, str, str, str, bool, str]] = Counter()
    for row in usage:
        day = row.day
        if day < today:
            buyer = day, row.model, row.project, row.api_key, row.batch
            buyers.setdefault(buyer, row)
            for name in LINES:
                used[*buyer, name] += row.tokens.get(name)
    for buyer, row in buyers.items():
        rates = pricer.rates(row)  # of a day and not of an hour: the same for each of its rows
        for name, words in LINES.items():
            if isinstance(rates, Rates) and (count := used[*buyer, name]):
                amount = (rates.per_million[name] * count / 1_000_000).quantize(BILL_PLACES)
                line = f"{row.model}, {words}{', batch' if row.batch else ''}"
                yield _line(provider, row.day, line, amount, model=row.model, project=row.project, api_key=row.api_key)
    for day in stretch.days:
        if day < today:
            yield from _beside_tokens(provider, day, stretch.days_ago(day))


def _beside_tokens(provider: str, day: date, days_ago: int) -> Iterator[UsageRow]:
    for project, typical in WEB_SEARCHES_A_DAY.items():
        if project.startswith("proj_") == (provider == "openai"):
            chance = random.Random(f"{SEED}:{project}:{days_ago}")  # noqa: S311  # a story, not a secret
            searches = round(typical * chance.uniform(0.6, 1.4))
            yield _line(provider, day, WEB_SEARCH[provider], A_SEARCH * searches, project=project, searches=searches)
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


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)

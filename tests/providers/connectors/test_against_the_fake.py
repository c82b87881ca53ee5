"""What connectors read from the fake provider equals what it knows, to the last digit."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from providers.connectors import CONNECTORS
from providers.connectors.base import Connector, Endpoint, Page
from providers.connectors.openai_usage import REPORTS
from tests.fake_provider import KEYS, FakeProvider
from tests.providers.connectors.conftest import NOW, calling, read
from usage.rows import Tokens, UsageRow

OPENAI, ANTHROPIC = CONNECTORS["openai"], CONNECTORS["anthropic"]
TOMORROW = (NOW + timedelta(days=1)).date()


def days_ago(days: int) -> str:
    return str(TOMORROW - timedelta(days=days))


def endpoint(connector: Connector, name: str, via: str = "") -> Endpoint:
    return next(each for each in connector.endpoints_for(frozenset({via} if via else ())) if each.name == name)


def tokens(rows: Iterable[UsageRow]) -> dict[str, int]:
    """By the truth's classes: it knows a short and a long cache write, whatever their length."""
    total = sum((row.tokens for row in rows), Tokens())
    return {
        "input": total.input,
        "cacheRead": total.cache_read,
        "cacheWrite5m": total.cache_write_5m + total.cache_write_30m,
        "cacheWrite1h": total.cache_write_1h + total.cache_write_12h,
        "output": total.output,
        "audioIn": total.audio_in,
        "audioOut": total.audio_out,
        "imageIn": total.image_in,
        "imageOut": total.image_out,
    }


def money(page: Page) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in page.rows:
        sums[row.currency] += row.amount or 0
    return dict(sums)


def openai_page(name: str, days: int) -> Page:
    with calling(OPENAI) as client:
        return read(OPENAI, client, KEYS["openai"], endpoint(OPENAI, name), days)


def anthropic_page(name: str, days: int, via: str = "analytics") -> Page:
    with calling(ANTHROPIC) as client:
        return read(ANTHROPIC, client, KEYS["anthropic"], endpoint(ANTHROPIC, name, via), days)


@pytest.mark.parametrize("days", [1, 7, 31])
def test_openai_costs_equal_the_bill(fake: FakeProvider, days: int):
    page = openai_page("costs", days)

    truth = fake.world.openai
    for currency, amount in money(page).items():
        assert amount == truth.total_billed(days_ago(days), str(TOMORROW), currency.lower())
    assert page.problems == ()
    assert page.account_id == truth.id


@pytest.mark.parametrize("days", [1, 7])
def test_openai_completions_equal_the_usage(fake: FakeProvider, days: int):
    page = openai_page("usage.completions", days)

    truth = fake.world.openai
    assert tokens(page.rows) == truth.tokens(days_ago(days), str(TOMORROW))
    assert sum(row.requests or 0 for row in page.rows) == truth.requests(days_ago(days), str(TOMORROW))
    assert page.problems == ()


@pytest.mark.parametrize("report", [each for each in REPORTS if each.unit], ids=lambda each: each.path)
def test_openai_units_equal_the_usage(fake: FakeProvider, report):
    page = openai_page(report.name, 31)

    counted = sum((count for row in page.rows for _, count in row.units), Decimal(0))
    assert counted == fake.world.openai.units(days_ago(31), str(TOMORROW), endpoint=report.path)
    assert all(row.kind == "unit" and row.tokens.total == 0 for row in page.rows)


@pytest.mark.parametrize("name", ["embeddings", "moderations"])
def test_openai_embeddings_and_moderations_are_tokens(fake: FakeProvider, name: str):
    page = openai_page(f"usage.{name}", 31)

    assert tokens(page.rows) == fake.world.openai.tokens(days_ago(31), str(TOMORROW), endpoint=name)


@pytest.mark.parametrize("via", ["analytics", "reports"])
def test_anthropic_usage_equals_the_usage(fake: FakeProvider, via: str):
    page = anthropic_page("usage", 7, via)

    truth = fake.world.anthropic
    facts = [fact for fact in truth.usage if via == "analytics" or is_in_reports(fact)]
    expected = replace(truth, usage=facts).tokens(days_ago(7), str(TOMORROW))
    assert tokens(page.rows) == expected
    assert page.problems == ()


@pytest.mark.parametrize("via", ["analytics", "reports"])
def test_anthropic_costs_equal_the_bill(fake: FakeProvider, via: str):
    page = anthropic_page("cost", 31, via)

    truth = fake.world.anthropic
    bills = [bill for bill in truth.bills if via == "analytics" or is_in_reports(bill)]
    expected = replace(truth, bills=bills)
    for currency, amount in money(page).items():
        assert amount == expected.total_billed(days_ago(31), str(TOMORROW), currency.lower())
    assert money(page)["USD"] > 0


def is_in_reports(fact) -> bool:
    """The older reports know the API's own products only, and no Priority Tier on the bill."""
    from tests.fake_provider.anthropic_reports import RULES

    legacy = fact.product is None or fact.product in RULES["legacy_products"]
    billed = not hasattr(fact, "amount") or not str(fact.service_tier).startswith("priority")
    return legacy and billed

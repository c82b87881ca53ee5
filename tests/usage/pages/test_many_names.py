"""A page costs as much with thousands of models and providers that a sender names as with some hundred of them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Organization
from tests.conftest import Browser
from tests.usage.measuring.conftest import event
from tests.usage.pages.accounts_read import NOW
from tokentra.lib.periods import period
from tokentra.lib.tenancy import organization_scope
from usage import optimization
from usage.allocation import Allocation
from usage.measuring import tracking

pytestmark = pytest.mark.django_db

PAGES = (
    "/dashboard/",
    "/dashboard/?period=90d&stack=provider",
    "/dashboard/?period=today",
    "/dashboard/?period=24h&stack=provider",
    "/dashboard/?period=7d&filters=1",
    "/dashboard/summary/",
    "/dashboard/insight/",
    "/usage/?filters=1",
    "/attribution/statement/",
)


@pytest.mark.parametrize("path", PAGES)
def test_it_asks_and_reads_no_more_for_more_names(path: str, acme: Organization, alices: Browser):
    named(acme, range(250))
    few = rows_read(lambda: seen(alices, path))

    named(acme, range(250, 1_250))

    assert rows_read(lambda: seen(alices, path)) == few


def seen(browser: Browser, path: str) -> None:
    assert browser.get(path).status_code == 200


def test_neither_do_what_has_no_cost_center_and_what_could_be_saved(acme: Organization):
    def look() -> None:
        with organization_scope(acme.pk):
            found = Allocation(acme, period("month", NOW), by="model")
            assert found.statement.unallocated.figures.cost
            assert len(found.unallocated) == 20
            assert optimization.look(acme, NOW).spend

    named(acme, range(250))
    few = rows_read(look)

    named(acme, range(250, 1_250))

    assert rows_read(look) == few


def rows_read(look: Callable[[], Any]) -> list[int]:
    """Of each statement of a second look: the first one makes notes of what is new."""
    look()
    found: list[int] = []

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if str(sql).lstrip("(").startswith(("SELECT", "WITH")):
            found.append(context["cursor"].rowcount)
        return answer

    with connection.execute_wrapper(count):
        look()
    return found


def named(organization: Organization, numbers: range) -> None:
    """Calls each of a model and a provider of its own: some priced, some not."""
    tracking.forget()
    calls = [
        event(
            id=f"call-{number}",
            occurredAt=(NOW - timedelta(hours=1 + 24 * (number % 2))).isoformat(),
            provider=f"provider-{number}",
            model=f"model-{number}",
            **({} if number % 3 else {"cost": {"amount": f"{1 + number % 7}", "currency": "USD"}}),
        )
        for number in numbers
    ]
    for start in range(0, len(calls), 1_000):
        answer = tracking.track(organization.pk, calls[start : start + 1_000], key_id=None, now=NOW)
        assert answer.rejected == 0

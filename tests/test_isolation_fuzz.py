"""Filters are forgotten on purpose, by threads and by mutants: the database shows one organization (D8, D9, B16)."""

import random
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DataError, connection, connections, models
from django.test.utils import CaptureQueriesContext

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import AuditLine, JournalEntry, Organization, User
from tests import make
from tests.answers import body_of
from tests.conftest import Browser
from tests.test_catalogue import OWNED
from tests.test_isolation_walk import CANARY, METHODS, PLAIN, WITH_OBJECT, acme_things, leaks
from tokentra.lib.tenancy import organization_scope
from usage.models import DayRollup, UsageRecord

THREADS, LOOKS = 12, 100
__all__ = ["acme_things"]
FILLED = (UsageRecord, DayRollup, JournalEntry, AuditLine)
TABLES = {model._meta.db_table for model in OWNED}
FILTER = re.compile(r'(?:"?\w+"?\.)?"?organization_id"?\s*=\s*(%(?:\(\w+\))?s)')


def with_figures(name: str, owner: User, *, model: str) -> Organization:
    organization = make.organization(name, owner=owner)
    make.spend(organization, make.connection(organization, name=model, by=owner), "12.34", model=model)
    with organization_scope(organization.pk):
        journal.record(Event.PROVIDER_CONNECTION_COMPLETED, owner, organization, provider=model)
        audit.note("connected", organization, owner, provider=model)
    return organization


def all_rows_of(table: type[models.Model]) -> set[object]:
    return set(table._default_manager.values_list("organization_id", flat=True))


def all_rows_of_by_hand(table: type[models.Model]) -> set[object]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT organization_id FROM {table._meta.db_table}")
        return {organization for (organization,) in cursor.fetchall()}


def counts_by_organization(table: type[models.Model]) -> set[object]:
    """As a report that adds up everything would."""
    return {
        each["organization_id"]
        for each in table._default_manager.values("organization_id").annotate(n=models.Count("*"))
    }


@pytest.fixture(params=["tt_app", pytest.param("tt_worker", marks=pytest.mark.worker)])
def role(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.django_db(transaction=True)
def test_d9_b16_twelve_threads_that_forget_every_filter_see_one_organization_each(role):
    owners = [make.user(f"owner{number}@example.org") for number in range(4)]
    homes = [with_figures(f"Home {number}", owner, model=f"model-{number}") for number, owner in enumerate(owners)]

    def look_around(seed: int) -> list[str]:
        chance, wrong = random.Random(seed), []
        for _ in range(LOOKS):
            home, table = chance.choice(homes), chance.choice(OWNED)
            look: Callable[[type[models.Model]], set[object]] = chance.choice(
                [all_rows_of, all_rows_of_by_hand, counts_by_organization]
            )
            with organization_scope(home.pk):
                if not look(table) <= {home.pk}:
                    wrong.append(f"{look.__name__} of {table.__name__}")
            if not raises(look, filled := chance.choice(FILLED)):
                wrong.append(f"{look.__name__} of {filled.__name__} outside of a scope")
        connections.close_all()
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        found = [wrong for each in pool.map(look_around, range(THREADS)) for wrong in each]

    assert found == []
    with organization_scope(homes[0].pk):
        assert [all_rows_of(table) for table in FILLED] == [{homes[0].pk}] * len(FILLED)


def raises(look: Callable[[type[models.Model]], object], table: type[models.Model]) -> bool:
    try:
        look(table)
    except DataError:
        return True
    return False


@pytest.fixture
def mutated() -> Iterator[list[str]]:
    """Every filter by organization is taken out of every statement, as if nobody had written it."""
    changed: list[str] = []

    def without_filter(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.lstrip().upper().startswith(("SELECT", "WITH", "DECLARE")) and FILTER.search(sql):
            changed.append(sql)
            sql = FILTER.sub(r"\1 IS NOT NULL", sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(without_filter):
        yield changed


@pytest.mark.django_db
def test_d9_mutants_without_any_filter_leak_nothing(mallory, mutated):
    make.organization("Elsewhere", owner=mallory)
    alice = make.user("alice@acme.example")
    acme = with_figures("Acme", alice, model=f"{CANARY}-model")
    browser, wrong = Browser(mallory), []

    for route in PLAIN:
        answer = browser.get(route.at())
        if answer.status_code >= 500 or CANARY.lower() in body_of(answer).lower():
            wrong.append(f"{route.path}: {answer.status_code}")

    assert wrong == []
    assert len(mutated) > 50
    assert CANARY in Browser(alice).get("/dashboard/").content.decode(), f"{acme} shows its own"


@pytest.mark.django_db
@pytest.mark.parametrize("method", METHODS)
def test_b16_no_route_shows_or_changes_anothers_object_though_its_filter_was_forgotten(
    method, acme_things, elsewhere, mallory, mutated
):
    browser, wrong = Browser(mallory), []

    for route in WITH_OBJECT:
        answer = getattr(browser, method)(route.at(**acme_things))
        if answer.status_code < 400 or answer.status_code >= 500 or leaks(answer):
            wrong.append(f"{method} {route.path}: {answer.status_code}")

    assert wrong == []
    assert mutated or method in {"put", "patch"}


@pytest.mark.django_db
def test_d8_every_look_of_a_page_names_its_organization(alice):
    with_figures("Acme", alice, model="gpt-5-mini")
    browser = Browser(alice)

    with CaptureQueriesContext(connection) as captured:
        for route in PLAIN:
            body_of(browser.get(route.at()))

    looks = [sql for sql in (each["sql"] for each in captured) if reads_an_owned_table(sql)]
    assert len(looks) > 50
    assert [sql for sql in looks if not re.search(r'organization_id"?\s*(=|IN)', sql)] == []


def reads_an_owned_table(sql: str) -> bool:
    if not sql.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE", "DECLARE")):
        return False
    return any(table in TABLES for table in re.findall(r'\b(?:FROM|JOIN|UPDATE)\s+"?(\w+)"?', sql))

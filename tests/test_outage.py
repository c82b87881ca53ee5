"""The database is full or lets nobody in: 503 with words, what can be read is read, and it is over by itself (§3.3, §3.5)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.core.cache import caches
from django.db import OperationalError, connections

from providers import sync
from tests import make
from tests.conftest import Browser
from tests.providers import conftest as of_providers
from tests.providers.conftest import billed, fresh, read
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db(transaction=True)

now, fake, short, connect = of_providers.now, of_providers.fake, of_providers.short, of_providers.connect

FULL = """
CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100';
END $$"""
TABLES = "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname = 'public'"


@contextmanager
def superuser() -> Iterator[psycopg.Connection]:
    test = connections["owner"].settings_dict
    with psycopg.connect(host=test["HOST"], user="postgres", dbname=test["NAME"], autocommit=True) as session:
        yield session


@pytest.fixture
def fill() -> Iterator[Callable[[], None]]:
    """From now on the database says of every write what it says when its disk is full; ends with the test."""

    def fill() -> None:
        with superuser() as session:
            session.execute(FULL)
            for (table,) in session.execute(TABLES).fetchall():
                session.execute(
                    f"CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION no_room()".encode()
                )

    yield fill
    make_room()


def make_room() -> None:
    with superuser() as session:
        session.execute("DROP FUNCTION IF EXISTS no_room CASCADE")


@pytest.fixture
def let_in() -> Iterator[Callable[[int], None]]:
    """How many sessions the test's own database allows; -1 is any number."""

    def let_in(number: int) -> None:
        name = connections["default"].settings_dict["NAME"]
        with superuser() as session:
            session.execute(f"ALTER DATABASE {name} CONNECTION LIMIT {number}".encode())
        connections["default"].close()

    yield let_in
    let_in(-1)


@pytest.fixture
def browser(alice, acme) -> Browser:
    """Signed in as Alice, who was here before; a failure is an answer, as it is for a browser."""
    browser = Browser(alice, raise_request_exception=False)
    assert browser.get("/providers/").status_code == 200
    caches["process"].clear()  # another process serves her next request
    return browser


def refusal(answer) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["error"]["code"], answer["Retry-After"]


def test_s3_3_disk_full_is_a_503_that_says_so_and_ends_by_itself(browser, acme, fill):
    connection = make.connection(acme)
    path = f"/api/providers/{connection.pk}/pause"
    fill()

    full = browser.post(path, "{}", content_type="application/json")
    make_room()
    again = browser.post(path, "{}", content_type="application/json")

    assert refusal(full) == (503, "storage_full", "60")
    assert "Nothing was stored" in full.json()["error"]["message"]
    assert again.status_code == 200


def test_s3_3_disk_full_a_form_says_so_too(browser, acme, fill):
    connection = make.connection(acme)
    fill()

    answer = browser.post(f"/providers/{connection.pk}/pause/")

    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert "The database has no room left" in answer.content.decode()


@pytest.mark.parametrize("path", ["/dashboard/", "/usage/", "/providers/", "/settings/organization/", "/api/providers"])
def test_s3_3_disk_full_reads_go_on(path, browser, acme, fill):
    make.spend(acme, make.connection(acme), "12.50")
    fill()

    assert browser.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/login/?utm_source=ads", "/signup/", "/healthz", "/readyz"])
def test_s3_3_disk_full_strangers_see_the_door(path, db, fill):
    fill()

    browser = Browser(raise_request_exception=False)
    seen = {"accept": "text/html", "user-agent": "Mozilla/5.0", "referer": "https://news.example/"}
    assert browser.get(path, headers=seen).status_code == 200


@pytest.mark.worker
@pytest.mark.usefixtures("short")
def test_s3_3_disk_full_a_sync_goes_on_where_it_was(acme, connect, fill, now):
    connection = connect(acme, "anthropic")
    with organization_scope(acme.pk):
        before = fresh(connection).next_sync_at
    fill()

    with pytest.raises(OperationalError, match="No space left"):
        sync.step(acme.pk, connection.pk)
    assert fresh(connection).next_sync_at == before
    make_room()
    read(connection)

    assert fresh(connection).status == "healthy"
    assert billed(connection) > 0


def test_s3_5_pool_exhausted_is_a_503_that_says_when_to_come_back(browser, acme, let_in):
    let_in(0)

    api, page = browser.get("/api/providers"), browser.get("/dashboard/?period=90d")
    form = browser.post("/settings/organization/", {"name": "Acme"})
    let_in(-1)

    assert refusal(api) == (503, "database_unavailable", "5")
    assert [(answer.status_code, answer["Retry-After"]) for answer in (page, form)] == [(503, "5")] * 2
    assert "The database does not answer. Try again in a few seconds." in page.content.decode()
    assert '<a class="btn btn-primary" href="/dashboard/?period=90d">Try again</a>' in page.content.decode()
    assert "Nothing was stored; send it again" in form.content.decode()
    assert "Try again</a>" not in form.content.decode()
    assert "too many connections" not in page.content.decode()
    assert browser.get("/api/providers").status_code == 200
    assert browser.get("/dashboard/").status_code == 200


@pytest.mark.worker
@pytest.mark.usefixtures("short")
def test_s3_5_pool_exhausted_a_sync_waits_for_its_mark(acme, connect, let_in):
    connection = connect(acme, "anthropic")
    let_in(0)
    with pytest.raises(OperationalError):
        sync.step(acme.pk, connection.pk)
    let_in(-1)

    read(connection)

    assert fresh(connection).status == "healthy"

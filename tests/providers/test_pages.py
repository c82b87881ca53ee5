"""The pages of connections: what they show, what they do, with and without scripts."""

import pytest

from accounts.permissions import Role
from providers.models import Connection
from tests import make
from tests.conftest import Browser
from tests.providers.conftest import KEYS, fresh, read
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short", "fake")]

HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture
def browser(acme, alice) -> Browser:
    return Browser(alice)


def text(answer) -> str:
    return answer.content.decode()


def test_before_the_first_connection_the_page_says_what_will_be_here(browser):
    page = text(browser.get("/providers/"))

    assert "No provider is connected" in page
    assert "/providers/connect/openai/" in page
    assert "/providers/connect/anthropic/" in page
    assert "/v1/organization/costs" in page


def test_who_may_not_connect_is_told_who_may(acme):
    viewer = Browser(make.member(acme, "viewer@acme.example", Role.VIEWER))

    page = text(viewer.get("/providers/"))

    assert "/providers/connect/" not in page
    assert "Owners and admins" in page
    assert viewer.get("/providers/connect/openai/").status_code == 403


def test_connecting_by_the_form_leads_to_the_connections_page(browser, acme):
    answer = browser.post("/providers/connect/openai/", {"admin_key": f" {KEYS['openai']}\n", "name": "Production"})

    with organization_scope(acme.pk):
        connection = Connection.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/providers/{connection.pk}/")
    assert connection.name == "Production"


def test_with_scripts_the_form_is_sent_by_htmx_and_leads_to_the_same_page(browser):
    answer = browser.post("/providers/connect/openai/", {"admin_key": KEYS["openai"]}, **HTMX)

    assert answer.status_code == 200
    assert answer["HX-Redirect"].startswith("/providers/")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (KEYS["openai.project"], "project key"),
        (KEYS["anthropic"], "Anthropic"),
        (KEYS["openai.deleted"], "does not know this key"),
        ("", "Paste"),
    ],
)
def test_b46_a_refused_key_is_explained_and_what_was_not_secret_stays(key, said, browser):
    answer = browser.post("/providers/connect/openai/", {"admin_key": key, "name": "Production"})

    assert answer.status_code == 422
    assert said in text(answer)
    assert 'value="Production"' in text(answer)
    assert not key or key not in text(answer)


def test_b48_an_account_that_is_connected_is_linked(browser, acme, connect):
    connection = connect(acme, name="Production")

    answer = browser.post("/providers/connect/openai/", {"admin_key": KEYS["openai"]})

    assert answer.status_code == 422
    assert f"/providers/{connection.pk}/" in text(answer)


def test_an_unknown_provider_is_not_there(browser):
    assert browser.get("/providers/connect/nobody/").status_code == 404


def test_the_page_polls_while_something_happens(browser, acme, connect):
    connection = connect(acme)

    page = text(browser.get(f"/providers/{connection.pk}/"))
    fragment = text(browser.get(f"/providers/{connection.pk}/", **HTMX))

    assert 'hx-trigger="every 2s"' in page
    assert "Found 3 projects" in page
    assert "0 of 10 days" in page
    assert fragment.strip().startswith('<div id="progress"')
    assert "<html" not in fragment


@pytest.mark.worker
def test_a_poll_brings_all_that_a_reading_changes(browser, acme, connect):
    connection = connect(acme)
    path = f"/providers/{connection.pk}/"
    assert "No reading has ended yet" in text(browser.get(path))
    read(connection)

    fragment = text(browser.get(path, **HTMX))

    assert fragment.count('hx-swap-oob="true"') == 2
    assert "Last try" in fragment
    assert "No reading has ended yet" not in fragment
    assert "connection-name" not in fragment  # what is typed into the form stays
    assert "hx-swap-oob" not in text(browser.get(path))


@pytest.mark.worker
def test_the_page_stops_polling_when_all_is_read(browser, acme, connect):
    connection = connect(acme, "anthropic")
    read(connection)

    page = text(browser.get(f"/providers/{connection.pk}/"))

    assert "every 2s" not in page
    assert "Up to date" in page
    assert "Works" in page
    assert "No finished day has changed" in page


@pytest.mark.worker
def test_b47_a_missing_permission_is_named_beside_what_works(browser, acme, connect):
    connection = connect(acme, "openai", KEYS["openai.usage_only"])
    read(connection)

    page = text(browser.get(f"/providers/{connection.pk}/"))

    assert "No access" in page
    assert "Replace key" in page


def test_b50_no_page_shows_the_key(browser, acme, connect):
    connection = connect(acme)

    for path in ("", f"{connection.pk}/", f"{connection.pk}/key/", f"{connection.pk}/disconnect/", "corner/"):
        page = text(browser.get(f"/providers/{path}"))
        assert KEYS["openai"] not in page
        assert KEYS["openai"][8:-4] not in page


def test_pausing_and_resuming_by_buttons(browser, acme, connect):
    connection = connect(acme)

    browser.post(f"/providers/{connection.pk}/pause/")
    page = text(browser.get(f"/providers/{connection.pk}/"))
    paused = fresh(connection).status
    browser.post(f"/providers/{connection.pk}/resume/")

    assert paused == "paused"
    assert "Nothing is read since" in page
    assert fresh(connection).status == "validating"


def test_a_new_name_is_shown(browser, acme, connect):
    connection = connect(acme)

    browser.post(f"/providers/{connection.pk}/name/", {"name": "<b>Ours</b>"})

    page = text(browser.get("/providers/"))
    assert "&lt;b&gt;Ours&lt;/b&gt;" in page
    assert "<b>Ours" not in page


def test_the_key_is_replaced_on_its_page(browser, acme, connect):
    connection = connect(acme)

    refused = browser.post(f"/providers/{connection.pk}/key/", {"admin_key": KEYS["openai.globex"]})
    answer = browser.post(f"/providers/{connection.pk}/key/", {"admin_key": KEYS["openai.usage_only"]})

    assert refused.status_code == 422
    assert "belongs to Globex" in text(refused)
    assert answer.status_code == 302
    assert fresh(connection).key_last4 == KEYS["openai.usage_only"][-4:]


@pytest.mark.worker
def test_disconnecting_names_what_will_be_lost_and_wants_the_name_typed(browser, acme, connect):
    connection = connect(acme, "anthropic")
    read(connection)
    path = f"/providers/{connection.pk}/disconnect/"

    page = text(browser.get(path))
    mistyped = browser.post(path, {"data": "delete", "typed": "acme?"})
    still_there = fresh(connection).status
    answer = browser.post(path, {"data": "delete", "typed": "Acme"})

    assert "rows of usage and bills" in page
    assert mistyped.status_code == 422
    assert "Nothing was changed" in text(mistyped)
    assert still_there == "healthy"
    assert answer.status_code == 302
    assert browser.get(f"/providers/{connection.pk}/").status_code == 404


def test_the_dashboards_corner_leads_in_shows_the_way_and_falls_silent(browser, acme, connect):
    empty = text(browser.get("/providers/corner/"))
    connection = connect(acme)
    syncing = text(browser.get("/providers/corner/"))
    with organization_scope(acme.pk):
        Connection.objects.update(status="healthy")
    silent = text(browser.get("/providers/corner/"))
    with organization_scope(acme.pk):
        Connection.objects.update(status="broken", blocked="key_refused", next_sync_at=None)
    broken = text(browser.get("/providers/corner/"))

    assert "Connect OpenAI" in empty
    assert "0 of 10 days" in syncing
    assert "every 3s" in syncing
    assert "Acme" not in silent
    assert "rejected the key" in broken
    assert f"/providers/{connection.pk}/" in broken


def test_b13_others_and_unknown_connections_are_not_there(acme, connect, mallory, elsewhere):
    connection = connect(acme)
    browser = Browser(mallory)

    for act in ("", "key/", "disconnect/"):
        for pk in (connection.pk, uuid7()):
            assert browser.get(f"/providers/{pk}/{act}").status_code == 404
    for act in ("pause/", "resume/", "sync/", "name/"):
        assert browser.post(f"/providers/{connection.pk}/{act}").status_code == 404


@pytest.mark.parametrize("status", ["paused", "broken", "failing", "degraded", "disconnected", "backfilling"])
def test_every_state_can_be_drawn(status, browser, acme, connect):
    connection = connect(acme)
    with organization_scope(acme.pk):
        rest = {} if status in {"failing", "degraded", "backfilling"} else {"next_sync_at": None}
        Connection.objects.update(status=status, **rest)

    assert browser.get("/providers/").status_code == 200
    assert browser.get(f"/providers/{connection.pk}/").status_code == 200


@pytest.mark.parametrize("table", ["connection", "endpointstate", "readwindow", "syncrun"])
def test_staff_read_connections_across_organizations_but_no_secret(table, acme, connect):
    connect(acme)
    staff = Browser(make.user("staff@tokentra.example", staff=True))

    page = text(staff.get(f"/admin/providers/{table}/", follow=True))

    assert KEYS["openai"] not in page
    assert staff.get("/admin/providers/sealedcredential/").status_code == 404

"""Connecting an account: live checks, refusals, duplicates, what is written (reliability B46 to B49)."""

import threading

import pytest
from django.db import IntegrityError, connections

from accounts.models import AuditLine, JournalEntry
from providers import connecting, disconnecting, wording
from providers.connecting import AlreadyConnected, NotConnected
from providers.connectors import CONNECTORS
from providers.connectors.base import Outcome
from providers.models import Connection, EndpointState, ReadWindow
from tests.conftest import Browser
from tests.providers.conftest import KEYS, endpoints, fresh, secret
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import organization_scope
from usage.models import EndedAccount, Label

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short")]


def events(organization) -> list[tuple[str, dict]]:
    with organization_scope(organization.pk):
        return list(JournalEntry.objects.order_by("at").values_list("event", "data"))


@pytest.mark.parametrize(("provider", "found"), [("openai", 3), ("anthropic", 1)])
def test_a_connection_knows_its_account_and_is_due_at_once(provider, found, acme, alice, connect, fake):
    connection = connect(acme, provider, by=alice)

    assert (connection.name, connection.account_name) == ("Acme", "Acme")
    assert connection.account_id == fake.world.account(provider).id
    assert connection.projects_found == found
    assert connection.status == "validating"
    assert connection.next_sync_at is not None
    assert connection.key_last4 == fake.world.account(provider).key[-4:]
    assert connection.created_by == alice


def test_it_has_a_window_for_every_stretch_of_every_endpoint(acme, connect):
    connection = connect(acme)

    with organization_scope(acme.pk):
        named = set(ReadWindow.objects.values_list("endpoint", flat=True))
        assert ReadWindow.objects.filter(due_at=None).count() == 0
    assert {"costs", "usage.completions"} <= named
    assert set(endpoints(connection)) == named | {"names"}


def test_usage_learns_what_the_account_is_called(acme, connect):
    connection = connect(acme, name="Production")

    with organization_scope(acme.pk):
        label = Label.objects.get(dimension="connection", value=str(connection.pk))
    assert (label.name, label.detail) == ("Production", "Acme")


@pytest.mark.usefixtures("without_guidance")
def test_the_journal_and_the_audit_log_say_so(acme, alice, connect):
    connect(acme, "openai", by=alice)
    connect(acme, "anthropic", by=alice)

    assert events(acme) == [
        ("provider_connection_started", {"provider": "openai"}),
        ("provider_connection_completed", {"provider": "openai", "is_first": True}),
        ("provider_connection_started", {"provider": "anthropic"}),
        ("provider_connection_completed", {"provider": "anthropic", "is_first": False}),
    ]
    with organization_scope(acme.pk):
        assert list(AuditLine.objects.values_list("action", "actor")) == [("connection_created", alice.pk)] * 2


@pytest.mark.parametrize(
    "pasted",
    ["  {key}\n", "\u200b{key}\ufeff", "{key_half}\n{other_half}", "Bearer {key}", '"{key}"'],
    ids=["spaces", "zero-width", "wrapped line", "header", "quotes"],
)
def test_b46_what_copying_brings_along_is_trimmed(pasted, acme, connect, fake):
    key = KEYS["openai"]

    text = pasted.format(key=key, key_half=key[:20], other_half=key[20:])

    assert connect(acme, "openai", text).key_last4 == key[-4:]


@pytest.mark.parametrize(
    ("provider", "key"),
    [
        ("openai", KEYS["openai.project"]),
        ("openai", KEYS["openai.service_account"]),
        ("openai", KEYS["anthropic"]),
        ("anthropic", KEYS["openai"]),
        ("anthropic", KEYS["anthropic.oauth"]),
    ],
)
def test_b46_a_key_of_the_wrong_kind_is_named_and_no_call_is_made(provider, key, acme, connect, fake):
    with pytest.raises(NotConnected) as refused:
        connect(acme, provider, key)

    assert refused.value.outcome == Outcome.WRONG_KEY_KIND
    assert key not in refused.value.message
    assert fake.requests == []


def test_b47_a_key_that_is_refused_connects_nothing(acme, alice, connect):
    with pytest.raises(NotConnected) as refused:
        connect(acme, "openai", KEYS["openai.deleted"], by=alice)

    assert refused.value.outcome == Outcome.INVALID_CREDENTIALS
    assert not refused.value.is_for_later
    with organization_scope(acme.pk):
        assert Connection.objects.count() == 0
    assert events(acme)[-1] == (
        "provider_connection_failed",
        {"provider": "openai", "reason": "invalid_credentials"},
    )


def test_b47_a_key_with_some_permissions_connects_and_names_what_is_missing(acme, connect):
    connection = connect(acme, "openai", KEYS["openai.usage_only"])

    found = {name: state.outcome for name, state in endpoints(connection).items()}
    assert {name for name, outcome in found.items() if outcome == "missing_scope"} == {
        "projects",
        "users",
        "admin_api_keys",
    }
    assert {found["costs"], found["usage.completions"], found["usage.images"]} == {"ok"}
    assert connection.projects_found is None


IMAGES = {"path": "usage/images"}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_each_endpoint_says_at_once_whether_the_key_may_read_it(provider, acme, connect, now):
    connection = connect(acme, provider)

    states = endpoints(connection)
    names = states.pop("names")
    assert {state.outcome for state in states.values()} == {"ok"}
    assert {wording.endpoint(state, now) for state in states.values()} == {"The key may read this."}
    assert wording.endpoint(names, now) == "Not read yet."


def test_an_endpoint_that_is_refused_is_shown_before_anything_is_read(acme, alice, connect, fake):
    fake.script([{"match": IMAGES, "do": {"action": "status", "status": 403}}])

    connection = connect(acme)

    page = Browser(alice).get(f"/providers/{connection.pk}/").content.decode()
    assert endpoints(connection)["usage.images"].outcome == "missing_scope"
    assert page.count("No access") == 1
    assert page.count("The key may read this.") == 11


def test_an_endpoint_that_did_not_answer_is_not_called_refused(acme, connect, fake):
    fake.script([{"match": IMAGES, "do": {"action": "status", "status": 503}}])

    states = endpoints(connect(acme))

    assert states["usage.images"].outcome == ""
    assert states["usage.vector_stores"].outcome == "ok"


@pytest.mark.parametrize("fault", [{"action": "status", "status": 503}, {"action": "html"}])
def test_a_provider_that_is_down_is_told_from_a_bad_key(fault, acme, connect, fake):
    fake.script([{"do": fault}])

    with pytest.raises(NotConnected) as refused:
        connect(acme)

    assert refused.value.is_for_later


def test_b48_the_same_account_is_not_connected_twice(acme, connect):
    first = connect(acme, "openai", name="Production")

    with pytest.raises(AlreadyConnected, match="Already connected as Production") as refused:
        connect(acme, "openai", KEYS["openai.usage_only"])

    assert refused.value.connection == first


def test_b48_the_database_itself_refuses_a_second_connection_of_an_account(acme, connect):
    connection = connect(acme)

    connection.pk, connection._state.adding = uuid7(), True

    with pytest.raises(IntegrityError, match="account_is_connected_once"), organization_scope(acme.pk):
        connection.save()


def test_b48_without_an_account_id_a_shared_project_proves_the_account(acme, connect, fake):
    fake.world.openai.bills.clear()
    first = connect(acme, "openai")

    with pytest.raises(AlreadyConnected):
        connect(acme, "openai")
    assert first.account_id == ""


NOTHING_TELLS = [{"match": {"path": "costs|projects"}, "do": {"action": "status", "status": 403, "message": "no"}}]


def test_b48_the_same_key_is_not_connected_twice_when_nothing_tells_its_account(acme, connect, fake):
    fake.script(NOTHING_TELLS)
    first = connect(acme, "openai")

    with pytest.raises(AlreadyConnected) as refused:
        connect(acme, "openai")

    assert refused.value.connection == first


def test_the_same_key_comes_back_as_the_same_connection_when_nothing_tells_its_account(acme, connect, fake):
    first = connect(acme, "openai")
    with organization_scope(acme.pk):
        disconnecting.disconnect(acme, first, data="keep", by=None)
    fake.script(NOTHING_TELLS)

    assert connect(acme, "openai") == first


def test_an_account_that_is_disconnected_ends_in_usage_and_goes_on_when_it_comes_back(acme, connect):
    connection = connect(acme)

    with organization_scope(acme.pk):
        disconnecting.disconnect(acme, connection, data="keep", by=None)
        ended = dict(EndedAccount.objects.values_list("connection_id", "ended_at"))
        disconnecting.disconnect(acme, fresh(connection), data="keep", by=None)
        again = dict(EndedAccount.objects.values_list("connection_id", "ended_at"))
    connect(acme)
    with organization_scope(acme.pk):
        back = EndedAccount.objects.count()
        disconnecting.disconnect(acme, fresh(connection), data="keep", by=None)
        disconnecting.disconnect(acme, fresh(connection), data="delete", by=None)
        deleted = EndedAccount.objects.count()

    assert list(ended) == [connection.pk]
    assert again == ended
    assert (back, deleted) == (0, 0)


def test_several_accounts_of_a_provider_stand_beside_each_other(acme, connect):
    connect(acme, "openai")

    assert connect(acme, "openai", KEYS["openai.globex"]).name == "Globex"


def test_two_organizations_may_read_the_same_account(acme, elsewhere, connect):
    connect(acme)

    assert connect(elsewhere).organization == elsewhere


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_bills", [True, False])
def test_b49_a_double_submit_makes_one_connection(has_bills, acme, fake, settings):
    if not has_bills:
        fake.world.openai.bills.clear()
    together, found = threading.Barrier(2), []

    def submit() -> None:
        together.wait(10)
        try:
            connecting.connect(acme, CONNECTORS["openai"], secret(KEYS["openai"]), by=None)
            found.append("connected")
        except AlreadyConnected:
            found.append("already")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert sorted(found) == ["already", "connected"]
    with organization_scope(acme.pk):
        assert Connection.objects.count() == 1


def test_a_secret_is_neither_in_the_exception_nor_in_the_journal_nor_in_any_column(acme, alice, connect):
    key = KEYS["openai"]
    connection = connect(acme, "openai", key, by=alice)

    with organization_scope(acme.pk):
        everything = [
            str(row) + repr(row.__dict__)
            for model in (Connection, EndpointState, ReadWindow, JournalEntry, AuditLine)
            for row in model.objects.all()
        ]
    assert not any(key in text or key[8:] in text for text in everything)
    assert fresh(connection).key_fingerprint.count(":") == 1

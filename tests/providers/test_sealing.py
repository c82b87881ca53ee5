"""Who may read a sealed key, how masters change, what is left after the end (reliability B50 to B52, E3, E5 to E7)."""

import os

import pytest
from django.core.management import call_command
from django.db import ProgrammingError
from django.db import connection as database
from django.db.transaction import atomic

from providers import claiming, disconnecting, pausing, rewrapping, sealing, sync
from providers.models import Connection, SealedCredential
from tests.conftest import Browser
from tests.providers.conftest import KEYS, fresh, read, secret
from tokentra.lib import crypto
from tokentra.lib.ids import uuid7
from tokentra.lib.tenancy import as_sweep, organization_scope
from usage.models import UsageRecord

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("short")]

CLOSED = ("wrapped_key", "ciphertext")


@pytest.mark.parametrize("column", CLOSED)
def test_e5_b50_the_web_cannot_read_what_is_sealed(column, acme, connect):
    connect(acme)

    with pytest.raises(ProgrammingError, match="permission denied"), organization_scope(acme.pk):
        list(SealedCredential.objects.values_list(column))


def test_e5_the_web_sees_that_there_is_something_and_may_end_it(acme, connect, alice):
    connection = connect(acme)

    with organization_scope(acme.pk):
        assert list(SealedCredential.objects.values_list("field", flat=True)) == ["admin_key"]
        disconnecting.disconnect(acme, connection, data="delete", by=alice)
        assert not SealedCredential.objects.values("pk").exists()


@pytest.mark.parametrize("column", CLOSED)
def test_e5_staff_cannot_read_what_is_sealed(column, acme, connect):
    connect(acme)

    with pytest.raises(ProgrammingError, match="permission denied"), atomic(using="staff"):
        list(SealedCredential.objects.using("staff").values_list(column))


def test_e6_pages_show_a_key_that_nobody_could_open(acme, alice, connect, settings):
    connection = connect(acme)
    settings.ENCRYPTION_KEYS = [os.urandom(32)]
    browser = Browser(alice)

    pages = [browser.get(path) for path in ("/providers/", f"/providers/{connection.pk}/", "/api/providers")]

    assert [page.status_code for page in pages] == [200] * 3
    assert all(f"admin key ending in {KEYS['openai'][-4:]}" in page.content.decode() for page in pages[:2])


@pytest.mark.worker
def test_e5_a_worker_opens_it(acme, connect):
    connection = connect(acme)

    with organization_scope(acme.pk):
        assert sealing.unseal(connection) == secret(KEYS["openai"])


@pytest.mark.worker
def test_d1_the_sweep_sees_marks_of_all_organizations_and_nothing_else(acme, elsewhere, connect):
    mine, theirs = connect(acme), connect(elsewhere)
    resting, held = connect(acme, "anthropic"), connect(elsewhere, "anthropic")
    with organization_scope(acme.pk):
        pausing.pause(resting, by=None)
    claiming.claim(elsewhere.pk, held.pk)

    assert set(claiming.due()) == {(acme.pk, mine.pk), (elsewhere.pk, theirs.pk)}
    for column in ("name", "account_id", "key_last4"):
        with pytest.raises(ProgrammingError, match="permission denied"), as_sweep():
            list(Connection.objects.values_list(column))
    with database.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("tt_worker",)


def test_d1_the_web_may_not_act_as_the_sweep(acme, connect):
    connect(acme)

    with pytest.raises(ProgrammingError, match="permission denied"):
        claiming.due()


@pytest.mark.worker
def test_b51_a_key_moved_to_another_connection_is_not_used_and_the_page_says_so(acme, connect, fake, caplog):
    mine, other = connect(acme), connect(acme, "openai", KEYS["openai.globex"])
    with organization_scope(acme.pk):
        row = SealedCredential.objects.get(connection=other)
        SealedCredential.objects.filter(connection=mine).update(wrapped_key=row.wrapped_key, ciphertext=row.ciphertext)
    fake.forget()

    sync.step(acme.pk, mine.pk)

    assert (fresh(mine).status, fresh(mine).blocked) == ("broken", "key_unreadable")
    assert fake.requests == []
    assert any(record.levelname == "ERROR" for record in caplog.records)


@pytest.mark.worker
def test_e3_rotation_moves_every_secret_and_reads_go_on(acme, elsewhere, connect, settings, capsys):
    connections = [connect(acme), connect(acme, "anthropic"), connect(elsewhere)]
    old = settings.ENCRYPTION_KEYS
    settings.ENCRYPTION_KEYS = [os.urandom(32), *old]
    before = rewrapping.references()

    call_command("rotate_keys")

    after = rewrapping.references()
    assert dict(before) == {crypto.master_id(old[0]): 3}
    assert dict(after) == {crypto.current_master(): 3}
    said = capsys.readouterr().out
    assert "3 secrets are wrapped anew" in said
    assert f"{crypto.master_id(old[0])}: wraps 0, may be removed" in said
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    for connection in connections:
        with organization_scope(connection.organization_id):
            assert sealing.unseal(connection)


@pytest.mark.worker
def test_e3_an_interrupted_rotation_goes_on_where_it_stopped(acme, elsewhere, connect, settings):
    connect(acme), connect(elsewhere)
    settings.ENCRYPTION_KEYS = [os.urandom(32), *settings.ENCRYPTION_KEYS]

    first = rewrapping.rewrap(acme.pk)

    assert first == 1
    assert rewrapping.rewrap_all() == 1
    assert rewrapping.rewrap_all() == 0


@pytest.mark.worker
def test_e3_rotation_moves_many_in_batches(acme, connect, settings, monkeypatch):
    monkeypatch.setattr(rewrapping, "BATCH", 50)
    connection = connect(acme)
    with organization_scope(acme.pk):
        SealedCredential.objects.bulk_create(
            SealedCredential(
                id=uuid7(),
                organization=acme,
                connection=connection,
                field=f"field {n}",
                sealed_at=connection.key_set_at,
                **sealing.columns(crypto.seal("x", sealing.place(connection, f"field {n}"))),
            )
            for n in range(120)
        )
    settings.ENCRYPTION_KEYS = [os.urandom(32), *settings.ENCRYPTION_KEYS]

    assert rewrapping.rewrap_all() == 121


@pytest.mark.worker
def test_e2_a_master_that_was_taken_away_too_early_is_said_and_nothing_is_called(acme, connect, fake, settings):
    connection = connect(acme)
    settings.ENCRYPTION_KEYS = [os.urandom(32)]
    fake.forget()

    sync.step(acme.pk, connection.pk)

    assert fresh(connection).blocked == "key_unreadable"
    assert fake.requests == []


@pytest.mark.worker
def test_e7_disconnecting_overwrites_the_key_and_keeps_the_data(acme, alice, connect):
    connection = connect(acme, "anthropic")
    read(connection)
    with organization_scope(acme.pk):
        rows = UsageRecord.objects.count()

        disconnecting.disconnect(acme, connection, data="keep", by=alice)

        row = SealedCredential.objects.get()
        assert (bytes(row.wrapped_key), bytes(row.ciphertext)) == (b"", b"")
        assert UsageRecord.objects.count() == rows > 0
        assert Connection.objects.get().status == "disconnected"
        with pytest.raises(crypto.DoesNotOpen):
            sealing.unseal(connection)


@pytest.mark.worker
def test_b52_a_connection_that_is_deleted_during_a_sync_gets_nothing_more(acme, alice, connect, fake):
    connection = connect(acme, "anthropic")
    held = claiming.claim(acme.pk, connection.pk)
    reader = sync.opened(held)
    with organization_scope(acme.pk):
        disconnecting.disconnect(acme, connection, data="delete", by=alice)

    with pytest.raises(claiming.Superseded):
        reader._choose(is_first=True)

    with organization_scope(acme.pk):
        assert not Connection.objects.exists()
        assert not UsageRecord.objects.exists()


@pytest.mark.worker
def test_an_account_that_comes_back_is_the_same_connection_with_its_data(acme, alice, connect):
    first = connect(acme, "anthropic")
    read(first)
    with organization_scope(acme.pk):
        rows = UsageRecord.objects.count()
        disconnecting.disconnect(acme, first, data="keep", by=alice)

    again = connect(acme, "anthropic")
    read(again)

    assert again.pk == first.pk
    with organization_scope(acme.pk):
        assert UsageRecord.objects.count() == rows
    assert fresh(again).status == "healthy"

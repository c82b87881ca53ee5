"""The commands: credentials come in quietly, what is due is read, nothing secret leaves."""

import io

import pytest
from django.core.management import CommandError, call_command

from providers.models import Connection
from tests.providers.conftest import KEYS, fresh, read
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker, pytest.mark.usefixtures("short", "fake")]


def typed(monkeypatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


@pytest.mark.parametrize("given", [KEYS["openai"] + "\n", f'{{"admin_key": "{KEYS["openai"]}"}}'])
def test_connect_takes_the_key_from_standard_input(given, acme, monkeypatch, capsys):
    typed(monkeypatch, given)

    call_command("connect", org=acme.slug, provider="openai")

    out = capsys.readouterr().out
    assert "Connected Acme" in out
    assert KEYS["openai"] not in out
    with organization_scope(acme.pk):
        assert Connection.objects.get().key_last4 == KEYS["openai"][-4:]


@pytest.mark.parametrize(
    ("given", "said"),
    [(KEYS["openai.deleted"], "does not know this key"), ("", "Paste"), ('{"key": "x"}', "not known")],
)
def test_connect_says_what_is_wrong(given, said, acme, monkeypatch):
    typed(monkeypatch, given)

    with pytest.raises(CommandError, match=said):
        call_command("connect", org=acme.slug, provider="openai")


def test_connect_has_no_argument_for_a_key(acme):
    with pytest.raises(TypeError):
        call_command("connect", org=acme.slug, provider="openai", admin_key="x")


def test_connect_knows_no_other_organization(monkeypatch):
    typed(monkeypatch, KEYS["openai"])

    with pytest.raises(CommandError, match="no organization"):
        call_command("connect", org="nobody", provider="openai")


def test_sync_reads_until_nothing_is_due(acme, elsewhere, connect, capsys):
    mine, theirs = connect(acme, "anthropic"), connect(elsewhere, "anthropic")

    call_command("sync", org=acme.slug)

    assert fresh(mine).status == "healthy"
    assert fresh(theirs).status == "validating"
    assert "Nothing is due" in capsys.readouterr().out


def test_sync_now_reads_the_last_days_again(acme, connect, fake):
    connection = connect(acme, "anthropic")
    read(connection)
    fake.forget()

    call_command("sync", org=acme.slug)
    asked_before = len(fake.requests)
    call_command("sync", "--now", org=acme.slug)

    assert asked_before == 0
    assert fake.requests


def test_sync_says_that_something_failed(acme, connect, fake, capsys):
    connect(acme, "anthropic")
    fake.script([{"do": {"action": "status", "status": 500}}])

    call_command("sync", org=acme.slug)

    assert "will be tried again" in capsys.readouterr().out


def test_b68_no_secret_is_in_the_log(acme, connect, fake, caplog):
    caplog.set_level("DEBUG")
    connection = connect(acme, "openai")
    fake.script([{"match": {"path": "costs"}, "do": {"action": "status", "status": 400}}])

    read(connection)

    assert KEYS["openai"] not in caplog.text
    assert KEYS["openai"][9:-4] not in caplog.text

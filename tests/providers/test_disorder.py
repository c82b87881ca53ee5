"""Clocks that are off, workers that sleep, tasks in any order: what is stored stays what was served (reliability §3.5)."""

import os
import random
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from celery import current_app
from celery.utils.iso8601 import parse_iso8601
from django.core.management import call_command

from providers import sync, tasks
from providers.models import Connection, KeptAnswer, ReadWindow, SealedCredential
from tests.conftest import Browser
from tests.dying import child_that_does, in_a_child
from tests.fake_provider.world import revise
from tests.product import wait_for
from tests.providers.conftest import KEYS, billed, due_again, fresh, lease_runs_out, read, stored
from tokentra.lib.tenancy import organization_scope
from tokentra.machine.heartbeat import TASKS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker, pytest.mark.usefixtures("short")]

A_DAY = timedelta(days=1)
off = pytest.mark.parametrize("off", [-A_DAY, A_DAY], ids=["a day behind", "a day ahead"])


def truth(fake, now, provider):
    account = fake.world.account(provider)
    return account.total_billed((now - 9 * A_DAY).date(), (now + A_DAY).date())


def is_at_rest(connection: Connection) -> bool:
    """Nothing is left half done, and the next look is within the hour or so."""
    found = fresh(connection)
    with organization_scope(connection.organization_id):
        assert not KeptAnswer.objects.filter(connection=connection).exists()
        assert not ReadWindow.objects.filter(connection=connection, read_at=None).exists()
    now = datetime.now(UTC)
    return found.lease_until is None and now < found.next_sync_at < now + timedelta(hours=2)


# Clocks


@off
@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_s3_5_clock_skew_of_a_worker_changes_nothing(off, provider, acme, connect, fake, now):
    connection = connect(acme, provider)

    with time_machine.travel(now + off):
        read(connection)

    assert fresh(connection).status == "healthy"
    assert billed(connection) == truth(fake, now, provider)
    assert is_at_rest(connection)


@off
def test_s3_5_clock_skew_two_workers_a_day_apart_agree(off, acme, connect, fake, now):
    connection = connect(acme, "anthropic")
    read(connection)
    before, due = stored(connection), fresh(connection).next_sync_at

    with time_machine.travel(now + off):
        assert sync.step(acme.pk, connection.pk) is None  # for neither of them it is due
        due_again(connection)
        read(connection)

    assert stored(connection) == before
    assert abs(fresh(connection).next_sync_at - due) < timedelta(minutes=10)


@off
def test_s3_5_clock_skew_a_lease_ends_by_the_databases_clock(off, acme, connect, now, tmp_path):
    connection = connect(acme, "anthropic")
    in_a_child("sync.after_read", tmp_path, lambda: sync.step(acme.pk, connection.pk))

    with time_machine.travel(now + off):
        assert sync.step(acme.pk, connection.pk) is None
        lease_runs_out(connection)
        assert sync.step(acme.pk, connection.pk) is not None


@off
def test_s3_5_clock_skew_of_the_web_does_not_matter_to_connecting(off, acme, connect, fake, now):
    with time_machine.travel(now + off):
        connection = connect(acme)

    read(connection)

    assert connection.account_id == fake.world.openai.id
    assert connection.history_from == (now - 9 * A_DAY).date()
    assert billed(connection) == truth(fake, now, "openai")


def test_s3_5_clock_skew_a_worker_a_day_ahead_is_still_heard(now):
    heartbeat = TASKS[0]
    message = current_app.amqp.as_task_v2("1", heartbeat.name, expires=heartbeat.expires)

    with time_machine.travel(now + A_DAY):
        assert parse_iso8601(message.headers["expires"]) > datetime.now(UTC)


# A worker that sleeps


def stopped_while_it_reads(work: Callable[[], object], *, is_reading: Callable[[], object]) -> int:
    """A process of its own, stopped (not killed) in the middle; its pid."""
    child = child_that_does(work)
    wait_for(is_reading, 20, "it reads")
    os.kill(child, signal.SIGSTOP)
    os.waitpid(child, os.WUNTRACED)
    return child


def test_s3_5_sigstop_a_worker_that_slept_past_its_lease_writes_nothing(acme, connect, fake, now, tmp_path):
    connection = connect(acme, "anthropic")
    fake.world.anthropic.settings.latency = 0.5
    fake.forget()
    told = tmp_path / "told"
    child = stopped_while_it_reads(
        lambda: told.write_text(str(sync.step(acme.pk, connection.pk))), is_reading=lambda: fake.asked("analytics")
    )
    fake.world.anthropic.settings.latency = 0

    assert sync.step(acme.pk, connection.pk) is None  # its lease still holds
    lease_runs_out(connection)
    revise(fake.world.anthropic.bills, {}, amount="12.5")  # what it has read is not true any more
    read(connection)
    before, mark = stored(connection), fresh(connection)
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)

    assert "outcome='superseded'" in told.read_text()
    assert stored(connection) == before
    assert billed(connection) == truth(fake, now, "anthropic")
    after = fresh(connection)
    assert (after.fence, after.next_sync_at, after.lease_until) == (mark.fence, mark.next_sync_at, None)


# Any order


@pytest.mark.parametrize("number", [60, pytest.param(1_000, marks=pytest.mark.long)])
def test_s3_5_out_of_order_tasks_leave_what_one_in_order_would(
    number, acme, elsewhere, connect, fake, now, monkeypatch
):
    monkeypatch.setattr(sync, "READING_SECONDS", 0)  # one window for each task
    mine = [connect(acme, "anthropic"), connect(acme, "openai", KEYS["openai.globex"])]
    every = [*mine, connect(elsewhere, "anthropic")]
    dice = random.Random(number)
    todo = [each for each in every for _ in range(number // (2 * len(every)))]
    todo += todo  # each message comes twice
    dice.shuffle(todo)

    for place, connection in enumerate(todo):
        tasks.sync_connection(str(connection.organization_id), str(connection.pk))
        if place % 40 == 20:
            revise(fake.world.anthropic.bills, {"at": dice.choice(fake.world.anthropic.bills).at}, amount=str(place))
        if place % 25 == 0:
            due_again(dice.choice(every))
        if place % 100 == 50:
            tasks.sync_due()
    for connection in every:
        due_again(connection)
    call_command("sweep")

    for connection in every:
        account = fake.world.openai_accounts[1] if connection.provider == "openai" else fake.world.anthropic
        assert billed(connection) == account.total_billed((now - 9 * A_DAY).date(), (now + A_DAY).date())
        assert fresh(connection).status == "healthy"
        assert is_at_rest(connection)
    for organization in (acme, elsewhere):
        call_command("audit_rollups", org=organization.slug)


# A person ends it meanwhile


@pytest.mark.parametrize("data", ["keep", "delete"])
def test_b52_a_connection_that_is_ended_during_a_reading_by_another_process_takes_nothing_more(
    data, acme, alice, connect, fake, tmp_path
):
    connection = connect(acme, "anthropic")
    read(connection)
    before, account = stored(connection), fake.world.anthropic
    due_again(connection)
    revise(account.bills, {}, amount="12.5")
    account.settings.latency = 0.5
    fake.forget()
    told = tmp_path / "told"
    child = stopped_while_it_reads(
        lambda: told.write_text(str(sync.step(acme.pk, connection.pk))), is_reading=lambda: fake.asked("analytics")
    )
    account.settings.latency = 0

    path = f"/providers/{connection.pk}/disconnect/"
    answer = Browser(alice).post(path, {"data": data, "typed": connection.name})
    with organization_scope(acme.pk):
        keys = list(SealedCredential.objects.values_list("destroyed_at", "ciphertext", "wrapped_key"))
    os.kill(child, signal.SIGCONT)
    os.waitpid(child, 0)

    assert answer.status_code == 302
    assert [key for key in keys if key[0] is None or key[1] or key[2]] == []  # gone while the other still slept
    assert "outcome='superseded'" in told.read_text()
    assert stored(connection) == (before if data == "keep" else [])
    with organization_scope(acme.pk):
        left = Connection.objects.filter(pk=connection.pk).values_list("status", "next_sync_at", "lease_until")
        assert list(left) == ([("disconnected", None, None)] if data == "keep" else [])
        assert not KeptAnswer.objects.exists()
        assert ReadWindow.objects.exists() is (data == "keep")
    assert sync.step(acme.pk, connection.pk) is None

"""A worker or a web process dies at each step: nothing is lost, nothing is doubled (reliability §3.3, C3, C5)."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connections

from providers import connecting, disconnecting, sync
from providers.connectors import CONNECTORS
from providers.models import Connection, KeptAnswer, ReadWindow, SealedCredential
from tests.dying import KILLED, in_a_child
from tests.providers.conftest import KEYS, billed, fresh, lease_runs_out, read, secret, stored
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker, pytest.mark.usefixtures("short")]


@pytest.mark.parametrize(
    "point",
    [
        "sync.after_claim",
        "sync.after_read",
        "sync.before_commit",
        "sync.after_commit",
        "sync.before_leave",
        "sync.after_leave",
    ],
)
def test_c5_s3_3_a_worker_killed_anywhere_loses_and_doubles_nothing(point, acme, connect, fake, now, tmp_path):
    connection = connect(acme, "anthropic")
    fake_total = fake.world.anthropic.total_billed((now - timedelta(days=9)).date(), (now + timedelta(days=1)).date())

    ended = in_a_child(point, tmp_path, lambda: sync.step(acme.pk, connection.pk))
    lease_runs_out(connection)
    read(connection)

    assert ended == KILLED
    assert billed(connection) == fake_total
    found = fresh(connection)
    assert found.status == "healthy"
    assert found.lease_until is None
    assert found.next_sync_at > now
    with organization_scope(acme.pk):
        assert not ReadWindow.objects.filter(read_at=None).exists()
    before = stored(connection)
    call_command("audit_rollups", org=acme.slug)
    assert stored(connection) == before


@pytest.mark.parametrize("point", ["sync.before_set_aside", "sync.after_set_aside", "sync.after_read"])
def test_c5_s3_3_a_worker_killed_between_the_steps_of_a_window_loses_and_doubles_nothing(
    point, acme, connect, fake, now, tmp_path, monkeypatch
):
    connection = connect(acme, "anthropic")
    fake_total = fake.world.anthropic.total_billed((now - timedelta(days=9)).date(), (now + timedelta(days=1)).date())
    monkeypatch.setattr(sync, "ROWS_A_SECOND", 0)  # every window with rows waits for a step of its own

    ended = in_a_child(point, tmp_path, lambda: read(connection))
    lease_runs_out(connection)
    read(connection)

    assert ended == KILLED
    assert billed(connection) == fake_total
    assert fresh(connection).status == "healthy"
    with organization_scope(acme.pk):
        assert not KeptAnswer.objects.exists()
    call_command("audit_rollups", org=acme.slug)


def test_c4_until_the_lease_runs_out_nobody_else_reads(acme, connect, tmp_path):
    connection = connect(acme, "anthropic")

    in_a_child("sync.after_read", tmp_path, lambda: sync.step(acme.pk, connection.pk))

    assert sync.step(acme.pk, connection.pk) is None
    lease_runs_out(connection)
    assert sync.step(acme.pk, connection.pk) is not None


@pytest.mark.parametrize(("point", "is_there"), [("connect.before_commit", False), ("connect.after_commit", True)])
def test_s3_3_a_web_process_killed_while_connecting_leaves_all_or_nothing(point, is_there, acme, fake, tmp_path):
    def connect() -> None:
        connecting.connect(acme, CONNECTORS["anthropic"], secret(KEYS["anthropic"]), by=None)

    ended = in_a_child(point, tmp_path, connect)

    assert ended == KILLED
    with organization_scope(acme.pk):
        assert Connection.objects.exists() is is_there
        assert SealedCredential.objects.exists() is is_there
        assert ReadWindow.objects.exists() is is_there


def test_c3_without_redis_the_sweep_alone_finishes_everything(acme, elsewhere, connect, fake, settings, capsys):
    settings.CELERY_BROKER_URL = "redis+socket:///nowhere/redis.sock"
    mine, theirs = connect(acme, "anthropic"), connect(elsewhere, "anthropic")

    call_command("sweep")

    assert fresh(mine).status == fresh(theirs).status == "healthy"
    assert billed(mine) == billed(theirs) > 0
    assert "Everything that was due is done" in capsys.readouterr().out


def test_c15_five_workers_at_once_are_one(acme, connect, fake):
    import threading

    connection = connect(acme, "anthropic")
    together, done = threading.Barrier(5), []

    def work() -> None:
        together.wait(10)
        done.append(sync.step(acme.pk, connection.pk))
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    read(connection)

    assert len([step for step in done if step]) == 1
    asked = [(seen.path, tuple(seen.query.get("starting_at", ())), seen.page) for seen in fake.asked("analytics/cost")]
    assert len(asked) >= 1
    assert fresh(connection).status == "healthy"


@pytest.mark.parametrize("point", ["sync.after_read", "sync.before_commit", "sync.after_commit"])
def test_c5_s3_3_a_worker_killed_while_days_change_hands_counts_them_once(point, acme, connect, fake, tmp_path):
    first = connect(acme, "anthropic")
    read(first)
    before = billed(first)
    with organization_scope(acme.pk):
        disconnecting.disconnect(acme, first, data="keep", by=None)
        Connection.objects.filter(pk=first.pk).update(account_id="", project_ids=[])
    start = int(fake.world.clock()) // 86_400 * 86_400 - 86_400
    account = fake.world.anthropic  # an idle yesterday, so that trying the key names no workspace
    kept = (account.usage, account.bills)
    idle = [[fact for fact in facts if not start <= fact.at < start + 86_400] for facts in kept]
    account.usage, account.bills = idle
    second = connect(acme, "anthropic", KEYS["anthropic.enterprise"])
    account.usage, account.bills = kept

    ended = in_a_child(point, tmp_path, lambda: sync.step(acme.pk, second.pk))
    lease_runs_out(second)
    between = billed(first) + billed(second)
    read(second)

    assert second != first
    assert ended == KILLED
    assert between == before
    assert (billed(first), billed(second)) == (0, before)
    call_command("audit_rollups", org=acme.slug)

"""Two keys of one account: every day is counted once, however late it turns out that they are of one (product §3)."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connections
from django.db.models import Sum

from accounts.models import AuditLine
from providers import disconnecting, pausing, plan, rotating, sync
from providers.connecting import AlreadyConnected
from providers.models import Connection, ReadWindow
from tests.providers.conftest import KEYS, due_again, fresh, read, secret, words
from tokentra.lib.tenancy import organization_scope
from usage.models import DayDimension, LedgerDay, UsageRecord

pytestmark = [pytest.mark.django_db, pytest.mark.worker, pytest.mark.usefixtures("short")]

REFUSED = {"action": "status", "status": 403, "message": "no"}
NOTHING_TELLS = [{"match": {"path": "costs|projects"}, "do": REFUSED}]
USAGE_ONLY = KEYS["openai.usage_only"]


def figures(organization) -> tuple[Decimal, int]:
    """Dollars and tokens that stand in totals, whichever connection they came through."""
    with organization_scope(organization.pk):
        by_model = DayDimension.objects.filter(dimension="model")
        dollars = by_model.filter(counted=True, currency="USD").aggregate(total=Sum("amount"))["total"]
        tokens = by_model.filter(tokens_counted=True).aggregate(total=Sum("input") + Sum("output"))["total"]
        return dollars or Decimal(0), tokens or 0


def ended(organization, connection: Connection) -> Connection:
    with organization_scope(organization.pk):
        disconnecting.disconnect(organization, connection, data="keep", by=None)
    return connection


def days_of(connection: Connection) -> set:
    with organization_scope(connection.organization_id):
        return set(UsageRecord.objects.filter(connection_id=connection.pk).values_list("day", flat=True))


@pytest.fixture
def idle_yesterday(fake, now):
    """What is tried before connecting names nobody: yesterday has no figures."""
    start = int(now.timestamp()) // 86400 * 86400 - 86400
    for account in (fake.world.openai, fake.world.openai_accounts[1], fake.world.anthropic):
        for facts in (account.usage, account.bills):
            facts[:] = [
                replace(fact, at=fact.at - 86400) if start <= fact.at < start + 86400 else fact for fact in facts
            ]


@pytest.fixture
def one_window_a_step(monkeypatch):
    monkeypatch.setattr(sync, "READING_SECONDS", 0)


def without_ids(fake) -> None:
    """Figures that name neither a project nor a key."""
    account = fake.world.openai
    for facts in (account.usage, account.bills):
        facts[:] = [replace(fact, project_id=None, api_key_id=None) for fact in facts]


# Before anything is read


def test_b48_projects_in_figures_prove_that_an_account_is_connected_already(acme, connect, fake):
    fake.script(NOTHING_TELLS)
    first = connect(acme)
    read(first)

    with pytest.raises(AlreadyConnected) as refused:
        connect(acme, key=USAGE_ONLY)

    assert refused.value.connection == first


def test_an_account_that_was_here_is_known_again_by_the_projects_in_its_figures(acme, connect, fake):
    first = connect(acme)
    read(first)
    before = figures(acme)
    ended(acme, first)
    fake.script(NOTHING_TELLS)

    again = connect(acme, key=USAGE_ONLY)
    read(again)

    assert again == first
    assert figures(acme) == before


def test_a_claude_enterprise_key_is_known_again_by_its_workspaces(acme, connect, fake):
    first = connect(acme, "anthropic")
    read(first)
    ended(acme, first)

    assert connect(acme, "anthropic", KEYS["anthropic.enterprise"]) == first


# While reading: the account was here before and its data was kept


@pytest.mark.usefixtures("idle_yesterday", "one_window_a_step")
def test_days_that_were_kept_are_taken_over_and_at_no_moment_counted_twice(acme, connect, fake, monkeypatch):
    first = connect(acme)
    read(first)
    before, kept = figures(acme), days_of(first)
    ended(acme, first)
    fake.script(NOTHING_TELLS)
    monkeypatch.setattr(plan, "HISTORY_DAYS", 5)
    second = connect(acme, key=USAGE_ONLY)

    while done := sync.step(acme.pk, second.pk):
        assert figures(acme) == before
        if not done.is_more:
            break

    assert second != first
    assert fresh(second).status == "degraded"
    taken = {day for day in kept if day >= second.history_from}
    assert days_of(second) == taken
    assert days_of(first) == kept - taken
    assert taken
    assert kept - taken
    with organization_scope(acme.pk):
        assert AuditLine.objects.filter(action="connection_taken_over").count() == 1
    call_command("audit_rollups", org=acme.slug)


@pytest.mark.usefixtures("idle_yesterday")
def test_a_bill_that_the_new_key_may_not_read_goes_on_counting(acme, connect, fake):
    first = connect(acme)
    read(first)
    ended(acme, first)
    fake.script(NOTHING_TELLS)

    second = connect(acme, key=USAGE_ONLY)
    read(second)

    with organization_scope(acme.pk):
        billed = UsageRecord.objects.filter(ledger="billed")
        assert set(billed.values_list("connection_id", flat=True)) == {second.pk}
        assert LedgerDay.objects.filter(connection_id=second.pk, counted="bill").exists()


@pytest.mark.usefixtures("idle_yesterday")
def test_what_is_new_since_then_is_added_once(acme, connect, fake):
    first = connect(acme)
    read(first)
    before = figures(acme)
    ended(acme, first)
    fact = fake.world.openai.usage[0]
    fake.world.openai.usage.append(replace(fact, at=fact.at + 3600, text_in=1_000, cached_text=0, text_out=10))
    fake.script(NOTHING_TELLS)

    second = connect(acme, key=USAGE_ONLY)
    read(second)
    due_again(second)
    read(second)

    assert figures(acme)[1] == before[1] + 1_010


@pytest.mark.usefixtures("idle_yesterday")
def test_figures_without_any_id_are_put_right_when_a_bill_names_the_account(acme, connect, fake):
    without_ids(fake)
    first = connect(acme)
    read(first)
    before = figures(acme)
    ended(acme, first)
    fake.script(NOTHING_TELLS)
    second = connect(acme, key=USAGE_ONLY)
    read(second)
    assert figures(acme)[1] == 2 * before[1]  # nobody can know yet
    fake.script([])

    with organization_scope(acme.pk):
        pausing.resync(second, by=None)
    read(second)

    assert fresh(second).account_id == fake.world.openai.id
    assert figures(acme) == before
    assert days_of(first) == set()


@pytest.mark.usefixtures("idle_yesterday")
def test_an_account_that_is_known_only_after_its_key_was_replaced_takes_over_too(acme, alice, connect, fake):
    without_ids(fake)
    first = connect(acme)
    read(first)
    before = figures(acme)
    ended(acme, first)
    fake.script(NOTHING_TELLS)
    second = connect(acme, key=USAGE_ONLY)
    fake.script([])
    rotating.replace_credentials(acme, second, secret(KEYS["openai"]), by=alice)

    read(second)
    due_again(second)
    read(second)

    assert figures(acme) == before


# While reading: the account is connected already


@pytest.mark.usefixtures("idle_yesterday")
def test_two_keys_that_tell_nothing_are_found_out_by_what_they_read(acme, connect, fake, now):
    fake.script(NOTHING_TELLS)
    first = connect(acme)
    second = connect(acme, key=USAGE_ONLY)
    read(first)
    before = figures(acme)

    read(second)

    assert (first.account_id, second.account_id) == ("", "")
    assert (fresh(second).status, fresh(second).blocked) == ("broken", "same_account")
    assert fresh(second).next_sync_at is None
    assert figures(acme) == before
    assert days_of(second) == set()
    assert "account that is connected already" in words(second, now).text
    assert "Nothing was counted twice" in words(second, now).text


@pytest.mark.usefixtures("idle_yesterday")
def test_the_later_connection_is_stopped_also_when_the_earlier_one_finds_out(acme, connect, fake):
    fake.script(NOTHING_TELLS)
    first = connect(acme)
    second = connect(acme, key=USAGE_ONLY)
    read(second)
    before = figures(acme)

    read(first)

    assert (fresh(second).status, fresh(second).blocked) == ("broken", "same_account")
    assert fresh(first).status == "degraded"
    assert figures(acme) == before
    assert days_of(second) == set()
    with organization_scope(acme.pk):
        assert not ReadWindow.objects.filter(connection=second, due_at=None).exists()


@pytest.mark.usefixtures("idle_yesterday")
def test_b48_figures_without_any_id_are_dropped_when_a_bill_names_an_account_that_is_connected(acme, connect, fake):
    without_ids(fake)
    first = connect(acme)
    read(first)
    before = figures(acme)
    fake.script(NOTHING_TELLS)
    second = connect(acme, key=USAGE_ONLY)
    read(second)
    assert figures(acme)[1] == 2 * before[1]  # nobody can know yet
    fake.script([])

    with organization_scope(acme.pk):
        pausing.resync(second, by=None)
    read(second)

    assert fresh(second).blocked == "same_account"
    assert figures(acme) == before


@pytest.mark.usefixtures("idle_yesterday")
def test_a_list_of_projects_that_may_be_read_later_finds_it_out_too(acme, connect, fake):
    fake.world.openai.usage.clear()
    fake.world.openai.bills.clear()
    first = connect(acme)
    fake.script(NOTHING_TELLS)
    second = connect(acme, key=USAGE_ONLY)
    read(second)
    assert fresh(second).blocked == ""
    fake.world.openai.keys[1] = replace(fake.world.openai.keys[1], scopes=("api.usage.read", "api.management.read"))
    fake.script([])

    with organization_scope(acme.pk):
        Connection.objects.filter(pk=second.pk).update(names_read_at=None, next_sync_at=fresh(second).created_at)
    read(second)

    assert fresh(first).blocked == ""
    assert fresh(second).blocked == "same_account"


@pytest.mark.usefixtures("idle_yesterday")
def test_accounts_that_share_nothing_are_left_alone(acme, connect, fake):
    fake.script([{"match": {"path": "costs|projects"}, "do": REFUSED}])
    ours, theirs = connect(acme), connect(acme, key=KEYS["openai.globex"])

    read(ours)
    read(theirs)
    due_again(ours)
    read(ours)

    assert [fresh(each).blocked for each in (ours, theirs)] == ["", ""]
    assert days_of(ours)
    assert days_of(theirs)


@pytest.mark.usefixtures("idle_yesterday")
def test_another_organization_that_reads_the_same_account_is_nobodys_business(acme, elsewhere, connect, fake):
    fake.script(NOTHING_TELLS)
    mine, theirs = connect(acme), connect(elsewhere, key=USAGE_ONLY)

    read(mine)
    read(theirs)

    assert [fresh(each).blocked for each in (mine, theirs)] == ["", ""]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("idle_yesterday", "one_window_a_step")
def test_c15_two_that_read_the_same_at_once_count_once(acme, connect, fake):
    fake.script(NOTHING_TELLS)
    both = [connect(acme), connect(acme, key=USAGE_ONLY)]
    together = threading.Barrier(2)

    def work(connection: Connection) -> None:
        together.wait(10)
        read(connection)
        connections.close_all()

    threads = [threading.Thread(target=work, args=[each]) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    first, second = both
    read(first)

    assert (fresh(first).blocked, fresh(second).blocked) == ("", "same_account")
    assert days_of(second) == set()
    once = figures(acme)
    with organization_scope(acme.pk):
        disconnecting.disconnect(acme, fresh(second), data="delete", by=None)
    assert figures(acme) == once
    assert once[1] > 0


def test_the_days_of_a_gone_account_go_with_whoever_reads_it_next(acme, connect, fake, now):
    """Three times disconnected and connected by keys that tell less and less: the figures are those of one."""
    first = connect(acme)
    read(first)
    before = figures(acme)
    ended(acme, first)
    fake.script(NOTHING_TELLS)
    for key in (USAGE_ONLY, KEYS["openai"]):
        again = connect(acme, key=key)
        read(again)
        assert figures(acme) == before
        ended(acme, again)

    with organization_scope(acme.pk):
        held = LedgerDay.objects.values_list("day", flat=True)
        assert len(held) == len(set(held))
        assert min(held) >= (now - timedelta(days=40)).date()

"""Reading: what is stored equals what was served, whatever goes wrong on the way (reliability §3.4, decisions 22 to 24)."""

from datetime import timedelta
from decimal import Decimal

import pytest

from accounts.models import JournalEntry
from providers import pausing, sync
from providers.connectors import CONNECTORS
from providers.connectors.openai import OpenAI
from providers.models import Connection, ReadWindow, SyncRun
from tests.fake_provider.world import revise
from tests.providers.conftest import billed, due_again, endpoints, fresh, read, stored, words
from tokentra.lib.tenancy import organization_scope
from usage.models import Label, Revision, UsageRecord

pytestmark = [pytest.mark.django_db, pytest.mark.worker, pytest.mark.usefixtures("short")]

COSTS = {"provider": "openai", "path": "/organization/costs"}
MINUTES = timedelta(minutes=1)


def truth(fake, now, provider="openai") -> Decimal:
    account = fake.world.account(provider)
    return account.total_billed((now - timedelta(days=9)).date(), (now + timedelta(days=1)).date())


def stopped(connection: Connection) -> tuple[str, str]:
    found = fresh(connection)
    assert found.next_sync_at is None
    assert found.lease_until is None
    return found.status, found.blocked


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_what_is_stored_equals_what_was_served_to_the_last_digit(provider, acme, connect, fake, now):
    connection = connect(acme, provider)

    read(connection)

    assert billed(connection) == truth(fake, now, provider)
    found = fresh(connection)
    assert found.status == "healthy"
    assert found.first_read_at is not None
    assert found.next_sync_at > now + 50 * MINUTES
    with organization_scope(acme.pk):
        assert JournalEntry.objects.filter(event="provider_sync_completed").count() == 1
        assert Label.objects.filter(dimension="project").exists()
        assert SyncRun.objects.get().outcome == "ok"


def test_c5_reading_again_changes_nothing(acme, connect, now):
    connection = connect(acme)
    read(connection)
    before = stored(connection)

    due_again(connection)
    read(connection)

    assert stored(connection) == before
    with organization_scope(acme.pk):
        assert not Revision.objects.exists()


def test_c3_a_connection_that_is_not_due_is_left_alone(acme, connect, fake):
    connection = connect(acme)
    read(connection)
    fake.forget()

    assert sync.step(acme.pk, connection.pk) is None
    assert fake.requests == []


def test_s3_4_a_revised_day_is_written_over_and_noted(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    bill = next(
        each
        for each in fake.world.openai.bills
        if each.currency == "usd"
        and each.amount
        and each.at < int(now.timestamp()) - 3 * 86400
        and each.at > int(now.timestamp()) - 7 * 86400
    )
    revise(
        fake.world.openai.bills,
        {"at": bill.at, "line_item": bill.line_item, "project_id": bill.project_id, "api_key_id": bill.api_key_id},
        amount="77.25",
    )

    due_again(connection)
    read(connection)

    assert billed(connection) == truth(fake, now)
    with organization_scope(acme.pk):
        assert Revision.objects.filter(endpoint="costs").count() == 1


# Faults of a provider


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 500},
        {"action": "status", "status": 503},
        {"action": "reset"},
        {"action": "truncated"},
        {"action": "gzip_bomb"},
        {"action": "html"},
        {"action": "redirect"},
        {"action": "more_without_cursor"},
    ],
    ids=lambda fault: fault["action"] + str(fault.get("status", "")),
)
def test_s3_4_an_outage_of_one_endpoint_is_shown_with_its_times_and_stores_nothing(fault, acme, connect, fake, now):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": fault}])

    read(connection)

    assert billed(connection) == 0
    assert fresh(connection).status == "failing"
    said = words(connection, now)
    assert "navailable since" in said.text
    assert "next try" in said.text
    assert "there are no figures yet" in said.text
    state = endpoints(connection)["costs"]
    assert state.retry_at >= now + 14 * MINUTES
    assert endpoints(connection)["usage.completions"].outcome == "ok"


def test_s3_4_after_an_outage_everything_is_there(acme, connect, fake, now):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": {"action": "status", "status": 500}}])
    read(connection)
    fake.script([])

    read(connection, now=now + 20 * MINUTES)

    assert billed(connection) == truth(fake, now)
    assert fresh(connection).status == "healthy"


def test_s3_4_an_outage_does_not_touch_what_was_read_before(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    before = stored(connection)
    fake.script([{"do": {"action": "status", "status": 502}}])

    due_again(connection)
    read(connection)

    assert stored(connection) == before
    assert fresh(connection).status == "failing"
    assert "figures as of" in words(connection, now).text


@pytest.mark.parametrize(
    ("asked", "minutes"), [("120", 2), (None, 0.5), ("999999", 60)], ids=["header", "no header", "absurd"]
)
def test_s3_4_a_rate_limit_is_waited_for_and_shown_with_its_next_try(asked, minutes, acme, connect, fake, now):
    connection = connect(acme)
    do = {"action": "status", "status": 429} | ({"headers": {"retry-after": asked}} if asked else {})
    fake.script([{"match": COSTS, "do": do}])

    read(connection)

    found = fresh(connection)
    assert found.blocked == "slowed"
    wait = (found.wait_until - now).total_seconds()
    assert minutes * 60 - 5 <= wait <= minutes * 60 + 30
    assert found.next_sync_at == found.wait_until
    assert "slowed by the provider, next try" in words(connection, now).text.lower()


def test_s3_4_a_rate_limit_that_is_over_is_forgotten(acme, connect, fake, now):
    connection = connect(acme)
    fake.script([{"match": COSTS | {"times": 1}, "do": {"action": "rate_limited"}}])
    read(connection)

    read(connection, now=now + 61 * MINUTES)

    assert fresh(connection).blocked == ""
    assert billed(connection) == truth(fake, now)


def test_b47_decision_24_a_key_that_worked_is_given_up_after_three_refusals_over_an_hour(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    before = stored(connection)
    fake.script([{"do": {"action": "status", "status": 401}}])

    due_again(connection)
    statuses = []
    for minutes in (1, 32, 63):
        read(connection, now=now + minutes * MINUTES)
        statuses.append(fresh(connection).status)

    assert statuses == ["failing", "failing", "broken"]
    assert stopped(connection) == ("broken", "key_refused")
    assert stored(connection) == before
    assert "rejected the key" in words(connection, now).text
    fake.forget()
    assert sync.step(acme.pk, connection.pk, now=now + timedelta(days=3)) is None
    assert fake.requests == []


def test_decision_24_one_refusal_does_not_end_a_working_connection(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    fake.script([{"match": {"times": 1}, "do": {"action": "status", "status": 401}}])

    due_again(connection)
    read(connection)
    refused = fresh(connection).status
    read(connection, now=now + 40 * MINUTES)

    assert refused == "failing"
    assert fresh(connection).status == "healthy"


def test_b47_a_permission_that_went_away_is_believed_after_an_hour_and_named(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    fake.script([{"match": COSTS, "do": {"action": "unauthorized_wave"}}])

    due_again(connection)
    statuses = []
    for minutes in (1, 35, 70):
        read(connection, now=now + minutes * MINUTES)
        statuses.append(fresh(connection).status)

    assert statuses == ["healthy", "healthy", "degraded"]
    assert "no access to: Costs" in words(connection, now).text
    assert fresh(connection).next_sync_at is not None


def test_a_key_that_may_read_nothing_any_more_needs_a_person_who_may_try_it_again(acme, alice, connect, fake, now):
    connection = connect(acme)
    read(connection)
    fake.script([{"match": {"path": "organization/(costs|usage)"}, "do": {"action": "unauthorized_wave"}}])
    for minutes in (1, 35, 70):
        due_again(connection)
        read(connection, now=now + minutes * MINUTES)
    was = stopped(connection)
    fake.script([])

    with organization_scope(acme.pk):
        pausing.resume(connection, by=alice)
    read(connection)

    assert was == ("broken", "")
    assert fresh(connection).status == "healthy"


def test_a_new_day_is_todays_work_and_no_first_sync(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    statuses = set()
    tomorrow = now
    while not statuses or tomorrow < now + timedelta(days=8):
        tomorrow += timedelta(days=1)
        fake.world.now = int(tomorrow.timestamp())
        sync.step(acme.pk, connection.pk, now=tomorrow)
        statuses.add(fresh(connection).status)

    assert statuses == {"healthy"}
    with organization_scope(acme.pk):
        assert ReadWindow.objects.filter(start__gt=now).exists()


def test_s3_4_bad_rows_are_listed_good_ones_kept_and_the_window_stays_incomplete(acme, connect, fake, now):
    connection = connect(acme)
    fake.script([{"match": COSTS, "do": {"action": "bad_row", "kind": "nan_amount"}}])

    read(connection)

    with organization_scope(acme.pk):
        windows = ReadWindow.objects.filter(endpoint="costs").exclude(problem="")
        assert windows.exists()
        assert set(windows.values_list("read_at", flat=True)) == {None}
        said = windows.first().problem
        assert said.startswith("Not everything could be understood. A row of ")
        assert "rows could" not in said
        assert UsageRecord.objects.filter(ledger="billed").exists()
    assert fresh(connection).status == "degraded"
    assert "could not be understood" in words(connection, now).text


def test_s3_4_bad_rows_take_nothing_away_from_what_was_read_before(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    before = stored(connection)
    revise(fake.world.openai.bills, {"currency": "usd"}, amount="NaN")

    due_again(connection)
    read(connection)

    assert stored(connection) == before


def test_s3_4_decision_23_a_window_that_is_suddenly_empty_is_believed_at_the_second_look(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    whole = billed(connection)
    fake.world.openai.bills.clear()

    due_again(connection)
    read(connection)
    at_once = billed(connection)
    due_again(connection)
    read(connection, now=now + 30 * MINUTES)
    too_early = billed(connection)
    read(connection, now=now + 70 * MINUTES)

    assert whole > 0
    assert at_once == too_early == whole
    assert billed(connection) == 0


def test_s3_4_another_account_that_answers_is_stopped_and_nothing_is_stored(acme, connect, fake, now):
    connection = connect(acme)
    read(connection)
    before = stored(connection)
    globex = fake.world.openai_accounts[1].id
    fake.script([{"match": COSTS, "do": {"action": "other_account", "account": globex}}])

    due_again(connection)
    read(connection)

    assert stopped(connection) == ("broken", "other_account")
    with organization_scope(acme.pk):
        assert not UsageRecord.objects.exclude(connection_id=connection.pk).exists()
    assert [row for row in stored(connection) if row not in before] == []
    assert "another account than Acme" in words(connection, now).text


def test_s3_4_a_providers_first_day_is_taken_at_its_word(acme, connect, fake, now):
    connection = connect(acme, "anthropic")
    first = (now - timedelta(days=3)).date()
    sentence = f"starting_at must not be earlier than {first.isoformat()}"
    body = {"type": "error", "error": {"type": "invalid_request_error", "message": sentence}}
    oldest = (now - timedelta(days=9)).date().isoformat()
    fake.script(
        [{"match": {"query": f"starting_at={oldest}"}, "do": {"action": "status", "status": 400, "body": body}}]
    )

    read(connection)

    states = [state for name, state in endpoints(connection).items() if name.startswith(("usage", "cost"))]
    assert fresh(connection).status == "healthy"
    assert {state.earliest for state in states} == {first}
    with organization_scope(acme.pk):
        assert not ReadWindow.objects.filter(read_at=None).exists()


class Stumbling(OpenAI):
    """Has a fault of its own in reading costs."""

    def read(self, http, credentials, endpoint, start, end, now):
        if endpoint.name == "costs":
            raise KeyError("quantity")
        return super().read(http, credentials, endpoint, start, end, now=now)


def test_c8_a_fault_of_ours_in_one_endpoint_is_told_and_the_others_are_read(acme, connect, monkeypatch):
    connection = connect(acme, "openai")
    monkeypatch.setitem(CONNECTORS, "openai", Stumbling())

    first = sync.step(acme.pk, connection.pk)
    read(connection)

    assert (first.outcome, first.windows) == ("unexpected", 0)
    assert fresh(connection).lease_until is None
    assert endpoints(connection)["costs"].failures == 1
    assert endpoints(connection)["usage.completions"].last_success_at
    assert billed(connection) == 0


# Who may write


def test_c4_a_worker_that_was_overtaken_writes_nothing(acme, connect, now):
    from providers import claiming, recording

    connection = connect(acme)
    slow = claiming.claim(acme.pk, connection.pk)
    with organization_scope(acme.pk):
        Connection.objects.filter(pk=connection.pk).update(lease_until=now - timedelta(seconds=1))
    fast = claiming.claim(acme.pk, connection.pk)

    with organization_scope(acme.pk), pytest.raises(claiming.Superseded):
        claiming.hold(slow)
    with organization_scope(acme.pk):
        assert claiming.hold(fast).pk == connection.pk
    assert recording.leave(slow, sync.Step(now, now)) is False
    assert fresh(connection).lease_until is not None


def test_c4_a_connection_in_somebodys_hands_is_not_claimed(acme, connect):
    from providers import claiming

    connection = connect(acme)

    assert claiming.claim(acme.pk, connection.pk) is not None
    assert claiming.claim(acme.pk, connection.pk) is None


def test_c4_a_pause_stops_a_sync_at_its_next_transaction(acme, alice, connect):
    from providers import claiming

    connection = connect(acme)
    held = claiming.claim(acme.pk, connection.pk)
    with organization_scope(acme.pk):
        pausing.pause(connection, by=alice)

    with organization_scope(acme.pk), pytest.raises(claiming.Superseded):
        claiming.hold(held)
    assert stopped(connection) == ("paused", "")

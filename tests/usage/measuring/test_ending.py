"""An organization is deleted while events of it come, wait, or are added up: nothing of them is left behind."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from math import inf
from threading import Event as Signal

import pytest
from django.core.management import call_command
from django.db import connections

from accounts import closing, forgetting, team
from accounts.gates import unless_gone
from accounts.http import Credential
from accounts.models import Membership
from sdk_keys import ending
from tests.accounts.test_leaving import rows_by_table
from tests.product import wait_for
from tests.sdk_keys.conftest import issued
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.holding import held_open
from tests.usage.measuring.test_adding_up import assert_true_to_its_events, story
from tests.usage.measuring.test_catching_up import waits
from tests.usage.measuring.test_door import now, post
from tests.usage.measuring.test_repricing import own_price
from tests.usage.measuring.test_rezoning import move_to
from tests.usage.measuring.test_tags import choose, wait_over
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope
from usage import audit
from usage.measured import Event, MeasuredDay
from usage.measuring import adding_up_tags, catching_up, keeping, rebuilding, repricing, rezoning
from usage.repricing import Asked
from usage.tasks import add_up_events

pytestmark = [pytest.mark.worker, pytest.mark.django_db(transaction=True)]


def close(organization):
    with organization_scope(organization.pk, up_to_date=False):
        closing.close(organization)


def delete(organization):
    close(organization)
    assert closing.go_on() is False


def add_up(organization_id):
    while catching_up.add_up_next(organization_id):
        pass


def rebuild(organization_id):
    list(rebuilding.compare(organization_id, [NOON.date()], fix=True))


def rezone(organization_id):
    while rezoning.move_next(organization_id):
        pass


def add_up_tags(organization_id):
    while adding_up_tags.add_up_next(organization_id):
        pass


def reprice(organization_id):
    list(repricing.reprice(organization_id, Asked(), dry_run=False))


WORKS = [add_up, rebuild, rezone, add_up_tags, reprice]


@pytest.fixture
def much_to_do(acme, alice, send):
    """Something for each of them, and events that wait."""
    send(*(said | {"tags": {"region": "r1"}} for said in story(1, 20, days=1)))
    waits(acme, up_to_date=True)
    own_price(acme, "1")
    choose(acme, "region")
    wait_over(acme)
    move_to(acme, "Asia/Kolkata", by=alice)
    with organization_scope(acme.pk):
        MeasuredDay.objects.update(calls=7)
    send(*story(2, 10, days=1))


def test_what_comes_after_the_end_is_taken_out_by_the_sweep(acme, elsewhere, send):
    send(event(id="one"), event(id="one"), to=elsewhere)
    send(event(id="before"))
    delete(acme)

    send(event(id="after", tags={"region": "north"}), event(id="another", model="gpt-4o"))  # it is remembered
    assert rows_by_table(acme)
    add_up_events()

    assert rows_by_table(acme) == {}
    assert catching_up.due() == []
    assert waits(elsewhere) == (0, 1)


def test_values_of_tags_that_come_after_the_end_go_as_well(acme, send):
    choose(acme, "region")
    send(event(id="before", tags={"region": "north"}))
    delete(acme)

    assert send(event(id="after", tags={"region": "south"})).accepted == 1
    assert rows_by_table(acme)["usage_tagvalue"] == 1
    add_up_events()

    assert rows_by_table(acme) == {}


def test_a_request_of_which_something_is_noted_is_refused_whole_after_the_end(acme, send):
    send(event(id="before"))
    delete(acme)

    with pytest.raises(Problem) as refused, unless_gone(Credential(acme.pk, acme.pk, frozenset({"ingest"}), "live")):
        send(event(id="after"), event(id="wrong", tokens={"input": -1}))

    assert (refused.value.status, refused.value.code) == (401, "invalid_api_key")
    assert rows_by_table(acme) == {}


@pytest.mark.parametrize("work", WORKS)
def test_whatever_is_under_way_leaves_nothing_behind(work, acme, much_to_do, elsewhere):
    theirs = rows_by_table(elsewhere)
    close(acme)

    with held_open(acme.pk, work) as begin:
        ended = begin(end_all)

    ended.result()
    assert rows_by_table(acme) == {}
    assert rows_by_table(elsewhere) == theirs


@pytest.mark.parametrize("work", WORKS)
@pytest.mark.parametrize("is_waiting", [True, False])
def test_whoever_works_while_the_last_rows_go_ends_in_peace_and_leaves_nothing(is_waiting, work, acme, much_to_do):
    if not is_waiting:
        waits(acme, up_to_date=True)
    close(acme)

    with held_open(acme.pk, partial(closing.step, until=inf)) as begin:
        worked = begin(lambda: work(acme.pk))

    worked.result()
    assert rows_by_table(acme) == {}


def test_nobody_compares_or_prices_what_is_going(acme, elsewhere, much_to_do, send, capsys):
    send(event(id="one"), to=elsewhere)
    close(acme)
    assert closing.delete_some(acme.pk, Event)

    call_command("audit_rollups", fix=False)
    call_command("reprice", all=True, dry_run=True)

    assert audit.organizations() == [elsewhere.pk]
    assert "gone-" not in capsys.readouterr().out


def test_sums_of_what_comes_while_the_last_rows_go_are_not_left_either(acme, send):
    send(event(id="before"))
    close(acme)

    with held_open(acme.pk, partial(closing.step, until=inf)) as begin:
        send(event(id="after"))
        added_up = begin(lambda: add_up(acme.pk))

    added_up.result()
    assert rows_by_table(acme) == {}


def end_all():
    while closing.go_on():
        pass


@pytest.mark.parametrize(
    "work",
    [
        catching_up.add_up_next,
        adding_up_tags.add_up_next,
        rezoning.move_next,
        lambda pk: keeping.forget_a_day(pk, NOON.date()),
        lambda pk: list(audit.Audit(pk, fix=True).run()),
        lambda pk: list(repricing.reprice(pk, Asked(), dry_run=False)),
    ],
)
def test_nobody_who_comes_late_to_it_fails(work, acme, much_to_do):
    delete(acme)

    assert not work(acme.pk)
    assert rows_by_table(acme) == {}


def test_senders_are_answered_202_or_401_and_nothing_of_theirs_stays(acme, elsewhere, few):
    keys = {each.pk: issued(each, "ingest").clear for each in (acme, elsewhere)}
    answers, is_over = {pk: [] for pk in keys}, Signal()

    def come(pk):
        try:
            while not is_over.is_set():
                number = len(answers[pk])
                said = [now(id=f"{number}-{n}", customerId=f"c-{n}", model=f"m-{number % 5}") for n in range(20)]
                answers[pk].append(post(keys[pk], {"events": said}).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as threads:
        coming = [threads.submit(come, pk) for pk in (acme.pk, acme.pk, elsewhere.pk)]
        wait_for(lambda: len(answers[acme.pk]) > 5, 60, "some came")
        close(acme)
        end_all()
        wait_for(lambda: 401 in answers[acme.pk], 60, "they are refused")
        is_over.set()
        for each in coming:
            each.result()

    add_up_events()
    assert (set(answers[acme.pk]), set(answers[elsewhere.pk])) == ({202, 401}, {202})
    assert rows_by_table(acme) == {}
    assert waits(elsewhere) == (0, 20 * len(answers[elsewhere.pk]))


def key_revoked(acme, alice, bob, key):
    with organization_scope(acme.pk, up_to_date=False):
        ending.revoke(key, by=alice)


def member_removed(acme, alice, bob, key):
    with organization_scope(acme.pk, up_to_date=False):
        member = Membership.objects.get(organization=acme, user=bob)
        team.take_out(member, by=alice)


def account_deleted(acme, alice, bob, key):
    forgetting.forget(bob)


@pytest.mark.parametrize("end", [key_revoked, member_removed, account_deleted])
def test_what_waits_counts_though_whoever_sent_it_is_gone(end, acme, alice, bob):
    key = issued(acme, "ingest", by=bob)
    assert post(key.clear, {"events": [now(id=f"{n}", userId="bob") for n in range(3)]}).status_code == 202

    end(acme, alice, bob, key.key)
    answer = post(key.clear, now(id="later"))
    add_up_events()

    stored = 3 + (answer.status_code == 202)
    assert answer.status_code in {202, 401}
    assert waits(acme) == (0, stored)
    with organization_scope(acme.pk):
        held = MeasuredDay.objects.of("api_key").of_values([str(key.key.pk)])
        assert [row.calls for row in held] == [stored]
    assert_true_to_its_events(acme)

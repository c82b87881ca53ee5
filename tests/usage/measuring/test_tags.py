"""Tags that an organization has chosen are dimensions: their sums equal the events, however many values there are."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, connections
from django.db.models import F, Sum

from accounts import organizations
from accounts.models import Membership
from tests.product import wait_for
from tests.usage.measuring.conftest import NOON, event
from tests.usage.measuring.holding import held_open
from tests.waits import sessions_that_wait
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope
from usage.audit import Audit
from usage.measured import Event, MeasuredDay, SummedTag, TagValue
from usage.measuring import adding_up_tags, catching_up, choosing_tags, rezoning, telling_apart, tracking
from usage.zone_changes import ZoneChange

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def choose(organization, name):
    with organization_scope(organization.pk):
        tag = choosing_tags.choose(name, by=Membership.objects.get(organization=organization))
    tracking.forget()
    return tag


def wait_over(organization):
    """The seconds in which processes may not know of a tag yet are over."""
    with organization_scope(organization.pk):
        SummedTag.objects.filter(organization=organization).update(due_at=F("due_at") - timedelta(minutes=1))


@pytest.mark.django_db(transaction=True)
def test_nobody_who_chooses_one_waits_for_whoever_makes_sums(acme):
    with held_open(acme.pk, catching_up.add_up) as begin:
        assert begin(lambda: choose(acme, "region")).result(30).name == "region"


def story(number, count, *, values=4, days=3):
    dice = random.Random(number)
    return [
        event(
            id=f"{number}-{n}",
            occurredAt=(NOON - timedelta(hours=dice.randint(0, 24 * days))).isoformat(),
            model=dice.choice(["gpt-4o", "gpt-4o-mini"]),
            tags={
                name: text
                for name, text in {"region": f"r{dice.randint(1, values)}", "tier": dice.choice(["gold", "free"])}.items()
                if dice.random() < 0.8
            },
        )
        for n in range(count)
    ]  # fmt: skip


def summed(organization, name, by=""):
    with organization_scope(organization.pk):
        rows = MeasuredDay.objects.filter(dimension=f"tag:{name}", by=by)
        return {
            (row["value"], row["by_value"], row["day"]): (row["calls"], row["amount"])
            for row in rows.values("value", "by_value", "day").annotate(calls=Sum("calls"), amount=Sum("amount"))
        }


def expected(organization, name, by=""):
    found: Counter = Counter()
    money: dict = {}
    with organization_scope(organization.pk):
        for kept in Event.objects.all():
            if name in (kept.tags or {}):
                place = kept.tags[name], f"{kept.provider}/{kept.model}" if by else "", kept.zone_day
                found[place] += 1
                money[place] = money.get(place, Decimal(0)) + kept.amount
    return {place: (count, money[place]) for place, count in found.items()}


def test_a_chosen_tag_is_added_up_alone_and_by_model_and_no_other(acme, send):
    choose(acme, "region")
    told = story(1, 90)
    send(*told[:50])
    for each in told[50:]:
        send(each)
    send(*told)

    assert summed(acme, "region") == expected(acme, "region") != {}
    assert summed(acme, "region", by="model") == expected(acme, "region", by="model")
    assert summed(acme, "tier") == {}


def test_what_was_kept_before_is_added_up_afterwards_whatever_comes_meanwhile(acme, send):
    told = story(2, 120)
    send(*told[:60])
    choose(acme, "region")
    send(*told[60:90])
    assert not adding_up_tags.add_up_next(acme.pk)  # processes may not know of it yet
    wait_over(acme)

    steps = 0
    while adding_up_tags.add_up_next(acme.pk):
        steps += 1
        send(told[90 + steps])

    assert steps > 3
    assert summed(acme, "region") == expected(acme, "region")
    assert list(Audit(acme.pk).run()) == []
    with organization_scope(acme.pk):
        assert SummedTag.objects.get().due_at is None


def test_calls_that_move_to_a_day_that_is_done_are_told_apart_there(acme, alice, send):
    at = [(NOON - timedelta(hours=hours)).isoformat() for hours in range(40)]
    send(*(event(id=f"e{n}", occurredAt=each, tags={"region": "eu"}) for n, each in enumerate(at)))
    choose(acme, "region")
    wait_over(acme)
    for _ in range(2):  # up to the day of NOON
        adding_up_tags.add_up_next(acme.pk)
    with organization_scope(acme.pk):
        acme.timezone = "Pacific/Auckland"
        organizations.changed(acme, ["timezone"], by=alice)
        ZoneChange.objects.update(due_at=F("due_at") - timedelta(minutes=1))
    while rezoning.move_next(acme.pk):
        continue

    while adding_up_tags.add_up_next(acme.pk):
        continue

    assert summed(acme, "region") == expected(acme, "region")


@pytest.mark.worker
def test_due_tags_are_found_by_the_worker_and_finished(acme, send):
    send(*story(3, 30))
    choose(acme, "region")
    choose(acme, "tier")
    wait_over(acme)

    assert adding_up_tags.due()
    while adding_up_tags.add_up_due():
        continue

    assert adding_up_tags.due() == []
    assert summed(acme, "tier") == expected(acme, "tier") != {}


def test_a_tag_that_is_left_off_loses_its_sums_and_nothing_else(acme, send):
    tag = choose(acme, "region")
    choose(acme, "tier")
    send(*story(4, 40))
    with organization_scope(acme.pk):
        choosing_tags.leave_off(tag, by=Membership.objects.get(organization=acme))
    tracking.forget()
    send(*story(5, 40))

    assert summed(acme, "region") == {}
    assert summed(acme, "tier") == expected(acme, "tier")
    with organization_scope(acme.pk):
        assert set(TagValue.objects.values_list("name", flat=True)) == {"tier"}


@pytest.mark.django_db(transaction=True)
def test_a_tag_that_is_left_off_while_somebody_adds_up_by_it_loses_those_sums_too(acme, send):
    tag = choose(acme, "region")
    send(*story(4, 3))
    summed(acme, "region")
    send(*story(5, 3))

    with ThreadPoolExecutor(2) as others, closing(connection.copy()) as held, held.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"SET LOCAL app.org_id = '{acme.pk}'")
        cursor.execute("SELECT 1 FROM usage_measuredday WHERE dimension = 'all' FOR UPDATE")  # adding up waits for it
        adding = others.submit(in_a_session, lambda: catching_up.add_up_next(acme.pk))
        wait_for(lambda: sessions_that_wait() == 1, 30, "somebody adds up")
        leaving = others.submit(in_a_session, lambda: leave_off(acme, tag))
        wait_for(lambda: leaving.done() or sessions_that_wait() == 2, 30, "the tag is left off, or will be")
        cursor.execute("COMMIT")
        adding.result(30)
        leaving.result(30)

    assert summed(acme, "region") == {}


def in_a_session(work):
    try:
        work()
    finally:
        connections.close_all()


def leave_off(organization, tag):
    with organization_scope(organization.pk, up_to_date=False):
        choosing_tags.leave_off(tag, by=Membership.objects.get(organization=organization))


def test_a_tag_is_one_organizations_own(acme, elsewhere, send):
    choose(acme, "region")
    send(*story(6, 20), to=elsewhere)

    assert summed(elsewhere, "region") == {}


def test_b41_the_thousand_and_first_value_of_a_day_is_added_up_with_the_others(acme, send):
    most = telling_apart.MOST_VALUES
    choose(acme, "request")
    choose(acme, "tier")
    told = [event(id=f"e{n}", tags={"request": f"v{n:04}", "tier": "gold"}) for n in range(most + 5)]
    send(*told[:1000])
    send(*told[1000:])
    send(event(id="again", tags={"request": "v0000"}), event(id="new", tags={"request": "another"}))
    send(event(id="next day", occurredAt=(NOON + DAY).isoformat(), tags={"request": "another"}), now=NOON + DAY)

    found = summed(acme, "request")
    today = {value: calls for (value, _, day), (calls, _) in found.items() if day == NOON.date()}
    assert len(today) == most + 1
    assert (today["v0000"], today["(other)"]) == (2, 6)
    assert found["another", "", NOON.date() + DAY][0] == 1  # each day has room of its own
    assert sum(amount for _, amount in found.values()) == sum(
        amount for _, amount in expected(acme, "request").values()
    )
    assert summed(acme, "tier") == expected(acme, "tier")  # so has each tag
    assert list(Audit(acme.pk).run()) == []


@pytest.mark.django_db(transaction=True)
def test_b41_many_writers_keep_the_bound_and_every_cent(acme, send):
    choose(acme, "request")
    most = telling_apart.MOST_VALUES

    def write(number):
        try:
            for start in range(0, 600, 50):
                tags = [{"request": f"v{(start + n) * 4 + number}"} for n in range(50)]
                send(*(event(id=f"{number}-{start}-{n}", tags=each) for n, each in enumerate(tags)))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(4)))

    found = summed(acme, "request")
    assert len(found) == most + 1
    assert sum(calls for calls, _ in found.values()) == 2400
    assert sum(amount for _, amount in found.values()) == sum(
        amount for _, amount in expected(acme, "request").values()
    )


def test_b41_the_past_keeps_the_bound_as_well(acme, send):
    send(*(event(id=f"e{n}", tags={"request": f"v{n}"}) for n in range(1000)))
    send(*(event(id=f"f{n}", tags={"request": f"w{n}"}) for n in range(30)))
    choose(acme, "request")
    wait_over(acme)
    while adding_up_tags.add_up_next(acme.pk):
        continue

    assert summed(acme, "request")["(other)", "", NOON.date()][0] == 30


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "nul\0"])
def test_a_name_that_no_tag_has_is_refused(name, acme):
    with pytest.raises(Problem, match="1 to 64"):
        choose(acme, name)


def test_ten_tags_are_chosen_at_most_and_each_once(acme):
    for n in range(choosing_tags.MOST_CHOSEN):
        choose(acme, f"t{n}")
    assert choose(acme, "t0").name == "t0"

    with pytest.raises(Problem, match="Up to 10"):
        choose(acme, "one more")

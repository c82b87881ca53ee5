"""Sending: tried for days, in turns, once whoever dies, ended by 410 (B60, B61, C4)."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from accounts import delivery as mail
from accounts.mailed import OutboxMail
from budgets.channels import making, outcomes, sending
from budgets.channels.models import Channel, Delivery
from tests.budgets.alerting.channels_of import add, channel, due_now, fire, to_channels
from tests.budgets.alerting.conftest import deliveries
from tests.conftest import Browser
from tests.dying import KILLED, in_a_child
from tokentra.lib.http import Unavailable
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker]


def test_b60_a_webhook_that_is_down_for_days_is_tried_with_pauses_and_stays_undelivered(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)
    receiver.status = 503
    for _ in range(4):
        due_now(acme)
        sending.deliver_due()

    waiting = to_channels(acme)[0]
    assert (waiting.delivered_at, waiting.given_up_at, waiting.tries, waiting.status) == (None, None, 4, 503)
    assert waiting.next_try_at > timezone.now() + timedelta(minutes=10)
    assert "Not delivered yet" in Browser(alice).get(f"/alerts/{waiting.news.alert_id}/").content.decode()
    sending.deliver_due()
    assert len(receiver.taken) == 4, "not before its time"
    bodies = {body for _, body in receiver.taken}
    assert (len(bodies), len({headers["webhook-id"] for headers, _ in receiver.taken})) == (1, 1)

    receiver.status = 204
    due_now(acme)
    sending.deliver_due()
    assert to_channels(acme)[0].delivered_at is not None


def test_b61_a_channel_that_does_not_answer_is_asked_once_and_holds_up_nobody(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    for threshold in (50, 80, 100):
        fire(acme, threshold)
    receiver.status = 503

    sending.deliver_due()

    assert len(receiver.taken) == 1
    assert {each.next_try_at > timezone.now() for each in to_channels(acme)} == {True}


def test_b60_after_five_days_it_is_given_up(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)
    receiver.status = 500
    with organization_scope(acme.pk):
        Delivery.objects.filter(channel__isnull=False).update(created_at=timezone.now() - timedelta(days=5, minutes=1))

    sending.deliver_due()

    given_up = to_channels(acme)[0]
    assert (given_up.delivered_at, given_up.next_try_at) == (None, None)
    assert given_up.given_up_at is not None


@pytest.mark.parametrize(
    ("asked", "hours"), [(timedelta(hours=2), 2), (timedelta(days=3), 6), (timedelta(seconds=1), 1 / 60)]
)
def test_b60_a_receiver_may_ask_for_a_longer_pause_and_for_no_shorter_one(asked, hours, acme, alice, hook):
    add(Browser(alice), "webhook", hook[1])
    fire(acme)
    [waiting] = to_channels(acme)
    waiting.tries = 1

    with organization_scope(acme.pk):
        outcomes.note(waiting, channel(acme), outcomes.answered(429, asked), now=timezone.now())
        pause = Delivery.objects.filter(pk=waiting.pk).values_list(F("next_try_at") - Now(), flat=True).get()

    assert timedelta(hours=hours, seconds=-30) < pause <= timedelta(hours=hours)


def test_b61_410_disables_a_channel_with_a_notice_and_somebody_enables_it_again(acme, alice, hook, mailbox):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "webhook", url)
    fire(acme)
    receiver.status = 410

    sending.deliver_due()
    fire(acme, 100)
    sending.deliver_due()
    mail.deliver_due()

    held = channel(acme)
    assert "410" in held.why
    assert len(receiver.taken) == 1
    assert "Alerts no longer reach Desk" in [message["Subject"] for message in mailbox.messages]
    page = browser.get(f"/alerts/channels/{held.pk}/").content.decode()
    assert "Disabled" in page
    browser.post(f"/alerts/channels/{held.pk}/enable/")
    assert channel(acme).is_active


def test_b61_nobody_waits_longer_than_ten_seconds(acme, alice, hook, monkeypatch):
    receiver, url = hook
    monkeypatch.setattr("tokentra.lib.posting.SECONDS", 0.3)
    add(Browser(alice), "webhook", url)
    fire(acme)
    import threading

    hold = threading.Event()
    receiver.before_answering = lambda: hold.wait(5)

    sending.deliver_due()
    hold.set()

    late = to_channels(acme)[0]
    assert (late.delivered_at, late.problem) == (None, "it did not answer in time")


def test_a_channel_takes_from_its_severity_on(acme, alice, hook):
    receiver, url = hook
    Browser(alice).post("/alerts/channels/new/?kind=webhook", {"name": "Loud", "address": url, "least": "critical"})
    fire(acme)
    sending.deliver_due()
    assert receiver.taken == []

    fire(acme, 100)
    sending.deliver_due()

    assert len(receiver.taken) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("point", "sent"), [("alerts.claimed", 1), ("alerts.sent", 2)])
def test_c4_whoever_dies_while_sending_is_followed_by_another_under_the_same_id(
    acme, alice, hook, tmp_path, point, sent
):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)

    assert in_a_child(point, tmp_path, sending.deliver_due) == KILLED
    sending.deliver_due()
    assert to_channels(acme)[0].delivered_at is None, "its lease is still held"
    due_now(acme)
    sending.deliver_due()

    assert len(receiver.taken) == sent
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert to_channels(acme)[0].delivered_at is not None


def test_a_test_that_is_not_taken_is_not_tried_again(acme, alice, hook):
    receiver, url = hook
    receiver.status = 503
    add(Browser(alice), "webhook", url)
    with organization_scope(acme.pk):
        making.test(Channel.objects.get(), by=alice, now=timezone.now())

    sending.deliver_due()

    [held] = to_channels(acme)
    assert (held.status, held.next_try_at, bool(held.given_up_at)) == (503, None, True)


def test_a_channel_is_tested_so_often_a_day(acme, alice, monkeypatch):
    monkeypatch.setattr(making, "TESTS_A_DAY", 2)
    add(Browser(alice), "webhook", "https://hooks.example.com/x")
    now = timezone.now()
    with organization_scope(acme.pk):
        held = Channel.objects.get()
        for _ in range(2):
            making.test(held, by=alice, now=now)
        Delivery.objects.update(given_up_at=now, next_try_at=None)
        with pytest.raises(Problem, match="up to 2 times a day"):
            making.test(held, by=alice, now=now + timedelta(hours=23))
        making.test(held, by=alice, now=now + timedelta(hours=25))


def test_what_is_on_its_way_goes_out_while_calls_that_came_in_cannot_be_added_up(acme, alice, hook, late):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)
    late()

    sending.deliver_due()

    assert len(receiver.taken) == 1
    with organization_scope(acme.pk, up_to_date=False):
        assert Delivery.objects.get(channel__isnull=False).delivered_at is not None


def test_letters_go_before_posts_that_wait_for_an_answer_and_who_runs_out_of_time_rings_again(acme, alice, monkeypatch):
    add(Browser(alice), "webhook", "https://hooks.example.com/x")
    fire(acme)
    letters_written: list[int] = []

    def post(*_, **__):
        letters_written.append(OutboxMail.objects.filter(kind="alert").count())
        return 200, None

    monkeypatch.setattr(sending, "post", post)
    rung: list[bool] = []
    monkeypatch.setattr(sending.telling, "nudge", lambda: rung.append(True))

    monkeypatch.setattr(sending, "STEP", -1)
    assert (sending.deliver_due(), rung) == (0, [True])
    monkeypatch.setattr(sending, "STEP", 10)
    assert sending.deliver_due() == 2

    assert (letters_written, rung) == ([1], [True])


def test_organizations_are_served_in_turns(acme, elsewhere, alice, mallory):
    for n in range(3):
        fire(acme, 50 + n)
    fire(elsewhere)

    assert [organization_id for organization_id, _ in sending.due()].index(elsewhere.pk) == 1


def test_who_keeps_the_sender_waiting_gives_way_to_others_with_its_posts_and_not_with_its_letters(
    acme, elsewhere, alice, mallory, hook, monkeypatch
):
    """However many receivers hang that an organization has: the second one's turn comes after everybody else's."""
    _, url = hook
    for name in ("One", "Two", "Three"):
        add(Browser(alice), "webhook", url, name=name)
    fire(acme)
    add(Browser(mallory), "webhook", url)
    fire(elsewhere)
    with organization_scope(elsewhere.pk):
        Delivery.objects.update(next_try_at=timezone.now() - timedelta(milliseconds=1))
    due_now(acme)
    clock = [0.0]
    monkeypatch.setattr(sending, "monotonic", lambda: clock[0])

    def post(*_, **__):
        clock[0] += 10
        raise Unavailable("it did not answer in time")

    monkeypatch.setattr(sending, "post", post)
    while sending.due():
        sending.deliver_due()

    tried = sorted((each for of in (acme, elsewhere) for each in to_channels(of)), key=lambda each: each.next_try_at)
    assert [each.tries for each in tried if each.organization_id == elsewhere.pk] == [1]
    assert sorted(each.tries for each in tried if each.organization_id == acme.pk) == [0, 0, 1]
    hung = next(each for each in tried if each.tries and each.organization_id == acme.pk)  # it comes again in a minute
    waits = [hung.next_try_at - each.next_try_at for each in tried if not each.tries]
    assert all(timedelta(seconds=20) < each <= timedelta(seconds=30) for each in waits)  # a slow machine takes from it
    assert {each.mail_id is None for of in (acme, elsewhere) for each in deliveries(of) if each.user_id} == {False}

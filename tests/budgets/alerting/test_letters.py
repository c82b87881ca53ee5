"""Alerts by mail: to people as they wish, to shared mailboxes, and what the outbox says of them (B60)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts import delivery as mail
from accounts.mailed import OutboxMail
from budgets.channels import sending, settling
from tests.budgets.alerting.channels_of import channel, due_now, fire, to_channels
from tests.budgets.alerting.conftest import deliveries
from tests.conftest import Browser

pytestmark = [pytest.mark.django_db, pytest.mark.worker]


def test_a_shared_mailbox_of_the_house_is_written_to_and_a_foreign_one_is_not(acme, alice, mailbox):
    browser = Browser(alice)
    foreign = browser.post(
        "/alerts/channels/new/?kind=email", {"name": "X", "email": "x@foreign.example", "least": "info"}
    )
    assert foreign.status_code == 422
    browser.post("/alerts/channels/new/?kind=email", {"name": "Desk", "email": "desk@acme.example", "least": "info"})
    browser.post(f"/alerts/channels/{channel(acme).pk}/test/")

    sending.deliver_due()
    mail.deliver_due()

    assert [(message["To"], message["Subject"]) for message in mailbox.messages] == [
        ("desk@acme.example", "Test: This channel works")
    ]


def test_b60_a_letter_that_no_server_takes_is_shown_as_undelivered_until_it_arrives(acme, alice, mailbox):
    alert, browser = fire(acme), Browser(alice)
    mailbox.answer = "451 Try later"
    sending.deliver_due()
    mail.deliver_due()
    settling.settle()
    page = browser.get(f"/alerts/{alert.pk}/").content.decode()
    assert "Not delivered yet" in page
    assert "451 Try later" in page
    assert deliveries(acme)[0].delivered_at is None

    mailbox.answer = "250 OK"
    OutboxMail.objects.update(next_try_at=timezone.now())
    mail.deliver_due()

    assert (settling.settle(), settling.settle()) == (1, 0)
    assert deliveries(acme)[0].delivered_at is not None
    OutboxMail.objects.all().delete()
    assert "Delivered" in browser.get(f"/alerts/{alert.pk}/").content.decode(), "also when the outbox has forgotten it"


def test_a_person_gets_one_letter_a_day_when_they_chose_so_and_none_in_quiet_hours(acme, alice, mailbox):
    browser = Browser(alice)
    wish = {"mailing": "digest", "least": "info", "digest_at": "07:30"}
    assert browser.post("/alerts/wishes/", wish).status_code == 302
    noon = timezone.now().replace(hour=12, minute=0)
    with time_machine.travel(noon, tick=False):
        fire(acme)
        fire(acme, 100)
    with time_machine.travel(noon + timedelta(hours=1), tick=False):
        assert {each.next_try_at for each in deliveries(acme)} == {
            (noon + timedelta(hours=19.5)).replace(second=0, microsecond=0)
        }
    due_now(acme)

    sending.deliver_due()
    mail.deliver_due()

    assert [message["Subject"] for message in mailbox.messages] == ["2 alerts of Acme"]
    quiet = {
        "mailing": "at_once",
        "least": "warning",
        "digest_at": "08:00",
        "quiet_from": "22:00",
        "quiet_until": "06:00",
    }
    browser.post("/alerts/wishes/", quiet)
    night = noon.replace(hour=23)
    with time_machine.travel(night, tick=False):
        fire(acme)
        fire(acme, 50)
        critical = fire(acme, 100)
    late = [each for each in deliveries(acme) if each.created_at >= night]
    assert {each.next_try_at - night for each in late if each.news.alert_id == critical.pk} == {timedelta(0)}
    assert {each.next_try_at.hour for each in late if each.news.alert_id != critical.pk} == {6}
    assert len(late) == 2, "a half-used budget is less than a warning"


def test_a_mailbox_that_was_removed_gets_nothing_that_waited(acme, alice):
    browser = Browser(alice)
    browser.post("/alerts/channels/new/?kind=email", {"name": "Desk", "email": "desk@acme.example", "least": "info"})
    fire(acme)
    browser.post(f"/alerts/channels/{channel(acme).pk}/remove/")

    sending.deliver_due()

    assert not OutboxMail.objects.filter(to="desk@acme.example").exists()
    assert to_channels(acme)[0].problem == "The channel was disabled or removed."

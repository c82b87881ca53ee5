"""Addresses and signing secrets of channels: sealed, shown once, moved nowhere, destroyed (E3, E5, E7, E11, B51)."""

import base64
import hmac
import json
from hashlib import sha256

import pytest
from django.db import connection
from django.db.utils import ProgrammingError

from budgets.channels import sealing, sending
from budgets.channels.models import Channel, ChannelSecret
from tests.budgets.alerting.channels_of import add, channel, fire, secret_of, to_channels
from tests.conftest import Browser
from tokentra.lib import crypto
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker]


def test_e11_a_webhook_is_signed_with_the_secret_that_was_shown_once(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    secret = secret_of(add(browser, "webhook", url).content.decode())
    alert = fire(acme)

    sending.deliver_due()

    headers, body = receiver.taken[0]
    told = json.loads(body)
    assert (told["type"], told["organization"]) == ("alert.fired", "Acme")
    assert told["alert"]["id"] == str(alert.pk)
    assert told["alert"]["numbers"][0] == {"name": "Spent", "value": "$82.10"}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(secret.encode(), signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    done = to_channels(acme)[0]
    assert (done.delivered_at is not None, done.status, done.tries) == (True, 200, 1)
    log = browser.get(f"/alerts/channels/{channel(acme).pk}/").content.decode()
    assert "Delivered" in log
    assert secret not in log


def test_e11_a_new_secret_signs_beside_the_old_one_and_a_third_ends_the_first(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "webhook", url)
    path = f"/alerts/channels/{channel(acme).pk}/"
    first_two = [secret_of(browser.post(f"{path}secret/").content.decode()) for _ in range(2)]

    browser.post(f"{path}test/")
    sending.deliver_due()

    headers, body = receiver.taken[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    macs = [
        "v1," + base64.b64encode(hmac.new(each.encode(), signed, sha256).digest()).decode()
        for each in reversed(first_two)
    ]
    assert headers["webhook-signature"].split() == macs
    assert json.loads(body)["type"] == "alert.test"


def test_e5_the_web_may_put_secrets_in_and_not_read_them(acme, alice, hook):
    add(Browser(alice), "webhook", hook[1])
    with organization_scope(acme.pk):
        rows = list(ChannelSecret.objects.owned_by(acme))
        assert {row.field for row in rows} == {"address", "signing-1"}
        assert all(hook[1].encode() not in bytes(row.ciphertext) for row in rows)

    def read_as_the_web() -> None:
        with organization_scope(acme.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE tt_app")
            cursor.execute("SELECT ciphertext FROM budgets_channelsecret")

    with pytest.raises(ProgrammingError, match="permission denied"):
        read_as_the_web()


def test_b51_a_secret_of_another_channel_does_not_open_and_the_channel_says_so(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "slack", url, name="First")
    add(browser, "slack", url, name="Second")
    with organization_scope(acme.pk):
        first, second = ChannelSecret.objects.owned_by(acme).order_by("sealed_at")
        moved = ("wrapped_key", "ciphertext", "master_id", "sealed_under")
        ChannelSecret.objects.filter(pk=second.pk).update(**{name: getattr(first, name) for name in moved})
    fire(acme)

    sending.deliver_due()

    assert len(receiver.taken) == 1
    with organization_scope(acme.pk):
        disabled = Channel.objects.owned_by(acme).exclude(disabled_at=None).get()
    assert disabled.why == "its address could not be read; set the channel up anew"


def test_e7_removing_a_channel_destroys_its_secrets_and_sends_nothing_more(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "webhook", url)
    held = channel(acme)
    fire(acme)
    browser.post(f"/alerts/channels/{held.pk}/remove/")

    sending.deliver_due()

    assert receiver.taken == []
    with organization_scope(acme.pk):
        assert {bytes(row.wrapped_key) for row in ChannelSecret.objects.owned_by(acme)} == {b""}
    assert browser.get(f"/alerts/channels/{held.pk}/").status_code == 404


def test_e3_a_new_master_key_wraps_channels_too(acme, alice, hook, settings):
    receiver, url = hook
    add(Browser(alice), "slack", url)
    settings.ENCRYPTION_KEYS = [b"n" * 32, *settings.ENCRYPTION_KEYS]

    assert sealing.rewrap_all() == 1
    assert sealing.references() == {crypto.current_master(): 1}

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    fire(acme)
    sending.deliver_due()
    assert len(receiver.taken) == 1

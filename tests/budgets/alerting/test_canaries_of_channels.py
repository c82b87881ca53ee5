"""Canary addresses, keys and secrets of channels, through their whole life, are found nowhere (B68)."""

import pytest
from django.utils import timezone

from budgets.channels import sealing, sending
from budgets.channels.models import Channel, Delivery
from tests import make
from tests.budgets.alerting.channels_of import due_now, fire, secret_of
from tests.conftest import Browser
from tests.test_canaries import Everything, everything, found
from tokentra.lib.tenancy import organization_scope

__all__ = ["everything"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]

ROUTING = "R0" + "canary7f3a91bc" * 2 + "ca"
TAIL = "Kanarienvogel-" + "pfad-7f3a91bc"


def test_b68_addresses_and_secrets_of_channels_are_found_nowhere(
    acme, alice, hook, settings, everything: Everything, monkeypatch
):
    receiver, url = hook
    address = f"{url}{TAIL}"
    settings.PAGERDUTY_URL = url
    browser = Browser(alice)
    for kind, typed in (("slack", address), ("teams", address), ("pagerduty", ROUTING)):
        path = f"/alerts/channels/new/?kind={kind}"
        everything.send(browser, path, {"name": "", "address": typed, "least": "info"})  # without a name: drawn again
        everything.send(browser, path, {"name": "Desk", "address": f"http://me:{TAIL}@x.example/", "least": "info"})
        assert everything.send(browser, path, {"name": kind, "address": typed, "least": "info"}).status_code == 302
    told = {"name": "Hook", "address": address, "least": "info"}
    secret = secret_of(browser.post("/alerts/channels/new/?kind=webhook", told).content.decode())  # shown this once
    fire(acme)

    for status in (503, 400, 302, 410, 204):
        receiver.status, receiver.headers = status, {"location": address, "x-said": address}
        due_now(acme)
        sending.deliver_due()
    monkeypatch.setattr(sending, "post", broken)
    with organization_scope(acme.pk):
        Channel.objects.update(disabled_at=None)
        channels = list(Channel.objects.owned_by(acme))
        Delivery.objects.update(given_up_at=None, delivered_at=None, next_try_at=timezone.now())
    due_now(acme)
    sending.deliver_due()
    sealing.rewrap_all()
    for each in channels:
        page = f"/alerts/channels/{each.pk}/"
        everything.send(browser, f"{page}test/", {})
        everything.send(browser, page, {}, method="get")
    for path in ("/alerts/channels/", "/alerts/", "/settings/organization/"):
        everything.send(browser, path, {}, method="get")
    staff = Browser(make.user("staff@tokentra.example", staff=True))
    for model in ("channel", "channelsecret", "delivery"):
        everything.send(staff, f"/admin/budgets/{model}/", {}, method="get")
    for each in channels:
        everything.send(browser, f"/alerts/channels/{each.pk}/remove/", {})

    assert receiver.taken
    assert any("was not taken" in line for line in everything.log.lines)
    assert any("Traceback" in line for line in everything.log.lines)
    assert found(everything, [TAIL, ROUTING, secret]) == []


def broken(*_: object, **__: object) -> tuple[int, None]:
    """Ours, while the address is at hand."""
    raise RuntimeError("something of ours broke")

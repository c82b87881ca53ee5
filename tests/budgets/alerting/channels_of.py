"""What tests of channels begin with: a receiver on this machine, a channel to it, and something to tell."""

from datetime import timedelta

from django.utils import timezone

from budgets.alerting import crossings
from budgets.alerting.models import Alert
from budgets.channels.models import Channel, Delivery
from tests.budgets.alerting.conftest import budget, cross, deliveries
from tests.conftest import Browser
from tokentra.lib.tenancy import organization_scope

KEY = "R0" + "a1" * 15
SLACK = "https://hooks.slack.com/services/T0/B0/abcdefghijklmnop"


def add(browser: Browser, kind: str, address: str, name: str = "Desk"):
    return browser.post(f"/alerts/channels/new/?kind={kind}", {"name": name, "address": address, "least": "info"})


def channel(of) -> Channel:
    with organization_scope(of.pk):
        return Channel.objects.owned_by(of).order_by("-created_at").first()


def fire(of, threshold: int = 80) -> Alert:
    cross(budget(of), threshold, "82.10")
    with organization_scope(of.pk):
        return crossings.tell(of, now=timezone.now())[0]


def to_channels(of) -> list[Delivery]:
    return [each for each in deliveries(of) if each.channel_id]


def due_now(of) -> None:
    with organization_scope(of.pk):
        Delivery.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now() - timedelta(seconds=1))


def secret_of(page: str) -> str:
    return "whsec_" + page.split("whsec_", 1)[1].split("<", 1)[0].split('"', 1)[0].strip()


def alerts_now(of) -> Alert:
    return Alert.objects.owned_by(of).get()

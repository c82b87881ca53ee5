"""Deliveries as people read them: to whom, how it stands, what the last try said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from accounts.mailed import OutboxMail
from budgets.channels.models import Channel, Delivery

if TYPE_CHECKING:
    from budgets.channels.models import DeliveryQuerySet

MOST = 100


@dataclass(frozen=True, slots=True)
class Sent:
    """`delivered_at` of a letter is when the mail server took it."""

    delivery: Delivery
    mail: OutboxMail | None

    @property
    def receiver(self) -> str:
        if self.delivery.channel:
            return self.delivery.channel.name
        return self.delivery.user.email if self.delivery.user else ""

    @property
    def delivered_at(self) -> datetime | None:
        return self.delivery.delivered_at or (self.mail.delivered_at if self.mail else None)

    @property
    def problem(self) -> str:
        return self.delivery.problem or (self.mail.problem if self.mail and not self.delivered_at else "")

    @property
    def next_try_at(self) -> datetime | None:
        return self.delivery.next_try_at or (self.mail.next_try_at if self.mail else None)

    @property
    def tries(self) -> int:
        return self.delivery.tries or (self.mail.tries if self.mail else 0)

    @property
    def words(self) -> str:
        if self.delivered_at:
            return "Delivered"
        if self.delivery.given_up_at:
            return "Given up"
        if self.delivery.in_digest and self.mail is None:
            return "Waits for the digest"
        return "Not delivered yet" if self.problem else "On its way"

    @property
    def tone(self) -> str:
        return {"Delivered": "good", "Given up": "bad", "Not delivered yet": "warn"}.get(self.words, "neutral")

    @property
    def icon(self) -> str:
        icons = {"Delivered": "circle-check", "Given up": "circle-x", "Not delivered yet": "alert-triangle"}
        return icons.get(self.words, "clock")


def sent(deliveries: "DeliveryQuerySet") -> list[Sent]:
    """The newest first; letters with what the outbox says of them, which forgets them after a month."""
    found = list(deliveries.select_related("channel", "user", "news__alert").order_by("-created_at")[:MOST])
    mails = OutboxMail.objects.in_bulk([each.mail_id for each in found if each.mail_id])
    return [Sent(each, mails.get(each.mail_id)) for each in found]


def troubled(channels: Sequence[Channel]) -> set[object]:
    """Those of which something could not be delivered yet."""
    waiting = Delivery.objects.filter(channel__in=[channel.pk for channel in channels]).waiting().exclude(problem="")
    return set(waiting.values_list("channel_id", flat=True))

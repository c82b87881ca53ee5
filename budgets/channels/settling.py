"""Letters that the mail server took are noted at their deliveries, before the outbox forgets them."""

from collections import defaultdict
from uuid import UUID

from accounts.mailed import OutboxMail
from budgets.channels.models import Delivery
from tokentra.lib.tenancy import as_sweep, organization_scope

AT_ONCE = 500


def settle() -> int:
    """Answers how many arrived since it was last looked."""
    with as_sweep():
        handed_over = Delivery.objects.filter(mail__isnull=False, delivered_at=None, given_up_at=None)
        waiting = list(handed_over.order_by("mail_id").values_list("organization_id", "mail_id")[:AT_ONCE])
    mails = OutboxMail.objects.in_bulk({mail for _, mail in waiting})
    by_organization: dict[UUID, list[OutboxMail]] = defaultdict(list)
    for organization_id, mail_id in waiting:
        mail = mails.get(mail_id)
        if mail and (mail.delivered_at or mail.next_try_at is None):
            by_organization[organization_id].append(mail)
    return sum(settled(organization_id, done) for organization_id, done in by_organization.items())


def settled(organization_id: UUID, mails: list[OutboxMail]) -> int:
    """One that the outbox gave up, because no server is set or its address is refused, is given up here too."""
    arrived = 0
    with organization_scope(organization_id, up_to_date=False):
        mine = Delivery.objects.filter(organization_id=organization_id, delivered_at=None)
        for mail in mails:
            if mail.delivered_at:
                arrived += mine.filter(mail=mail).update(delivered_at=mail.delivered_at, tries=mail.tries)
            else:
                mine.filter(mail=mail).update(given_up_at=mail.created_at, problem=mail.problem, tries=mail.tries)
    return arrived

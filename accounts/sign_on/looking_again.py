"""Proved domains are looked at again each day: one whose DNS denies the token for a week brings nobody new.

A server that does not answer says nothing about a domain, so it counts for nothing.
"""

from datetime import datetime, timedelta
from time import monotonic
from uuid import UUID

from django.db.models import F, Q
from django.utils import timezone

from accounts import audit, letters
from accounts.models import Membership, Organization
from accounts.permissions import Role
from accounts.sign_on.kept import LAPSES_AFTER, SignOnDomain
from tokentra.lib import dns_text
from tokentra.lib.tenancy import as_sweep, organization_scope

EVERY = timedelta(hours=23)  # so that a day is not passed over by an hourly look
STEP = 10.0  # seconds
TOLD_ON = 2  # the day on which the owners hear of it: one answer may be a mistake of the DNS


def go_on() -> bool:
    """Look at what is due; answers whether more is."""
    end = monotonic() + STEP
    for organization_id, pk in due(timezone.now()):
        if monotonic() > end:
            return True
        look(organization_id, pk)
    return False


def due(now: datetime) -> list[tuple[UUID, UUID]]:
    with as_sweep():
        return list(SignOnDomain.objects.filter(is_due(now)).values_list("organization_id", "id")[:500])


def is_due(now: datetime) -> Q:
    return Q(proved_at__isnull=False) & (Q(looked_at=None) | Q(looked_at__lt=now - EVERY))


def look(organization_id: UUID, pk: UUID) -> None:
    """Asks the DNS between two transactions; of two who look at once, one does."""
    now = timezone.now()
    mine = SignOnDomain.objects.filter(organization_id=organization_id, pk=pk)
    with organization_scope(organization_id):
        if not mine.filter(is_due(now)).update(looked_at=now):
            return
        domain = mine.get()
    try:
        is_shown = domain.token in dns_text.told(domain.name)
    except dns_text.NobodySays:
        return
    with organization_scope(organization_id):
        if is_shown:
            if mine.filter(missed__gte=TOLD_ON).update(missed=0):
                audit.note("sign_on_domain_shown_again", organization_of(domain), None, about=domain, name=domain.name)
            mine.update(missed=0)
        else:
            mine.update(missed=F("missed") + 1)
            follow(mine.get())


def follow(domain: SignOnDomain) -> None:
    if domain.missed == TOLD_ON:
        audit.note("sign_on_domain_missing", organization_of(domain), None, about=domain, name=domain.name)
        tell_owners(domain)
    elif domain.missed == LAPSES_AFTER:
        audit.note("sign_on_domain_lapsed", organization_of(domain), None, about=domain, name=domain.name)
        tell_owners(domain)


def organization_of(domain: SignOnDomain) -> Organization:
    return Organization.objects.get(pk=domain.organization_id)


def tell_owners(domain: SignOnDomain) -> None:
    organization = organization_of(domain)
    owners = Membership.objects.filter(organization=organization, role=Role.OWNER).select_related("user")
    for owner in owners:
        told = {"domain": domain, "organization": organization}
        letters.write("domain_missing", owner.user.email, told, about=organization.pk)

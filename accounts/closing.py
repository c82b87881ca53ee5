"""An organization is deleted: at once nobody gets in and no key opens; its rows go in steps behind a mark."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import cast
from uuid import UUID

from django.apps import apps
from django.db import connection, models
from django.dispatch import Signal
from django.utils import timezone

from accounts import letters, team
from accounts.mailed import OutboxMail
from accounts.models import Line, Organization, User
from accounts.permissions import Role
from accounts.sign_on import setting_up
from tokentra.lib import chaos
from tokentra.lib.doorbell import ring_on_commit
from tokentra.lib.tenancy import organization_scope

log = logging.getLogger(__name__)

closing = Signal()
"""Sent inside the scope of an `organization` that is being deleted: receivers destroy what opens something."""
counted = Signal()
"""Sent inside the scope before an `organization` is deleted: receivers answer (number, word for one, for several)."""

BATCH = 5_000
STEP = 10  # seconds of one task
GONE = "Deleted organization"


class NotItsName(ValueError):
    """What was typed is not what the organization is called."""


@dataclass(frozen=True, slots=True)
class Loss:
    number: int
    word: str


def losses(organization: Organization) -> list[Loss]:
    """What goes with it, inside its scope."""
    told: list[tuple[int, str, str]] = [(organization.memberships.count(), "member", "members")]
    for _, answer in counted.send(Organization, organization=organization):
        told += cast(list[tuple[int, str, str]], answer)
    return [Loss(number, one if number == 1 else many) for number, one, many in told]


def begin(organization: Organization, *, typed: str, by: User) -> None:
    """Inside its scope: raises NotItsName. From this transaction on nobody belongs to it and no key of it opens."""
    if typed.strip() != organization.name:
        raise NotItsName
    organization.lock()
    members = organization.memberships.select_related("user")
    for owner in members.filter(role=Role.OWNER):
        letters.write("organization_deleted", owner.user.email, {"organization": organization.name, "by": by.email})
    close(organization)
    log.info("organization %s is being deleted", organization.pk)


def close(organization: Organization) -> None:
    """Leave the mark, and let nobody in any more."""
    closing.send(Organization, organization=organization)
    for member in organization.memberships.select_related("user"):
        team.end_sessions(organization, member.user)
    organization.memberships.all().delete()
    organization.invitations.all().delete()
    setting_up.end(organization)
    organization.closing_at, organization.name, organization.slug = timezone.now(), GONE, f"gone-{organization.pk.hex}"
    organization.website = ""
    organization.save(update_fields=["closing_at", "name", "slug", "website"])

    from accounts.tasks import close_organizations  # tasks import this module

    ring_on_commit(close_organizations)


def go_on() -> bool:
    """Delete as much as a step has time for; whether any is left. Workers see every organization's mark."""
    until = monotonic() + STEP
    due = Organization.objects.filter(closing_at__isnull=False).order_by("closing_at").values_list("pk", flat=True)
    for pk in list(due):
        try:
            if not step(pk, until=until):
                return True
        except Exception:  # one that cannot be deleted now holds up no other, and is tried again
            log.exception("organization %s could not be deleted", pk)
    return False


def step(pk: UUID, *, until: float) -> bool:
    """A batch is a transaction of its own, so that a kill loses none; True once nothing is left."""
    for model in leaves():
        while delete_some(pk, model):
            chaos.point("closing.after_batch")
            if monotonic() > until:
                return False
    with organization_scope(pk, up_to_date=False):
        OutboxMail.objects.filter(about=pk).delete()
        held = Organization.objects.select_for_update().filter(pk=pk, closing_at__isnull=False).first()
        if held:  # what is left refers to one another, and is little
            held.delete()
    return True


def delete_some(pk: UUID, model: type[models.Model]) -> int:
    table = connection.ops.quote_name(model._meta.db_table)
    keys = ", ".join(connection.ops.quote_name(str(field.column)) for field in model._meta.pk_fields)
    some = f"SELECT {keys} FROM {table} WHERE organization_id = %s LIMIT {BATCH}"  # noqa: S608  # names of ours
    with organization_scope(pk, up_to_date=False), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE organization_id = %s AND ({keys}) IN ({some})", [pk, pk])  # noqa: S608  # as above
        return int(cursor.rowcount)


def leaves() -> Iterator[type[models.Model]]:
    """Tables of organizations that no other of them refers to: they hold nearly all rows, in any order.

    Lines are not among them: no role may delete one, they go with their organization.
    """
    ours = owned()
    referred = {field.related_model for model in ours for field in model._meta.fields if field.related_model in ours}
    return (model for model in ours if model not in referred and not issubclass(model, Line))


def owned() -> list[type[models.Model]]:
    return [
        model
        for model in apps.get_models()
        if model._meta.managed
        and any(field.name == "organization" and field.related_model is Organization for field in model._meta.fields)
    ]

"""A channel's secrets: its address and what its webhooks are signed with. Sealed when they arrive, opened to send.

The only place in this app where a secret is looked at.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from budgets.channels.models import Channel, ChannelSecret
from tokentra.lib import crypto
from tokentra.lib.crypto import Place, Sealed
from tokentra.lib.secret import Secret
from tokentra.lib.tenancy import as_sweep, organization_scope

ADDRESS, SIGNING = "address", "signing-"  # names of fields; signing secrets are numbered
IN_USE = 2  # signing secrets at a time, so that a receiver may take up the new one before the old one goes
BATCH = 500


def seal(channel: Channel, secrets: Mapping[str, Secret], *, now: datetime) -> None:
    """Store these in place of earlier ones of the same fields, inside the organization's scope.

    The web may not read what stands there, so nothing is written over by an upsert.
    """
    mine = ChannelSecret.objects.filter(organization_id=channel.organization_id, channel=channel)
    mine.filter(field__in=list(secrets)).delete()
    ChannelSecret.objects.bulk_create(
        ChannelSecret(
            organization_id=channel.organization_id,
            channel=channel,
            field=field,
            sealed_at=now,
            **columns(crypto.seal(secret.reveal(), place(channel.organization_id, channel.pk, field))),
        )
        for field, secret in secrets.items()
    )


def unseal(channel: Channel) -> dict[str, Secret]:
    """The secrets, for workers; `DoesNotOpen` or `UnknownMaster` when one cannot be read."""
    rows = ChannelSecret.objects.filter(organization_id=channel.organization_id, channel=channel, destroyed_at=None)
    return {
        row.field: Secret(crypto.unseal(sealed(row), place(row.organization_id, channel.pk, row.field))) for row in rows
    }


def add_signing(channel: Channel, secret: Secret, *, now: datetime) -> None:
    """Sign with this one too, and no longer with those before the one that was the newest until now."""
    mine = ChannelSecret.objects.filter(organization_id=channel.organization_id, channel=channel)
    fields = mine.filter(field__startswith=SIGNING).values_list("field", flat=True)
    numbers = sorted(int(field.removeprefix(SIGNING)) for field in fields)
    past = numbers[: max(0, len(numbers) - IN_USE + 1)]
    mine.filter(field__in=[f"{SIGNING}{number}" for number in past]).delete()
    seal(channel, {f"{SIGNING}{numbers[-1] + 1 if numbers else 1}": secret}, now=now)


def signing(secrets: Mapping[str, Secret]) -> list[str]:
    """The signing secrets among a channel's, the newest first."""
    fields = [field for field in secrets if field.startswith(SIGNING)]
    return [secrets[field].reveal() for field in sorted(fields, key=lambda each: -int(each.removeprefix(SIGNING)))]


def address(secrets: Mapping[str, Secret]) -> str:
    """Where a channel's messages go, or the key that stands for it; KeyError when there is none."""
    return secrets[ADDRESS].reveal()


def host_of(pasted: Secret) -> str:
    """Which host an address is on: all of it that may be shown."""
    return urlsplit(pasted.reveal()).hostname or ""


def destroy(channel: Channel, *, now: datetime) -> None:
    """Overwrite the keys, so that what is left of the secrets opens nowhere."""
    ChannelSecret.objects.filter(organization_id=channel.organization_id, channel=channel).update(
        wrapped_key=b"", ciphertext=b"", destroyed_at=now
    )


def rewrap_all() -> int:
    """Bring every secret of a channel under the newest master; safe to stop and start again."""
    return sum(rewrap(organization_id) for organization_id in organizations_behind())


def rewrap(organization_id: UUID) -> int:
    moved, left = 0, True
    while left:
        with organization_scope(organization_id, up_to_date=False):
            behind = ChannelSecret.objects.filter(organization_id=organization_id, destroyed_at=None)
            behind = behind.exclude(master_id=crypto.current_master())
            batch = list(behind.select_for_update().order_by("pk")[:BATCH])
            for row in batch:
                row.__dict__.update(
                    columns(crypto.rewrap(sealed(row), place(organization_id, row.channel_id, row.field)))
                )
            ChannelSecret.objects.bulk_update(batch, ["master_id", "wrapped_key"])
        moved, left = moved + len(batch), len(batch) == BATCH
    return moved


def references() -> Counter[str]:
    """How many living secrets each master key wraps."""
    with as_sweep():
        return Counter(ChannelSecret.objects.filter(destroyed_at=None).values_list("master_id", flat=True))


def organizations_behind() -> list[UUID]:
    with as_sweep():
        behind = ChannelSecret.objects.filter(destroyed_at=None).exclude(master_id=crypto.current_master())
        return list(behind.order_by("organization_id").values_list("organization_id", flat=True).distinct())


def place(organization_id: UUID, channel_id: UUID, field: str) -> Place:
    return Place(organization_id, channel_id, f"channel.{field}")


def sealed(row: ChannelSecret) -> Sealed:
    return Sealed(row.master_id, bytes(row.wrapped_key), row.sealed_under, bytes(row.ciphertext))


def columns(kept: Sealed) -> dict[str, object]:
    return {
        "master_id": kept.master_id,
        "wrapped_key": kept.wrapped_key,
        "sealed_under": kept.sealed_under,
        "ciphertext": kept.ciphertext,
    }


def shown_once(signing: Secret) -> str:
    """A secret that we made, for the person who has to copy it."""
    return signing.reveal()

"""A connection's credentials: sealed when they arrive, opened for one reading, destroyed when it ends.

With the connectors, the only place where a secret is looked at.
"""

from collections.abc import Mapping
from datetime import datetime

from providers.models import Connection, SealedCredential
from tokentra.lib import crypto
from tokentra.lib.crypto import Place, Sealed
from tokentra.lib.secret import Secret


def seal(connection: Connection, credentials: Mapping[str, Secret], *, now: datetime) -> None:
    """Store the credentials in place of earlier ones, inside the organization's scope."""
    kept = SealedCredential.objects.filter(organization_id=connection.organization_id, connection=connection)
    known = set(kept.values_list("field", flat=True))
    destroy(connection, now=now)
    for field, secret in credentials.items():
        sealed = crypto.seal(secret.reveal(), place(connection, field))
        values = columns(sealed) | {"sealed_at": now, "destroyed_at": None}
        if field in known:
            kept.filter(field=field).update(**values)
        else:
            SealedCredential.objects.bulk_create(
                [
                    SealedCredential(
                        organization_id=connection.organization_id,
                        connection=connection,
                        field=field,
                        **values,
                    )
                ]
            )


def unseal(connection: Connection) -> dict[str, Secret]:
    """The credentials, for workers; `DoesNotOpen` or `UnknownMaster` when one cannot be read."""
    rows = SealedCredential.objects.filter(
        organization_id=connection.organization_id, connection=connection, destroyed_at=None
    )
    opened = {row.field: Secret(crypto.unseal(sealed(row), place(connection, row.field))) for row in rows}
    if not opened:
        raise crypto.DoesNotOpen("the connection has no credentials")
    return opened


def destroy(connection: Connection, *, now: datetime) -> None:
    """Overwrite the keys, so that what is left of the secrets opens nowhere."""
    SealedCredential.objects.filter(organization_id=connection.organization_id, connection=connection).update(
        wrapped_key=b"", ciphertext=b"", destroyed_at=now
    )


def fingerprint(credentials: Mapping[str, Secret]) -> str:
    """Equal for equal credentials; drawn from all of them."""
    return crypto.fingerprint("\n".join(f"{name}={credentials[name].reveal()}" for name in sorted(credentials)))


def place(connection: Connection, field: str) -> Place:
    return Place(connection.organization_id, connection.pk, field)


def sealed(row: SealedCredential) -> Sealed:
    return Sealed(row.master_id, bytes(row.wrapped_key), row.sealed_under, bytes(row.ciphertext))


def columns(sealed: Sealed) -> dict[str, object]:
    return {
        "master_id": sealed.master_id,
        "wrapped_key": sealed.wrapped_key,
        "sealed_under": sealed.sealed_under,
        "ciphertext": sealed.ciphertext,
    }

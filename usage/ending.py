"""An account is read no more, or again: one that ended keeps its figures and makes nobody wait for newer ones."""

from datetime import datetime
from uuid import UUID

from usage.models import EndedAccount


def end(organization_id: UUID, connection_id: UUID, *, at: datetime) -> None:
    """Nothing more comes of the account. Ending it again changes nothing."""
    EndedAccount.objects.get_or_create(
        organization_id=organization_id, connection_id=connection_id, defaults={"ended_at": at}
    )


def go_on(organization_id: UUID, connection_id: UUID) -> None:
    """The account is read from now on, whether it had ended or not."""
    EndedAccount.objects.filter(organization_id=organization_id, connection_id=connection_id).delete()

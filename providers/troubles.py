"""Which connections cannot be read, told to whoever asks for an organization's troubles."""

from collections.abc import Iterator
from datetime import datetime

from django.urls import reverse

from accounts.models import Organization
from providers import showing
from providers.models import Status
from usage.troubles import Trouble

IN_TROUBLE = (Status.BROKEN, Status.FAILING)


def of_connections(organization: Organization, *, now: datetime) -> Iterator[Trouble]:
    for shown in showing.everything(organization, now=now):
        connection = shown.connection
        if connection.status in IN_TROUBLE:
            yield Trouble(
                key=f"connection:{connection.pk}:{connection.status}",
                title=f"{connection.name} ({shown.connector.label}): {shown.said.title}",
                text=shown.said.text,
                path=reverse("providers:connection", args=[connection.pk]),
                needs_a_person=connection.status == Status.BROKEN,
            )

"""Connect a provider from the command line; credentials come from standard input or a prompt."""

import json
import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Organization
from providers import connecting
from providers.connectors import CONNECTORS
from providers.connectors.base import Connector
from providers.credentials import Refused, cleaned


class Command(BaseCommand):
    help = "Connect a provider: manage.py connect --org SLUG --provider openai < key.txt"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--provider", required=True, choices=sorted(CONNECTORS))
        parser.add_argument("--name", default="")

    def handle(self, *args: Any, org: str, provider: str, name: str, **options: Any) -> None:
        organization = Organization.objects.filter(slug=org).first()
        if organization is None:
            raise CommandError(f"There is no organization {org}.")
        connector = CONNECTORS[provider]
        try:
            credentials = cleaned(connector, asked(connector))
            connected = connecting.connect(organization, connector, credentials, name=name, by=None)
        except Refused as refused:
            raise CommandError("; ".join(message for found in refused.fields.values() for message in found)) from None
        except (connecting.NotConnected, connecting.AlreadyConnected) as reason:
            raise CommandError(str(reason)) from None
        connection = connected.connection
        self.stdout.write(f"Connected {connection.name} ({connection.pk}).")
        for check in connected.account.checks:
            self.stdout.write(f"  {'ok' if check.ok else 'no'}  {check.label}: {check.message}")


def asked(connector: Connector) -> dict[str, Any]:
    """A JSON object, or the one field's text; at a terminal each field is asked for."""
    fields = list(connector.form.base_fields)
    if sys.stdin.isatty():
        return {name: getpass(f"{connector.form.base_fields[name].label or name}: ") for name in fields}
    text = sys.stdin.read()
    if len(fields) == 1 and not text.lstrip().startswith("{"):
        return {fields[0]: text}
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise CommandError(f"Give a JSON object with {', '.join(fields)}.")
    return given

"""manage.py audit_rollups: rollups against their rows, to the last digit."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from usage.audit import Audit


class Command(BaseCommand):
    help = "Compare rollups with the rows behind them; ends with 1 when they differ and were not made anew."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", help="The slug of one organization; without it, all of them.")
        parser.add_argument("--fix", action="store_true", help="Make what differs anew from its rows.")
        parser.add_argument("--sample", type=int, help="Look at so many days of each, picked at random.")

    def handle(self, *args: Any, **options: Any) -> None:
        organizations = Organization.objects.filter(closing_at=None).order_by("slug")
        if options["org"]:
            organizations = organizations.filter(slug=options["org"])
            if not organizations:
                raise CommandError(f"There is no organization {options['org']}.")
        differing = 0
        for organization in organizations:
            audit = Audit(organization.pk, fix=options["fix"])
            for wrong in audit.run(options["sample"]):
                differing += 1
                self.stdout.write(f"{organization.slug}: {wrong}{' (made anew)' if options['fix'] else ''}")
            gone = f"; {audit.gone} older ones, of which no calls are kept, stay as they are" if audit.gone else ""
            self.stdout.write(f"{organization.slug}: {audit.days} days looked at{gone}")
        if differing and not options["fix"]:
            sys.exit(1)

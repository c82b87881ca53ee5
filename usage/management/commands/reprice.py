"""manage.py reprice: price the past by today's price book and overrides, with a report."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from usage.measuring import repricing as measured
from usage.pricing import PRICE_BOOK_VERSION
from usage.repricing import Asked, Change, reprice


class Command(BaseCommand):
    help = "Price usage without a price or with one in part, or all of it, by the price book and own prices of today."

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--org", help="The slug of one organization.")
        which.add_argument("--all", action="store_true", help="Every organization.")
        parser.add_argument("--every-row", action="store_true", help="Also usage that has a price already.")
        parser.add_argument("--from", dest="start", type=date.fromisoformat, help="First day, as 2026-01-31.")
        parser.add_argument("--to", dest="end", type=date.fromisoformat, help="The day after the last one.")
        parser.add_argument("--dry-run", action="store_true", help="Report and change nothing.")

    def handle(self, *args: Any, **options: Any) -> None:
        organizations = Organization.objects.filter(closing_at=None).order_by("slug")
        if options["org"]:
            organizations = organizations.filter(slug=options["org"])
            if not organizations:
                raise CommandError(f"There is no organization {options['org']}.")
        asked = Asked(options["start"], options["end"], options["every_row"])
        self.stdout.write(f"price book {PRICE_BOOK_VERSION}{', dry run' if options['dry_run'] else ''}")
        for organization in organizations:
            self.stdout.write(organization.slug)
            pricing = (
                price(organization.pk, asked, dry_run=options["dry_run"]) for price in (reprice, measured.reprice)
            )
            self._report(chain.from_iterable(pricing))

    def _report(self, changes: Iterable[Change]) -> None:
        before = after = Decimal(0)
        rows = 0
        for change in changes:
            priced = change.unpriced_before - change.unpriced_after
            self.stdout.write(
                f"  {change.day} {change.provider} {change.model}: {change.rows} {change.what}, "
                f"{change.before:f} to {change.after:f} USD, {priced} tokens get a price"
            )
            rows, before, after = rows + change.rows, before + change.before, after + change.after
        self.stdout.write(f"  {rows} rows and calls, {before:f} to {after:f} USD, difference {after - before:f} USD")

"""manage.py own_price: enter, list and take back what an organization pays instead of the price book's rates."""

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from tokentra.lib.tenancy import organization_scope
from usage import own_prices
from usage.models import PriceOverride


class Command(BaseCommand):
    help = (
        "Enter a price of an organization's own: manage.py own_price --org SLUG --provider pinecone "
        "--rate unit:read_unit=0.000016 --since 2026-11-01"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", required=True, metavar="SLUG")
        parser.add_argument("--provider", help="As its events name it. Without it, the prices there are are listed.")
        parser.add_argument("--model", default="", help="As the provider names it; left out: every model.")
        parser.add_argument(
            "--rate",
            action="append",
            default=[],
            metavar="CLASS=USD",
            help="Dollars for a million tokens, as input=1.25, or for one unit, as unit:search=0.002. May be repeated.",
        )
        parser.add_argument("--discount", type=Decimal, metavar="PERCENT", help="Instead of rates: off the price book.")
        parser.add_argument("--processing", choices=PriceOverride.Processing.values, default="standard")
        parser.add_argument("--since", type=date.fromisoformat, help="The first day, as 2026-01-31.")
        parser.add_argument("--until", type=date.fromisoformat, help="The first day on which it no longer holds.")
        parser.add_argument("--remove", type=UUID, metavar="ID", help="Take back the price with this id.")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = Organization.objects.filter(slug=options["org"]).first()
        if organization is None:
            raise CommandError(f"There is no organization {options['org']}.")
        with organization_scope(organization.pk):
            if options["remove"]:
                own_prices.remove(self._one(organization, options["remove"]))
            elif options["provider"]:
                self._enter(organization, options)
            for own in PriceOverride.objects.owned_by(organization).order_by("provider", "model", "since"):
                told = own_prices.told(own)
                ends = f" to {own.until}" if own.until else ""
                self.stdout.write(f"{own.pk}  {own}{ends}, {own.processing}: {told['price']}")

    def _enter(self, organization: Organization, options: dict[str, Any]) -> None:
        if options["since"] is None:
            raise CommandError("Say from which day it holds: --since 2026-01-31.")
        try:
            own_prices.enter(
                organization,
                options["provider"],
                options["model"],
                rates=dict(map(parted, options["rate"])),
                discount=options["discount"],
                processing=options["processing"],
                since=options["since"],
                until=options["until"],
            )
        except own_prices.Refused as reason:
            raise CommandError(str(reason)) from None

    def _one(self, organization: Organization, pk: UUID) -> PriceOverride:
        found = PriceOverride.objects.owned_by(organization).filter(pk=pk).first()
        if found is None:
            raise CommandError(f"There is no price {pk}.")
        return found


def parted(told: str) -> tuple[str, Decimal]:
    name, _, rate = told.rpartition("=")
    try:
        return name, Decimal(rate)
    except InvalidOperation:
        raise CommandError(f"A rate is a class and dollars, as input=1.25, not {told}.") from None

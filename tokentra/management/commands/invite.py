"""Prints a one-time link that asks somebody into an organization, for installations without mail."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import invitations
from accounts.models import Membership, User
from accounts.naming import fold
from accounts.permissions import Role
from tokentra.lib.tenancy import user_scope


class Command(BaseCommand):
    help = "Ask an address into an organization, in the name of one of its owners or admins, and print the link."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--org", required=True, help="the organization's slug, as `bootstrap` prints it")
        parser.add_argument("--by", required=True, help="the address of an owner or admin")
        parser.add_argument("--role", default=Role.MEMBER.value, choices=Role.values)

    def handle(self, *args: Any, **options: Any) -> None:
        by = User.objects.filter(email=fold(options["by"])).first()
        mine = None
        if by:
            with user_scope(by.pk):
                mine = Membership.objects.of(by).filter(organization__slug=options["org"]).first()
        if by is None or mine is None:
            raise CommandError(f"{options['by']} does not belong to an organization {options['org']}.")
        try:
            [told] = invitations.invite(mine.organization, [options["email"]], Role(options["role"]), by=by)
        except PermissionDenied as refusal:
            raise CommandError(str(refusal)) from None
        if not told.link:
            raise CommandError(told.reason)
        self.stdout.write(told.link)

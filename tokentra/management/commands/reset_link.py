"""Prints a one-time link to a new password, for people without mail."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import reset_links
from accounts.factor_keeping import drop_second_step
from accounts.models import User
from accounts.naming import fold


class Command(BaseCommand):
    help = "Print a link with which a person sets a new password: once, within an hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument(
            "--without-second-step", action="store_true", help="take their app, passkeys and recovery codes away too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=fold(options["email"]), is_active=True).first()
        if user is None:
            raise CommandError("Nobody logs in with this address.")
        if options["without_second_step"]:
            self.stdout.write(f"Second steps taken away: {drop_second_step(user)}.")
        self.stdout.write(reset_links.link_for(user))

"""Makes a verified owner and an organization from the environment."""

import os

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.bootstrapping import Wanted, bootstrap

PREFIX = "TOKENTRA_BOOTSTRAP_"


class Command(BaseCommand):
    help = (
        "Make a verified owner and their organization from TOKENTRA_BOOTSTRAP_EMAIL, _PASSWORD and "
        "_ORGANIZATION; _STAFF=1 lets them into /admin/. Running it again changes nothing."
    )

    def handle(self, *args: object, **options: object) -> None:
        given = {
            name: os.environ.get(f"{PREFIX}{name}", "")
            for name in ("EMAIL", "PASSWORD", "ORGANIZATION", "STAFF", "API_KEY_FILE")
        }
        if given["API_KEY_FILE"]:
            self.stderr.write(
                "TOKENTRA_BOOTSTRAP_API_KEY_FILE was ignored, no file was written: there are no API keys yet."
            )
        try:
            wanted = Wanted.checked(
                given["EMAIL"],
                given["PASSWORD"],
                given["ORGANIZATION"],
                staff=given["STAFF"].lower() in {"1", "true", "yes"},
            )
        except ValidationError as wrong:
            raise CommandError(" ".join(wrong.messages)) from None
        user, organization, is_new = bootstrap(wanted)
        done = "made" if is_new else "there already"
        self.stdout.write(f"{user.email} owns {organization.name} ({organization.slug}): {done}.")

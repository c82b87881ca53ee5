"""Makes a verified owner and an organization from the environment."""

import os
from pathlib import Path

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.bootstrapping import Wanted, bootstrap
from accounts.models import Organization, User
from sdk_keys import first_keys

PREFIX = "TOKENTRA_BOOTSTRAP_"


class Command(BaseCommand):
    help = (
        "Make a verified owner and their organization from TOKENTRA_BOOTSTRAP_EMAIL, _PASSWORD and "
        "_ORGANIZATION; _STAFF=1 lets them into /admin/; _API_KEY_FILE is where an API key with every scope "
        "is written. Running it again changes nothing."
    )

    def handle(self, *args: object, **options: object) -> None:
        given = {
            name: os.environ.get(f"{PREFIX}{name}", "")
            for name in ("EMAIL", "PASSWORD", "ORGANIZATION", "STAFF", "API_KEY_FILE")
        }
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
        if given["API_KEY_FILE"]:
            self.write_key(Path(given["API_KEY_FILE"]), organization, user)

    def write_key(self, path: Path, organization: Organization, user: User) -> None:
        try:
            is_new = first_keys.written_to(path, organization, by=user)
        except first_keys.NotOurs as refusal:
            raise CommandError(str(refusal)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The API key could not be written to {path}: {error}.") from None
        done = "written" if is_new else "there already"
        self.stdout.write(f"An API key with every scope in {path}: {done}.")

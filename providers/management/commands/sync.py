"""Read what is due, here and now, until nothing is due any more."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Organization
from providers.finishing import make_recent_due, read_all_due


class Command(BaseCommand):
    help = "Read what is due from the providers; with --now the last days of every connection are due."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--org", metavar="SLUG")
        parser.add_argument("--now", action="store_true", help="do not wait for the next marks")

    def handle(self, *args: Any, org: str | None, now: bool, **options: Any) -> None:
        wanted = Organization.objects.filter(is_sample=False)
        if org:
            wanted = wanted.filter(slug=org)
            if not wanted.exists():
                raise CommandError(f"There is no organization {org}.")
        if now:
            for organization in wanted:
                make_recent_due(organization.pk)
        only: UUID | None = wanted.get().pk if org else None
        troubled = False
        for connection, done in read_all_due(only):
            problem = f", {done.problem}" if done.problem else ""
            self.stdout.write(f"{connection}: {done.windows} windows, {done.rows} rows{problem}")
            troubled = troubled or bool(done.problem)
        self.stdout.write("Some of it failed and will be tried again." if troubled else "Nothing is due.")

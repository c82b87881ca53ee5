"""Wrap every secret with the newest master key, and say which older ones may go."""

from typing import Any

from django.core.management.base import BaseCommand

from providers import rewrapping
from tokentra.lib import crypto


class Command(BaseCommand):
    help = "Wrap every sealed credential with the first of TOKENTRA_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        moved = rewrapping.rewrap_all()
        left = rewrapping.references()
        self.stdout.write(f"{moved} secrets are wrapped anew.")
        for position, master in enumerate(crypto.known_masters()):
            count = left.pop(master, 0)
            verdict = "current" if position == 0 else "may be removed" if count == 0 else "must stay"
            self.stdout.write(f"  {master}: wraps {count}, {verdict}")
        for master, count in left.items():
            self.stdout.write(f"  {master}: wraps {count}, but is not in TOKENTRA_ENCRYPTION_KEYS")

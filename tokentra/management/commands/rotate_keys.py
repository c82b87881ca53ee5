"""Wrap every secret with the newest master key, and say which older ones may go."""

from typing import Any

from django.core.management.base import BaseCommand

from accounts import factor_keeping
from accounts.sign_on import setting_up
from budgets.channels import sealing
from providers import rewrapping
from sdk_keys import peppers
from tokentra.lib import crypto


class Command(BaseCommand):
    help = "Wrap every sealed credential with the first of TOKENTRA_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        moved = rewrapping.rewrap_all() + sealing.rewrap_all() + factor_keeping.rewrap_all() + setting_up.rewrap_all()
        left = rewrapping.references() + sealing.references() + factor_keeping.references() + setting_up.references()
        resting = peppers.references()
        self.stdout.write(f"{moved} secrets are wrapped anew.")
        masters = crypto.known_masters()
        for position, master in enumerate(masters):
            needed = left[master] or resting[master]
            verdict = "current" if position == 0 else "must stay" if needed else "may be removed"
            self.stdout.write(f"  {master}: wraps {left[master]}, {verdict}{known_by(resting[master])}")
        for master in sorted((left | resting).keys() - set(masters)):
            told = f"wraps {left[master]}, but is not in TOKENTRA_ENCRYPTION_KEYS"
            self.stdout.write(f"  {master}: {told}{known_by(resting[master])}")


def known_by(count: int) -> str:
    """API keys cannot be moved from here, because they are kept nowhere: each moves when it is used."""
    return f"; {count} API keys are known by it" if count else ""

"""A ready sample organization for `make run DEMO=1`: ninety days, priced by the real engine."""

from typing import Any

from allauth.account.models import EmailAddress
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import demonstration, samples
from accounts.models import User
from tokentra.lib.tenancy import organization_scope
from usage import filling


class Command(BaseCommand):
    help = "Makes the demonstration's person and their sample organization, filled up to today. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=demonstration.EMAIL).first()
        if user is None:
            user = User.objects.create_user(demonstration.EMAIL, full_name="Dana Demo")
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        organization = samples.made_for(user)
        with organization_scope(organization.pk):
            filling.ask(organization, timezone.now(), again=True)
        filling.finish(organization.pk)
        with organization_scope(organization.pk):
            left = filling.progress(organization)
        if left:
            raise CommandError(f"Only {left.days_written} of {left.days_wanted} days are written; the log says why.")
        self.stdout.write(f"{organization.name} holds ninety days of generated usage and bills.")

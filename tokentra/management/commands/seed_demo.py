"""A ready sample organization for `make run DEMO=1`: ninety days, priced by the real engine."""

from typing import Any

from allauth.account.models import EmailAddress
from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts import demonstration, samples
from accounts.models import User
from usage import demo


class Command(BaseCommand):
    help = "Makes the demonstration's person and their sample organization, filled up to today. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=demonstration.EMAIL).first()
        if user is None:
            user = User.objects.create_user(demonstration.EMAIL, full_name="Dana Demo")
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
        organization = samples.sample_of(user) or samples.create(user)
        demo.fill(organization.pk, timezone.now())
        self.stdout.write(f"{organization.name} holds ninety days of generated usage and bills.")

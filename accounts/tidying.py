"""What is past its use goes: ended sessions, sent mail, visits that led nowhere."""

from datetime import timedelta

from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.mailed import OutboxMail
from accounts.models import Visit

MAIL_IS_KEPT = timedelta(days=30)  # it holds links and codes
VISITS_ARE_KEPT = timedelta(days=90)


def tidy() -> None:
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    OutboxMail.objects.filter(created_at__lt=now - MAIL_IS_KEPT).delete()
    Visit.objects.filter(user=None, first_seen_at__lt=now - VISITS_ARE_KEPT).delete()

"""What is past its use goes: ended sessions, sent mail, visits that led nowhere, old lines of audit logs."""

from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from accounts.mailed import OutboxMail
from accounts.models import Organization, Visit
from tokentra.lib.tenancy import organization_scope

MAIL_IS_KEPT = timedelta(days=30)  # it holds links and codes
VISITS_ARE_KEPT = timedelta(days=90)


def tidy() -> None:
    now = timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    OutboxMail.objects.filter(created_at__lt=now - MAIL_IS_KEPT).delete()
    Visit.objects.filter(user=None, first_seen_at__lt=now - VISITS_ARE_KEPT).delete()
    forget_audit_lines(now)


def forget_audit_lines(now: datetime) -> int:
    """Lines that are older than their organization keeps them; answers how many went.

    Nobody may delete a line: the owner's function does, and none that is younger than ninety days.
    """
    gone = 0
    for pk, days in Organization.objects.values_list("pk", "audit_days"):
        with organization_scope(pk, up_to_date=False), connection.cursor() as cursor:
            cursor.execute("SELECT accounts_forget_audit_lines(%s)", [now - timedelta(days=days)])
            gone += cursor.fetchone()[0]
    return gone

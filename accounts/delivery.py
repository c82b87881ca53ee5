"""Sending what is in the outbox: claim by lease, send, say how it went."""

import logging
import smtplib
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection
from django.db.models.functions import Now

from accounts.models import OutboxMail

log = logging.getLogger(__name__)

AT_ONCE = 10
LEASE = timedelta(seconds=90)
PATIENCE = 40  # tries: about a week at the last step
STEPS = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240)]
TIMEOUT = 10

# SKIP LOCKED lets several workers share a queue; the lease is by the database's clock
CLAIM = """
    UPDATE accounts_outboxmail
    SET next_try_at = clock_timestamp() + make_interval(secs => %s), tries = tries + 1
    WHERE id IN (
        SELECT id FROM accounts_outboxmail WHERE delivered_at IS NULL AND next_try_at <= clock_timestamp()
        ORDER BY next_try_at LIMIT %s FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""


def deliver_due() -> int:
    """Try a handful of messages; returns how many went out. A failure is a column with its next try."""
    if not settings.MAIL_IS_CONFIGURED:
        return 0
    sent = 0
    for pk in claim():
        mail = OutboxMail.objects.get(pk=pk)
        try:
            send(mail)
        except (OSError, smtplib.SMTPException) as problem:
            failed(mail, problem)
        else:
            sent += 1
            OutboxMail.objects.filter(pk=pk).update(delivered_at=Now(), next_try_at=None, problem="")
    return sent


def claim() -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [LEASE.total_seconds(), AT_ONCE])
        return [row[0] for row in cursor.fetchall()]


def send(mail: OutboxMail) -> None:
    """Hand one message to the server, under the same id at every try."""
    server: dict[str, Any] = settings.SMTP
    backend = EmailBackend(
        host=server["host"],
        port=server["port"],
        username=server["username"],
        password=server["password"],
        use_tls=server["use_tls"],
        use_ssl=server["use_ssl"],
        timeout=TIMEOUT,
    )
    sender = settings.DEFAULT_FROM_EMAIL
    host = sender.rpartition("@")[2].rstrip(">")
    message = EmailMultiAlternatives(
        mail.subject,
        mail.text,
        sender,
        [mail.to],
        headers={"Message-ID": f"<{mail.pk}@{host}>"},
        connection=backend,
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    message.send()


def failed(mail: OutboxMail, problem: Exception) -> None:
    """Note why and when to try again; a refusal that will not change is not tried again."""
    step = STEPS[min(mail.tries - 1, len(STEPS) - 1)]
    given_up = is_final(problem) or mail.tries >= PATIENCE
    OutboxMail.objects.filter(pk=mail.pk).update(
        problem=reason(problem), next_try_at=None if given_up else Now() + step
    )
    log.warning("mail %s was not sent at try %s: %s", mail.pk, mail.tries, type(problem).__name__)


def is_final(problem: Exception) -> bool:
    """Whether the server refused this recipient for good (5xx); everything else may pass."""
    if not isinstance(problem, smtplib.SMTPRecipientsRefused):
        return False
    return all(500 <= code < 600 for code, _ in problem.recipients.values())


def reason(problem: Exception) -> str:
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return "; ".join(
            f"{code} {text.decode(errors='replace')}" for code, text in problem.recipients.values()
        )[:300]
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return "The mail server refused the user name and password of EMAIL_URL."
    if isinstance(problem, smtplib.SMTPResponseException):
        text = problem.smtp_error
        return f"{problem.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"[
            :300
        ]
    return f"The mail server did not answer: {problem}"[:300]

"""Sending what is in the outbox: claim by lease, send, say how it went."""

import logging
import smtplib
from datetime import timedelta
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.core.mail.backends.smtp import EmailBackend
from django.db import connection
from django.db.models.functions import Now
from django.dispatch import Signal

from accounts.mailed import OutboxMail

log = logging.getLogger(__name__)

about_to_send = Signal()
"""Sent outside any transaction before a letter goes to the mail server: `mail`. A receiver answers why what it says is
true no longer; then it is withdrawn."""

STEP = 10  # seconds: a task is a short step, the sweep comes back for the rest
LEASE = timedelta(seconds=90)
PATIENCE = 40  # tries: about a week at the last step
STEPS = [timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60, 240)]
TIMEOUT = 5

# SKIP LOCKED lets several workers share a queue; the lease is by the database's clock
CLAIM = """
    UPDATE accounts_outboxmail
    SET next_try_at = clock_timestamp() + make_interval(secs => %s), tries = tries + 1
    WHERE id = (
        SELECT id FROM accounts_outboxmail WHERE delivered_at IS NULL AND next_try_at <= clock_timestamp()
        ORDER BY next_try_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING id
"""


class Unclear(Exception):
    """Whether a letter is still true could not be found out."""


def deliver_due() -> int:
    """Send for a few seconds; returns how many went out. A failure is a column with its next try."""
    sent, until = 0, monotonic() + STEP
    OutboxMail.objects.withdraw_stale()
    while settings.MAIL_IS_CONFIGURED and monotonic() < until and (mail := claim()):
        try:
            if why := no_longer_true(mail):
                OutboxMail.objects.filter(pk=mail.pk).withdraw(why)
                continue
            send(mail)
        except Unclear as problem:
            failed(mail, problem)
        except (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused, ValueError) as answer:
            failed(mail, answer)
        except OSError as problem:
            failed(mail, problem)
            break  # the server is away: the other messages keep their place
        else:
            sent += 1
            OutboxMail.objects.filter(pk=mail.pk).update(
                delivered_at=Now(), next_try_at=None, withdrawn_at=None, problem=""
            )
    return sent


def claim() -> OutboxMail | None:
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [LEASE.total_seconds()])
        row = cursor.fetchone()
    return OutboxMail.objects.get(pk=row[0]) if row else None


def no_longer_true(mail: OutboxMail) -> str:
    """Why a letter is not sent any more, "" for one that is. Raises Unclear when a receiver could not say."""
    for _, said in about_to_send.send_robust(sender=OutboxMail, mail=mail):
        if isinstance(said, Exception):
            raise Unclear from said
        if said:
            return str(said)
    return ""


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
        headers={"Message-ID": f"<{mail.pk}@{host}>"} | stop_headers(mail),
        connection=backend,
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    message.send()


def stop_headers(mail: OutboxMail) -> dict[str, str]:
    """Lets mail programs offer one click that ends letters of this kind (RFC 8058)."""
    if not mail.stop_url:
        return {}
    return {"List-Unsubscribe": f"<{mail.stop_url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def failed(mail: OutboxMail, problem: Exception) -> None:
    """Note why and when to try again; a refusal that will not change is not tried again."""
    step = STEPS[min(mail.tries - 1, len(STEPS) - 1)]
    given_up = is_final(problem) or mail.tries >= PATIENCE
    OutboxMail.objects.filter(pk=mail.pk, withdrawn_at=None).update(
        problem=reason(problem), next_try_at=None if given_up else Now() + step
    )
    log.warning("mail %s was not sent at try %s: %s", mail.pk, mail.tries, type(problem).__name__)


def is_final(problem: Exception) -> bool:
    """Whether no message can be made of it, or the server refused this recipient for good (5xx)."""
    if isinstance(problem, ValueError):
        return True
    if not isinstance(problem, smtplib.SMTPRecipientsRefused):
        return False
    return all(500 <= code < 600 for code, _ in problem.recipients.values())


def reason(problem: Exception) -> str:
    if isinstance(problem, Unclear):
        return "It could not be found out whether this letter is still true."
    if isinstance(problem, ValueError):
        return "No message can be made of this address and text."
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return "; ".join(f"{code} {text.decode(errors='replace')}" for code, text in problem.recipients.values())[:300]
    if isinstance(problem, smtplib.SMTPAuthenticationError):
        return "The mail server refused the user name and password of EMAIL_URL."
    if isinstance(problem, smtplib.SMTPResponseException):
        text = problem.smtp_error
        return f"{problem.smtp_code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"[:300]
    return f"The mail server did not answer: {problem}"[:300]

"""Mail is written down before it is tried: the outbox, and the backend that leads Django's mail into it."""

import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils import timezone

from accounts.mailed import OutboxMail
from tokentra.lib.doorbell import ring_on_commit

log = logging.getLogger(__name__)

NO_SERVER = "No mail server is set (EMAIL_URL)."


class OutboxBackend(BaseEmailBackend):
    """Takes part in the transaction around it: a sign-up that fails sends nothing."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            for address in message.recipients():
                put(address, str(message.subject), str(message.body), html_of(message))
        return len(email_messages)


def put(to: str, subject: str, text: str, html: str = "", *, held: bool = False, **more: Any) -> OutboxMail:
    """Write a message down, with `more` columns.

    It is sent after the commit, by a worker; a held one when it is released.

    Without a mail server nothing can be sent: the console prints the message and staff find it in the admin.
    """
    due = None if held or not settings.MAIL_IS_CONFIGURED else timezone.now()
    mail = OutboxMail.objects.create(
        to=to,
        subject=" ".join(subject.split())[:200],
        text=text,
        html=html,
        next_try_at=due,
        problem="" if settings.MAIL_IS_CONFIGURED else NO_SERVER,
        **more,
    )
    if due:
        nudge()
    elif not settings.MAIL_IS_CONFIGURED:
        transaction.on_commit(lambda: print_at_console(mail), robust=True)
    return mail


def release(to: str) -> None:
    """The address was proved: what was held for it goes out."""
    OutboxMail.objects.held().filter(to=to).update(next_try_at=timezone.now())


def withdraw(to: str, why: str) -> None:
    """Take back what can be stopped by its receiver and was not sent yet."""
    OutboxMail.objects.filter(to=to).exclude(stop_url="").withdraw(why)


def nudge() -> None:
    from accounts.tasks import deliver_mail  # tasks import the delivery, which imports models beside this module

    ring_on_commit(deliver_mail)


def print_at_console(mail: OutboxMail) -> None:
    log.info("mail to %s: %s\n%s", mail.to, mail.subject, mail.text)


def html_of(message: EmailMessage) -> str:
    if not isinstance(message, EmailMultiAlternatives):
        return ""
    return next((str(content) for content, kind in message.alternatives if kind == "text/html"), "")

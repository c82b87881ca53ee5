"""Mail: written down first, sent by a worker, tried again, never lost and never logged where it is sent."""

import logging
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from socket import socket
from threading import Thread

import pytest
import time_machine
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.mail import EmailMultiAlternatives
from django.db import connections, transaction
from django.test import Client
from django.utils import timezone

from accounts import outbox
from accounts.delivery import about_to_send, deliver_due
from accounts.invitations import invite
from accounts.invited import Invitation
from accounts.mailed import MailState, OutboxMail
from accounts.models import Visit
from accounts.permissions import Role
from accounts.tasks import tidy_accounts
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope


class Mailbox:
    """A mail server that keeps what it takes, and answers as it is told."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:  # aiosmtpd's name
        if not self.answer.startswith("250"):
            return self.answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        self.messages.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def server(settings):
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    settings.MAIL_IS_CONFIGURED = settings.VERIFICATION_IS_MANDATORY = True
    settings.SMTP = {
        "host": "127.0.0.1",
        "port": port,
        "username": "",
        "password": "",
        "use_ssl": False,
        "use_tls": False,
    }
    yield mailbox
    controller.stop()


pytestmark = pytest.mark.worker


def test_a_person_signs_up_with_the_code_that_arrives_by_smtp(server: Mailbox, client: Client, db):
    client.post("/signup/", {"email": "dana@acme.example", "password1": PASSWORD})

    assert deliver_due() == 1
    code_mail = server.messages[0]
    code = code_mail["Subject"].rpartition(" ")[2]
    assert (code_mail["To"], len(code)) == ("dana@acme.example", 6)
    assert code_mail.get_body(("plain",)).get_content().count(code) == 1
    assert code in code_mail.get_body(("html",)).get_content()
    assert client.post("/confirm-email/", {"code": code})["Location"] == "/"

    assert deliver_due() == 1
    assert server.messages[1]["Subject"] == "Welcome to TokenTra"
    assert OutboxMail.objects.filter(delivered_at=None).count() == 0
    assert deliver_due() == 0


def test_b60_mail_waits_for_a_server_that_is_away_and_is_sent_under_the_same_id(server: Mailbox, db):
    mail = outbox.put("dana@acme.example", "Hello", "Text")
    server.answer = "451 Try later"
    start = timezone.now()

    with time_machine.travel(start, tick=False):
        assert deliver_due() == 0
    waiting = OutboxMail.objects.get(pk=mail.pk)
    assert (waiting.delivered_at, waiting.tries) == (None, 1)
    assert "451" in waiting.problem
    assert waiting.next_try_at - start > timedelta(seconds=30)
    assert deliver_due() == 0

    server.answer = "250 OK"
    OutboxMail.objects.update(next_try_at=start)
    assert deliver_due() == 1
    assert server.messages[0]["Message-ID"].startswith(f"<{mail.pk}@")
    assert OutboxMail.objects.get(pk=mail.pk).delivered_at is not None


def test_c8_mail_that_is_refused_for_good_is_not_tried_again(server: Mailbox, db):
    outbox.put("nobody@acme.example", "Hello", "Text")
    outbox.put("dana@acme.example", "Hello", "Text")
    server.answer = "550 No such mailbox"

    assert deliver_due() == 0

    for mail in OutboxMail.objects.all():
        assert (mail.next_try_at, mail.delivered_at) == (None, None)
        assert "550" in mail.problem


def test_b60_a_code_is_not_sent_once_it_has_ended_and_the_outbox_says_why(
    server: Mailbox, client: Client, settings, db
):
    client.post("/signup/", {"email": "dana@acme.example", "password1": PASSWORD})
    outbox.put("dana@acme.example", "A notice that stays true", "Text")
    settings.SMTP = (up := settings.SMTP) | {"port": 1}
    assert deliver_due() == 0
    code = OutboxMail.objects.get(kind="email_confirmation_signup")
    assert (code.state, code.tries) == ("waiting", 1)

    OutboxMail.objects.filter(pk=code.pk).update(good_until=timezone.now())
    assert deliver_due() == 0

    code.refresh_from_db()
    assert (code.state, code.next_try_at) == ("withdrawn", None), "told while the server is still away"
    assert code.problem == "What it holds worked no longer before it could be sent."
    settings.SMTP = up
    OutboxMail.objects.filter(withdrawn_at=None).exclude(next_try_at=None).update(next_try_at=timezone.now())
    assert deliver_due() == 1
    assert [message["Subject"] for message in server.messages] == ["A notice that stays true"]


def test_b60_letters_are_good_for_as_long_as_what_they_hold(server: Mailbox, client: Client, acme, alice):
    start = timezone.now()
    with time_machine.travel(start, tick=False):
        client.post("/signup/", {"email": "dana@acme.example", "password1": PASSWORD})
        Client().post("/password/reset/", {"email": alice.email})
        browser = Browser(alice)
        browser.post("/reauthenticate/", {"password": PASSWORD})
        browser.post("/email/", {"email": "alice@new.example", "action_add": "1"})
        invite(acme, ["june@client.example"], Role.VIEWER, by=alice)

    lasts = {mail.kind: mail.good_until and mail.good_until - start for mail in OutboxMail.objects.all()}

    assert lasts == {
        "email_confirmation_signup": timedelta(minutes=10),
        "email_confirmation": timedelta(minutes=10),
        "password_reset_key": timedelta(hours=1),
        "invitation": timedelta(days=14),
        "welcome": None,
    }


def test_a_letter_of_which_nobody_can_say_whether_it_is_true_waits_and_keeps_nobody_waiting(server: Mailbox, db):
    def unsure(mail: OutboxMail, **_: object) -> str:
        return "" if mail.subject == "Certain" else str(1 // 0)

    outbox.put("dana@acme.example", "Unsure", "Text")
    outbox.put("dana@acme.example", "Certain", "Text")
    about_to_send.connect(unsure)
    try:
        assert deliver_due() == 1
    finally:
        about_to_send.disconnect(unsure)

    waiting = OutboxMail.objects.get(subject="Unsure")
    assert (waiting.state, waiting.tries) == ("waiting", 1)
    assert waiting.problem == "It could not be found out whether this letter is still true."


def test_mail_waits_when_nothing_listens(server: Mailbox, settings, db):
    settings.SMTP = settings.SMTP | {"port": 1}
    outbox.put("dana@acme.example", "Hello", "Text")

    assert deliver_due() == 0

    assert "did not answer" in OutboxMail.objects.get().problem


@pytest.mark.django_db(transaction=True)
def test_mail_of_a_transaction_that_fails_is_never_sent(server: Mailbox):
    with transaction.atomic():
        outbox.put("dana@acme.example", "Hello", "Text")
        transaction.set_rollback(True)

    assert deliver_due() == 0
    assert not OutboxMail.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_c15_two_workers_do_not_send_the_same_message(server: Mailbox):
    for number in range(20):
        outbox.put(f"person{number}@acme.example", "Hello", "Text")

    def work() -> None:
        while deliver_due():
            pass
        connections["default"].close()

    workers = [Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)

    assert sorted(m["To"] for m in server.messages) == sorted(f"person{n}@acme.example" for n in range(20))


def test_b9_no_header_is_smuggled_into_a_message(server: Mailbox, db):
    outbox.put("dana@acme.example", "Hello\r\nBcc: everybody@acme.example", "Text")

    assert deliver_due() == 1

    assert server.messages[0]["Bcc"] is None
    assert server.messages[0]["Subject"] == "Hello Bcc: everybody@acme.example"


def test_b9_what_makes_no_message_is_given_up_and_keeps_nobody_waiting(server: Mailbox, db):
    outbox.put("dana@acme.example\nBcc: everybody@acme.example", "Hello", "Text")
    outbox.put("erin@acme.example", "Hello", "Text")

    assert deliver_due() == 1

    assert [(mail["To"], mail["Bcc"]) for mail in server.messages] == [("erin@acme.example", None)]
    odd = OutboxMail.objects.get(to__startswith="dana")
    assert (odd.state, odd.next_try_at) == ("not_sent", None)
    assert odd.problem == "No message can be made of this address and text."


def test_the_outbox_says_how_far_each_message_has_come(server: Mailbox, settings, db):
    outbox.put("held@acme.example", "Hello", "Text", held=True)
    outbox.put("sent@acme.example", "Hello", "Text")
    assert deliver_due() == 1
    server.answer = "451 later"
    outbox.put("waiting@acme.example", "Hello", "Text")
    deliver_due()
    server.answer = "550 nobody"
    outbox.put("refused@acme.example", "Hello", "Text")
    deliver_due()
    outbox.put("withdrawn@acme.example", "Hello", "Text", good_until=timezone.now())
    deliver_due()
    settings.MAIL_IS_CONFIGURED = False
    outbox.put("kept@acme.example", "Hello", "Text", held=True)

    states = {mail.to.partition("@")[0]: mail.state for mail in OutboxMail.objects.all()}

    assert states == {
        "held": "held", "sent": "sent", "waiting": "waiting", "refused": "not_sent", "kept": "not_sent",
        "withdrawn": "withdrawn",
    }  # fmt: skip
    for state in MailState:
        found = {mail.to.partition("@")[0] for mail in OutboxMail.objects.in_state(state)}
        assert found == {name for name, known in states.items() if known == state}


def test_what_was_written_without_a_mail_server_stays_here_once_there_is_one(server: Mailbox, settings, alice):
    settings.MAIL_IS_CONFIGURED = False
    outbox.put(alice.email, "Your TokenTra code is 123456", "123456")
    outbox.release(alice.email)
    settings.MAIL_IS_CONFIGURED = True

    assert deliver_due() == 0


@pytest.mark.django_db(transaction=True)
def test_without_a_mail_server_the_console_shows_the_message(settings, caplog):
    settings.MAIL_IS_CONFIGURED = False
    with caplog.at_level(logging.INFO):
        outbox.put("dana@acme.example", "Your code is 123456", "123456")

    assert "mail to dana@acme.example: Your code is 123456" in caplog.text
    mail = OutboxMail.objects.get()
    assert (mail.next_try_at, mail.delivered_at) == (None, None)
    assert deliver_due() == 0


@pytest.mark.django_db(transaction=True)
def test_e14_with_a_mail_server_no_log_shows_what_was_written(server: Mailbox, caplog):
    with caplog.at_level(logging.DEBUG):
        outbox.put("dana@acme.example", "Subject canary-s", "Body canary-b")
        server.answer = "451 later"
        deliver_due()
        OutboxMail.objects.update(next_try_at=timezone.now())
        server.answer = "250 OK"
        deliver_due()

    ours = " ".join(record.getMessage() for record in caplog.records if record.name != "mail.log")
    assert "was not sent at try 1" in ours
    assert "canary" not in ours
    assert "dana@" not in ours


def test_mail_that_other_code_sends_goes_through_the_outbox(db):
    message = EmailMultiAlternatives("Hello", "Text", to=["a@acme.example"], bcc=["b@acme.example"])
    message.attach_alternative("<p>Text</p>", "text/html")
    message.connection = outbox.OutboxBackend()
    message.send()

    kept = OutboxMail.objects.order_by("to").values_list("to", "subject", "text", "html")
    assert list(kept) == [(to, "Hello", "Text", "<p>Text</p>") for to in ("a@acme.example", "b@acme.example")]


def test_tidying_removes_old_mail_and_visits_that_led_nowhere(alice, settings):
    settings.MAIL_IS_CONFIGURED = False
    old = timezone.now() - timedelta(days=100)
    with time_machine.travel(old):
        outbox.put("a@acme.example", "Old", "Text")
        Visit.objects.create(first_seen_at=old)
        Visit.objects.create(first_seen_at=old, user=alice)
    outbox.put("a@acme.example", "New", "Text")

    tidy_accounts()

    assert OutboxMail.objects.get().subject == "New"
    assert Visit.objects.get().user == alice


def test_an_invitation_is_sent_once_its_letter_has_left(server: Mailbox, acme, alice):
    [told] = invite(acme, ["june@client.example"], Role.VIEWER, by=alice)
    with organization_scope(acme.pk):
        assert Invitation.objects.with_mail().get().status(timezone.now()) == "pending"

    assert deliver_due() == 1

    assert told.link in server.messages[0].get_body(("plain",)).get_content()
    with organization_scope(acme.pk):
        assert Invitation.objects.with_mail().get().status(timezone.now()) == "sent"

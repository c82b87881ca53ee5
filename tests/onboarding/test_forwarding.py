"""Journal lines on their way to the operator's tool: signed, nameless, none lost, none doubled."""

import base64
import hmac
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import journal
from accounts.journal import Event
from accounts.models import JournalEntry
from onboarding import forwarding
from onboarding.models import Forward, ForwardedLine
from tests import make
from tests.conftest import Browser
from tests.dying import child_that_does
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.usefixtures("without_guidance")

SECRET, OLD_SECRET = (
    "a new secret of more than thirty-two characters",
    "an old secret of more than thirty-two characters",
)


class Receiver:
    """An analytics tool on this machine: keeps what it was sent, and answers as it is told."""

    def __init__(self) -> None:
        self.taken: list[tuple[dict[str, str], bytes]] = []
        self.status, self.headers = 200, {}
        self.before_answering: Callable[[], object] = lambda: None

    @property
    def events(self) -> list[str]:
        return [line["event"] for _, body in self.taken for line in json.loads(body)["lines"]]

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.taken]


@contextmanager
def listening() -> Iterator[tuple[Receiver, str]]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.taken.append(({name.lower(): value for name, value in self.headers.items()}, body))
            receiver.before_answering()
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield receiver, f"http://127.0.0.1:{server.server_port}/hook"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    with listening() as (receiver, url):
        settings.JOURNAL_WEBHOOK_URL, settings.JOURNAL_WEBHOOK_SECRETS = url, [SECRET]
        yield receiver


def write(organization, person, *events: Event, **data: object) -> None:
    with organization_scope(organization.pk):
        for event in events:
            journal.record(event, person, organization, **data)


def try_again_now() -> None:
    Forward.objects.open().update(next_try_at=timezone.now() - timedelta(seconds=1))


def test_nothing_is_kept_and_nothing_leaves_while_it_is_off(acme, alice):
    write(acme, alice, Event.SIGNUP_COMPLETED)

    assert not ForwardedLine.objects.exists()
    assert forwarding.forward_due() == 0
    assert forwarding.state() is None


def test_e11_lines_leave_in_order_signed_over_id_time_and_body(acme, alice, receiver):
    write(acme, alice, Event.SIGNUP_COMPLETED, Event.EMAIL_VERIFIED)

    assert forwarding.forward_due() == 2
    assert forwarding.forward_due() == 0

    [(headers, body)] = receiver.taken
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), message, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    assert headers["content-type"] == "application/json"
    assert receiver.events == ["signup_completed", "email_verified"]
    assert not ForwardedLine.objects.exists()
    assert Forward.objects.get().delivered_at


def test_e11_both_secrets_sign_while_one_replaces_the_other(acme, alice, receiver, settings):
    settings.JOURNAL_WEBHOOK_SECRETS = [SECRET, OLD_SECRET]
    write(acme, alice, Event.SIGNUP_COMPLETED)

    forwarding.forward_due()

    [(headers, body)] = receiver.taken
    message = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    macs = [hmac.new(secret.encode(), message, sha256).digest() for secret in (SECRET, OLD_SECRET)]
    assert headers["webhook-signature"].split(" ") == [f"v1,{base64.b64encode(mac).decode()}" for mac in macs]


def test_nobody_is_named_unless_the_operator_asks(acme, alice, receiver, settings):
    told = {"provider": "openai", "referrer": "https://forum.example/alice", "email": alice.email}
    write(acme, alice, Event.PROVIDER_CONNECTION_COMPLETED, **told)
    forwarding.forward_due()
    settings.JOURNAL_WEBHOOK_PERSONAL = True
    write(acme, alice, Event.PROVIDER_DISCONNECTED, **told)
    forwarding.forward_due()

    nameless, named = (body.decode() for _, body in receiver.taken)
    for word in (alice.email, alice.full_name, str(alice.pk), "Acme", "forum"):
        assert word not in nameless
        assert word in named
    assert json.loads(nameless)["lines"][0]["data"] == {"provider": "openai"}
    assert str(acme.pk) in nameless


def test_lines_that_waited_name_nobody_once_the_operator_takes_that_back(acme, alice, receiver, settings):
    settings.JOURNAL_WEBHOOK_PERSONAL = True
    write(acme, alice, Event.PROVIDER_DISCONNECTED, provider="openai", email=alice.email)
    settings.JOURNAL_WEBHOOK_PERSONAL = False

    forwarding.forward_due()

    [(_, body)] = receiver.taken
    for word in (alice.email, alice.full_name, str(alice.pk), "Acme"):
        assert word not in body.decode()
    assert json.loads(body)["lines"][0]["data"] == {"provider": "openai"}


def test_a_line_that_is_not_written_is_not_sent(acme, alice, receiver):
    with organization_scope(acme.pk), transaction.atomic():
        journal.record(Event.SIGNUP_COMPLETED, alice, acme)
        transaction.set_rollback(True)

    assert forwarding.forward_due() == 0
    assert receiver.taken == []


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500, 503])
def test_what_is_not_taken_comes_again_as_it_was_and_later_lines_wait_behind_it(acme, alice, receiver, status):
    receiver.status, receiver.headers = status, {"Location": "http://127.0.0.1:1/", "Retry-After": "600"}
    write(acme, alice, Event.SIGNUP_COMPLETED)
    assert forwarding.forward_due() == 0
    write(acme, alice, Event.EMAIL_VERIFIED)
    assert forwarding.forward_due() == 0
    waiting = Forward.objects.get()
    assert len(receiver.taken) == 1
    assert str(status) in waiting.problem
    assert timedelta(seconds=50) < waiting.next_try_at - timezone.now() < timedelta(minutes=11)

    receiver.status = 200
    try_again_now()

    assert forwarding.forward_due() == 2
    assert receiver.taken[0][1] == receiver.taken[1][1]
    assert receiver.ids[0] == receiver.ids[1] != receiver.ids[2]
    assert receiver.events == ["signup_completed", "signup_completed", "email_verified"]


def test_b61_an_address_that_says_it_is_gone_is_left_alone_until_it_changes(acme, alice, receiver, settings, client):
    receiver.status = 410
    write(acme, alice, Event.SIGNUP_COMPLETED)
    forwarding.forward_due()
    write(acme, alice, Event.EMAIL_VERIFIED)

    assert forwarding.forward_due() == 0
    assert len(receiver.taken) == 1
    assert forwarding.state() == forwarding.State(waiting=2, problem="it answered 410", is_stopped=True)

    receiver.status = 200
    settings.JOURNAL_WEBHOOK_URL += "#2"

    assert forwarding.forward_due() == 2
    assert not forwarding.state().is_stopped


def test_nobody_there_is_a_problem_that_staff_can_read(transactional_db, settings):
    alice = make.user("alice@acme.example")
    acme = make.organization("Acme", owner=alice)
    sam = make.user("sam@operator.example", staff=True)
    settings.JOURNAL_WEBHOOK_URL, settings.JOURNAL_WEBHOOK_SECRETS = "http://127.0.0.1:1/hook", [SECRET]
    write(acme, alice, Event.SIGNUP_COMPLETED)

    forwarding.forward_due()

    assert "it could not be reached" in Browser(sam).get("/admin/onboarding/forward/").content.decode()
    page = Browser(sam).get("/admin/onboarding/funnel/").content.decode()
    assert "it could not be reached" in page
    assert SECRET not in page


def test_batches_are_of_a_hundred_lines(acme, alice, receiver):
    write(acme, alice, *[Event.SAMPLE_ENTERED] * 205)

    assert forwarding.forward_due() == 205
    assert [len(json.loads(body)["lines"]) for _, body in receiver.taken] == [100, 100, 5]
    ids = [line["id"] for _, body in receiver.taken for line in json.loads(body)["lines"]]
    with organization_scope(acme.pk):
        assert set(ids) == {str(pk) for pk in JournalEntry.objects.owned_by(acme).values_list("pk", flat=True)}
    assert len(ids) == len(set(ids)) == 205


def test_killed_between_the_answer_and_its_mark_the_batch_comes_again_under_the_same_id(transactional_db, receiver):
    alice = make.user("alice@acme.example")
    acme = make.organization("Acme", owner=alice)
    write(acme, alice, *[Event.SAMPLE_ENTERED] * 150)
    may_kill = threading.Event()

    def kill_at_the_second() -> None:
        if len(receiver.taken) == 2:
            assert may_kill.wait(10)
            os.kill(sender, signal.SIGKILL)

    receiver.before_answering = kill_at_the_second
    sender = child_that_does(forwarding.forward_due)
    may_kill.set()
    _, how = os.waitpid(sender, 0)
    receiver.before_answering = lambda: None
    write(acme, alice, Event.SAMPLE_LEFT)

    assert os.WTERMSIG(how) == signal.SIGKILL
    assert forwarding.forward_due() == 0  # its lease has not run out
    try_again_now()
    assert forwarding.forward_due() == 51

    assert receiver.ids[1] == receiver.ids[2]
    assert receiver.taken[1][1] == receiver.taken[2][1]
    known = {headers["webhook-id"]: body for headers, body in receiver.taken}  # what a receiver keeps by id
    lines = [line["id"] for body in known.values() for line in json.loads(body)["lines"]]
    assert len(lines) == len(set(lines)) == 151


def test_old_notes_of_what_arrived_go(acme, alice, receiver):
    write(acme, alice, Event.SIGNUP_COMPLETED)
    forwarding.forward_due()
    Forward.objects.update(delivered_at=timezone.now() - timedelta(days=31))

    forwarding.tidy()

    assert not Forward.objects.exists()

"""Channels: what each is sent, which addresses are allowed, and what follows when nobody takes it (B44, B60, B61, E11)."""

import base64
import hmac
import json
import socket
from datetime import timedelta
from hashlib import sha256

import pytest
import time_machine
from allauth.account.models import EmailAddress
from django.db import connection
from django.db.utils import ProgrammingError
from django.utils import timezone

from accounts import delivery as mail
from accounts.mailed import OutboxMail
from accounts.permissions import Role
from budgets.alerting import crossings, states
from budgets.alerting.models import Alert
from budgets.channels import making, payloads, sealing, sending, settling
from budgets.channels.models import Channel, ChannelSecret, Delivery
from tests import make
from tests.budgets.alerting.conftest import budget, cross, deliveries
from tests.conftest import Browser
from tests.dying import KILLED, in_a_child
from tests.onboarding.test_forwarding import listening
from tokentra.lib import crypto, egress
from tokentra.lib.egress import BadAddress, checked
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker]

KEY = "R0" + "a1" * 15
SLACK = "https://hooks.slack.com/services/T0/B0/abcdefghijklmnop"


@pytest.fixture
def hook(settings):
    """A receiver on this machine, which the operator named."""
    with listening() as (receiver, url):
        settings.ALERT_HOSTS = frozenset({url.split("/")[2]})
        yield receiver, url


def add(browser: Browser, kind: str, address: str, name: str = "Desk"):
    return browser.post(f"/alerts/channels/new/?kind={kind}", {"name": name, "address": address, "least": "info"})


def channel(of) -> Channel:
    with organization_scope(of.pk):
        return Channel.objects.owned_by(of).order_by("-created_at").first()


def fire(of, threshold: int = 80) -> Alert:
    cross(budget(of), threshold, "82.10")
    with organization_scope(of.pk):
        return crossings.tell(of, now=timezone.now())[0]


def to_channels(of) -> list[Delivery]:
    return [each for each in deliveries(of) if each.channel_id]


def due_now(of) -> None:
    with organization_scope(of.pk):
        Delivery.objects.filter(next_try_at__isnull=False).update(next_try_at=timezone.now() - timedelta(seconds=1))


def secret_of(page: str) -> str:
    return "whsec_" + page.split("whsec_", 1)[1].split("<", 1)[0].split('"', 1)[0].strip()


def test_e11_a_webhook_is_signed_with_the_secret_that_was_shown_once(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    secret = secret_of(add(browser, "webhook", url).content.decode())
    alert = fire(acme)

    sending.deliver_due()

    headers, body = receiver.taken[0]
    told = json.loads(body)
    assert (told["type"], told["organization"]) == ("alert.fired", "Acme")
    assert told["alert"]["id"] == str(alert.pk)
    assert told["alert"]["numbers"][0] == {"name": "Spent", "value": "$82.10"}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(secret.encode(), signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{mac}"
    done = to_channels(acme)[0]
    assert (done.delivered_at is not None, done.status, done.tries) == (True, 200, 1)
    log = browser.get(f"/alerts/channels/{channel(acme).pk}/").content.decode()
    assert "Delivered" in log
    assert secret not in log


def test_e11_a_new_secret_signs_beside_the_old_one_and_a_third_ends_the_first(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "webhook", url)
    path = f"/alerts/channels/{channel(acme).pk}/"
    first_two = [secret_of(browser.post(f"{path}secret/").content.decode()) for _ in range(2)]

    browser.post(f"{path}test/")
    sending.deliver_due()

    headers, body = receiver.taken[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    macs = [
        "v1," + base64.b64encode(hmac.new(each.encode(), signed, sha256).digest()).decode()
        for each in reversed(first_two)
    ]
    assert headers["webhook-signature"].split() == macs
    assert json.loads(body)["type"] == "alert.test"


def test_b60_a_webhook_that_is_down_for_days_is_tried_with_pauses_and_stays_undelivered(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)
    receiver.status = 503
    for _ in range(4):
        due_now(acme)
        sending.deliver_due()

    waiting = to_channels(acme)[0]
    assert (waiting.delivered_at, waiting.given_up_at, waiting.tries, waiting.status) == (None, None, 4, 503)
    assert waiting.next_try_at > timezone.now() + timedelta(minutes=10)
    assert "Not delivered yet" in Browser(alice).get(f"/alerts/{waiting.news.alert_id}/").content.decode()
    sending.deliver_due()
    assert len(receiver.taken) == 4, "not before its time"
    bodies = {body for _, body in receiver.taken}
    assert (len(bodies), len({headers["webhook-id"] for headers, _ in receiver.taken})) == (1, 1)

    receiver.status = 204
    due_now(acme)
    sending.deliver_due()
    assert to_channels(acme)[0].delivered_at is not None


def test_b61_a_channel_that_does_not_answer_is_asked_once_and_holds_up_nobody(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    for threshold in (50, 80, 100):
        fire(acme, threshold)
    receiver.status = 503

    sending.deliver_due()

    assert len(receiver.taken) == 1
    assert {each.next_try_at > timezone.now() for each in to_channels(acme)} == {True}


def test_b60_after_five_days_it_is_given_up(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)
    receiver.status = 500
    with organization_scope(acme.pk):
        Delivery.objects.filter(channel__isnull=False).update(created_at=timezone.now() - timedelta(days=5, minutes=1))

    sending.deliver_due()

    given_up = to_channels(acme)[0]
    assert (given_up.delivered_at, given_up.next_try_at) == (None, None)
    assert given_up.given_up_at is not None


def test_b61_410_disables_a_channel_with_a_notice_and_somebody_enables_it_again(acme, alice, hook, mailbox):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "webhook", url)
    fire(acme)
    receiver.status = 410

    sending.deliver_due()
    fire(acme, 100)
    sending.deliver_due()
    mail.deliver_due()

    held = channel(acme)
    assert "410" in held.why
    assert len(receiver.taken) == 1
    assert "Alerts no longer reach Desk" in [message["Subject"] for message in mailbox.messages]
    page = browser.get(f"/alerts/channels/{held.pk}/").content.decode()
    assert "Disabled" in page
    browser.post(f"/alerts/channels/{held.pk}/enable/")
    assert channel(acme).is_active


def test_b61_nobody_waits_longer_than_ten_seconds(acme, alice, hook, monkeypatch):
    receiver, url = hook
    monkeypatch.setattr("tokentra.lib.posting.SECONDS", 0.3)
    add(Browser(alice), "webhook", url)
    fire(acme)
    import threading

    hold = threading.Event()
    receiver.before_answering = lambda: hold.wait(5)

    sending.deliver_due()
    hold.set()

    late = to_channels(acme)[0]
    assert (late.delivered_at, late.problem) == (None, "it did not answer in time")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/x", "https://hooks.example.com:8443/x", "https://me:pw@hooks.example.com/x",
        "https://me@hooks.example.com/", "https://127.0.0.1/", "https://0177.0.0.1/", "https://2130706433/",
        "https://0x7f.1/", "https://[::1]/", "https://[::ffff:169.254.169.254]/", "https://localhost/",
        "https://intranet/", "https://hooks.example.com./", "https://xn--hks-5qa.example.com/", "https://h\u00f6oks.example.com/",
        "https://hooks.example.com\\@evil.example/", "https://hooks.example.com /x", "ftp://hooks.example.com/", "javascript:alert(1)", "",
        "https://" + "a" * 2000 + ".example.com/", "https://hooks.example.com:https/",
    ],
)  # fmt: skip
def test_b44_odd_addresses_are_refused(url):
    with pytest.raises(BadAddress):
        checked(url)


def test_b44_a_kind_says_on_which_hosts_its_address_may_be(acme, alice):
    browser = Browser(alice)

    for kind, address in (
        ("slack", "https://hooks.slack.com.evil.example/x"),
        ("teams", "https://evil-logic.azure.com/x"),
    ):
        answer = add(browser, kind, address)
        assert answer.status_code == 422
        assert "has to be one of" in answer.content.decode()
    assert add(browser, "webhook", "https://127.0.0.1/").status_code == 422
    assert channel(acme) is None
    assert checked(SLACK, suffixes=("hooks.slack.com",)) == SLACK


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "192.168.1.1", "172.16.0.9", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "::1", "::", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "2002:a00:1::1", "64:ff9b::a00:1", "ff02::1", "nonsense",
    ],
)  # fmt: skip
def test_b44_private_addresses_are_not_public(address):
    assert not egress.is_public(address)


def test_b44_public_addresses_are():
    assert egress.is_public("93.184.215.14")
    assert egress.is_public("2606:2800:21f:cb07:6820:80da:af6b:8b2c")


def test_b44_a_name_that_leads_inside_is_refused_when_connecting(acme, alice, monkeypatch):
    """Also when it led outside when it was typed, and when only one of its addresses is inside."""
    add(Browser(alice), "webhook", "https://rebinding.example.com/hook")
    fire(acme)
    found = [(socket.AF_INET, 0, 0, "", ("93.184.215.14", 443)), (socket.AF_INET, 0, 0, "", ("10.0.0.7", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

    sending.deliver_due()

    refused = to_channels(acme)[0]
    assert refused.delivered_at is None
    assert refused.problem == "its name leads into a private network, where nothing is sent"


def test_b45_a_redirect_is_not_followed(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)
    receiver.status, receiver.headers = 302, {"location": url}

    sending.deliver_due()

    assert len(receiver.taken) == 1
    assert "pointed to another address" in to_channels(acme)[0].problem


def test_slack_teams_and_pagerduty_are_sent_the_shapes_that_they_document(acme, alice, hook, settings):
    receiver, url = hook
    settings.PAGERDUTY_URL = url
    browser = Browser(alice)
    for kind, address in (("slack", url), ("teams", url), ("pagerduty", KEY)):
        assert add(browser, kind, address, name=kind).status_code == 302
    alert = fire(acme, 100)

    sending.deliver_due()

    by_shape = {frozenset(told): told for told in (json.loads(body) for _, body in receiver.taken)}
    slack = by_shape[frozenset({"text", "blocks"})]
    assert [block["type"] for block in slack["blocks"]] == ["header", "section", "section", "context"]
    assert slack["blocks"][0]["text"] == {
        "type": "plain_text",
        "text": "\N{LARGE RED CIRCLE} Research has used up its budget",
    }
    assert slack["blocks"][2]["fields"][0] == {"type": "mrkdwn", "text": "*Spent*\n$82.10"}
    teams = by_shape[frozenset({"type", "attachments"})]["attachments"][0]
    assert teams["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert (teams["content"]["type"], teams["content"]["version"]) == ("AdaptiveCard", "1.4")
    assert {"title": "Spent", "value": "$82.10"} in teams["content"]["body"][2]["facts"]
    pager = next(told for told in by_shape.values() if "routing_key" in told)
    assert (pager["event_action"], pager["routing_key"], pager["dedup_key"]) == ("trigger", KEY, f"tokentra-{alert.pk}")
    assert (pager["payload"]["severity"], pager["payload"]["source"]) == ("critical", "Acme")
    assert pager["payload"]["summary"] == "Research has used up its budget"


def test_pagerduty_follows_what_people_do_here_and_a_chat_does_not(acme, alice, hook, settings):
    receiver, url = hook
    settings.PAGERDUTY_URL = url
    browser = Browser(alice)
    add(browser, "pagerduty", KEY)
    add(browser, "slack", url)
    alert = fire(acme)

    with organization_scope(acme.pk):
        states.acknowledge(acme, [alert.pk], by=alice, now=timezone.now())
        states.resolve(alerts_now(acme), by=alice, now=timezone.now())
    sending.deliver_due()

    told = [json.loads(body) for _, body in receiver.taken]
    assert sorted(each["event_action"] for each in told if "event_action" in each) == [
        "acknowledge",
        "resolve",
        "trigger",
    ]
    assert len({each["dedup_key"] for each in told if "dedup_key" in each}) == 1
    assert sum("blocks" in each for each in told) == 1


def alerts_now(of) -> Alert:
    return Alert.objects.owned_by(of).get()


def test_names_do_not_become_links_or_calls_to_everybody_in_a_chat(acme, alice, hook):
    receiver, url = hook
    add(Browser(alice), "slack", url)
    cross(budget(acme, name="<!channel> & <https://evil.example|x>"), 80, "82")
    with organization_scope(acme.pk):
        crossings.tell(acme, now=timezone.now())

    sending.deliver_due()

    text = json.loads(receiver.taken[0][1])["text"]
    assert "<" not in text
    assert "&lt;!channel&gt; &amp; &lt;https" in text


def test_a_channel_takes_from_its_severity_on(acme, alice, hook):
    receiver, url = hook
    Browser(alice).post("/alerts/channels/new/?kind=webhook", {"name": "Loud", "address": url, "least": "critical"})
    fire(acme)
    sending.deliver_due()
    assert receiver.taken == []

    fire(acme, 100)
    sending.deliver_due()

    assert len(receiver.taken) == 1


def test_a_shared_mailbox_of_the_house_is_written_to_and_a_foreign_one_is_not(acme, alice, mailbox):
    browser = Browser(alice)
    foreign = browser.post(
        "/alerts/channels/new/?kind=email", {"name": "X", "email": "x@foreign.example", "least": "info"}
    )
    assert foreign.status_code == 422
    browser.post("/alerts/channels/new/?kind=email", {"name": "Desk", "email": "desk@acme.example", "least": "info"})
    browser.post(f"/alerts/channels/{channel(acme).pk}/test/")

    sending.deliver_due()
    mail.deliver_due()

    assert [(message["To"], message["Subject"]) for message in mailbox.messages] == [
        ("desk@acme.example", "Test: This channel works")
    ]


def test_e5_the_web_may_put_secrets_in_and_not_read_them(acme, alice, hook):
    add(Browser(alice), "webhook", hook[1])
    with organization_scope(acme.pk):
        rows = list(ChannelSecret.objects.owned_by(acme))
        assert {row.field for row in rows} == {"address", "signing-1"}
        assert all(hook[1].encode() not in bytes(row.ciphertext) for row in rows)

    def read_as_the_web() -> None:
        with organization_scope(acme.pk), connection.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE tt_app")
            cursor.execute("SELECT ciphertext FROM budgets_channelsecret")

    with pytest.raises(ProgrammingError, match="permission denied"):
        read_as_the_web()


def test_b51_a_secret_of_another_channel_does_not_open_and_the_channel_says_so(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "slack", url, name="First")
    add(browser, "slack", url, name="Second")
    with organization_scope(acme.pk):
        first, second = ChannelSecret.objects.owned_by(acme).order_by("sealed_at")
        moved = ("wrapped_key", "ciphertext", "master_id", "sealed_under")
        ChannelSecret.objects.filter(pk=second.pk).update(**{name: getattr(first, name) for name in moved})
    fire(acme)

    sending.deliver_due()

    assert len(receiver.taken) == 1
    with organization_scope(acme.pk):
        disabled = Channel.objects.owned_by(acme).exclude(disabled_at=None).get()
    assert disabled.why == "its address could not be read; set the channel up anew"


def test_e7_removing_a_channel_destroys_its_secrets_and_sends_nothing_more(acme, alice, hook):
    receiver, url = hook
    browser = Browser(alice)
    add(browser, "webhook", url)
    held = channel(acme)
    fire(acme)
    browser.post(f"/alerts/channels/{held.pk}/remove/")

    sending.deliver_due()

    assert receiver.taken == []
    with organization_scope(acme.pk):
        assert {bytes(row.wrapped_key) for row in ChannelSecret.objects.owned_by(acme)} == {b""}
    assert browser.get(f"/alerts/channels/{held.pk}/").status_code == 404


def test_e3_a_new_master_key_wraps_channels_too(acme, alice, hook, settings):
    receiver, url = hook
    add(Browser(alice), "slack", url)
    settings.ENCRYPTION_KEYS = [b"n" * 32, *settings.ENCRYPTION_KEYS]

    assert sealing.rewrap_all() == 1
    assert sealing.references() == {crypto.current_master(): 1}

    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
    fire(acme)
    sending.deliver_due()
    assert len(receiver.taken) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("point", "sent"), [("alerts.claimed", 1), ("alerts.sent", 2)])
def test_c4_whoever_dies_while_sending_is_followed_by_another_under_the_same_id(
    acme, alice, hook, tmp_path, point, sent
):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)

    assert in_a_child(point, tmp_path, sending.deliver_due) == KILLED
    sending.deliver_due()
    assert to_channels(acme)[0].delivered_at is None, "its lease is still held"
    due_now(acme)
    sending.deliver_due()

    assert len(receiver.taken) == sent
    assert len({headers["webhook-id"] for headers, _ in receiver.taken}) == 1
    assert to_channels(acme)[0].delivered_at is not None


def test_b60_a_letter_that_no_server_takes_is_shown_as_undelivered_until_it_arrives(acme, alice, mailbox):
    alert, browser = fire(acme), Browser(alice)
    mailbox.answer = "451 Try later"
    sending.deliver_due()
    mail.deliver_due()
    settling.settle()
    page = browser.get(f"/alerts/{alert.pk}/").content.decode()
    assert "Not delivered yet" in page
    assert "451 Try later" in page
    assert deliveries(acme)[0].delivered_at is None

    mailbox.answer = "250 OK"
    OutboxMail.objects.update(next_try_at=timezone.now())
    mail.deliver_due()

    assert (settling.settle(), settling.settle()) == (1, 0)
    assert deliveries(acme)[0].delivered_at is not None
    OutboxMail.objects.all().delete()
    assert "Delivered" in browser.get(f"/alerts/{alert.pk}/").content.decode(), "also when the outbox has forgotten it"


def test_a_person_gets_one_letter_a_day_when_they_chose_so_and_none_in_quiet_hours(acme, alice, mailbox):
    browser = Browser(alice)
    wish = {"mailing": "digest", "least": "info", "digest_at": "07:30"}
    assert browser.post("/alerts/wishes/", wish).status_code == 302
    noon = timezone.now().replace(hour=12, minute=0)
    with time_machine.travel(noon, tick=False):
        fire(acme)
        fire(acme, 100)
    with time_machine.travel(noon + timedelta(hours=1), tick=False):
        assert {each.next_try_at for each in deliveries(acme)} == {
            (noon + timedelta(hours=19.5)).replace(second=0, microsecond=0)
        }
    due_now(acme)

    sending.deliver_due()
    mail.deliver_due()

    assert [message["Subject"] for message in mailbox.messages] == ["2 alerts of Acme"]
    quiet = {
        "mailing": "at_once",
        "least": "warning",
        "digest_at": "08:00",
        "quiet_from": "22:00",
        "quiet_until": "06:00",
    }
    browser.post("/alerts/wishes/", quiet)
    night = noon.replace(hour=23)
    with time_machine.travel(night, tick=False):
        fire(acme)
        fire(acme, 50)
        critical = fire(acme, 100)
    late = [each for each in deliveries(acme) if each.created_at >= night]
    assert {each.next_try_at - night for each in late if each.news.alert_id == critical.pk} == {timedelta(0)}
    assert {each.next_try_at.hour for each in late if each.news.alert_id != critical.pk} == {6}
    assert len(late) == 2, "a half-used budget is less than a warning"


def test_where_anybody_may_have_a_mailbox_only_a_members_own_is_written_to(acme, alice):
    make.member(acme, "dana@gmail.com", Role.VIEWER)
    browser = Browser(alice)

    def ask(email: str) -> int:
        told = {"name": "Desk", "email": email, "least": "info"}
        return browser.post("/alerts/channels/new/?kind=email", told).status_code

    assert (ask("somebody@gmail.com"), ask("Dana@gmail.com")) == (422, 302)


def test_a_member_whose_mailbox_nobody_proved_opens_no_domain(acme, alice):
    member = make.member(acme, "eve@victim.example", Role.VIEWER)
    EmailAddress.objects.filter(user=member).update(verified=False)

    with organization_scope(acme.pk), pytest.raises(Problem, match="domain of one of your members"):
        making.refuse_strangers(acme, "boss@victim.example")


def test_a_channel_is_tested_so_often_a_day(acme, alice, monkeypatch):
    monkeypatch.setattr(making, "TESTS_A_DAY", 2)
    add(Browser(alice), "webhook", "https://hooks.example.com/x")
    now = timezone.now()
    with organization_scope(acme.pk):
        held = Channel.objects.get()
        for _ in range(2):
            making.test(held, by=alice, now=now)
        Delivery.objects.update(given_up_at=now, next_try_at=None)
        with pytest.raises(Problem, match="up to 2 times a day"):
            making.test(held, by=alice, now=now + timedelta(hours=23))
        making.test(held, by=alice, now=now + timedelta(hours=25))


def test_names_do_not_become_links_in_a_card():
    name = "[Approve](https://evil.example) *now*"
    now = timezone.now()
    message = payloads.Message(
        "1", "2", "fired", now, now, "new", "info", f"New model: {name}", name, "https://ours.example/", name,
        numbers=((name, name),),
    )  # fmt: skip

    body = payloads.teams(message)["attachments"][0]["content"]["body"]

    plain = r"\[Approve\]\(https://evil.example\) \*now\*"
    texts = [each["text"] for each in body if "text" in each]
    assert texts == [f"New model: {plain}", plain, plain]
    assert body[2]["facts"] == [{"title": plain, "value": plain}]


def test_what_is_on_its_way_goes_out_while_calls_that_came_in_cannot_be_added_up(acme, alice, hook, late):
    receiver, url = hook
    add(Browser(alice), "webhook", url)
    fire(acme)
    late()

    sending.deliver_due()

    assert len(receiver.taken) == 1
    with organization_scope(acme.pk, up_to_date=False):
        assert Delivery.objects.get(channel__isnull=False).delivered_at is not None


def test_letters_go_before_posts_that_wait_for_an_answer_and_who_runs_out_of_time_rings_again(acme, alice, monkeypatch):
    add(Browser(alice), "webhook", "https://hooks.example.com/x")
    fire(acme)
    letters_written: list[int] = []

    def post(*_, **__):
        letters_written.append(OutboxMail.objects.filter(kind="alert").count())
        return 200, None

    monkeypatch.setattr(sending, "post", post)
    rung: list[bool] = []
    monkeypatch.setattr(sending.telling, "nudge", lambda: rung.append(True))

    monkeypatch.setattr(sending, "STEP", -1)
    assert (sending.deliver_due(), rung) == (0, [True])
    monkeypatch.setattr(sending, "STEP", 10)
    assert sending.deliver_due() == 2

    assert (letters_written, rung) == ([1], [True])


def test_organizations_are_served_in_turns(acme, elsewhere, alice, mallory):
    for n in range(3):
        fire(acme, 50 + n)
    fire(elsewhere)

    assert [organization_id for organization_id, _ in sending.due()].index(elsewhere.pk) == 1


def test_a_pager_hears_the_end_after_the_beginning_and_of_what_is_opened_again(acme, alice, hook, settings):
    receiver, url = hook
    settings.PAGERDUTY_URL = url
    add(Browser(alice), "pagerduty", KEY)
    fire(acme)
    receiver.status = 503
    sending.deliver_due()
    receiver.status = 202
    with organization_scope(acme.pk):
        states.resolve(alerts_now(acme), by=alice, now=timezone.now())
    sending.deliver_due()
    assert len(receiver.taken) == 1, "the end waits for the beginning"
    first, last = to_channels(acme)
    assert last.next_try_at > first.next_try_at

    with organization_scope(acme.pk):
        states.reopen(alerts_now(acme), by=alice, now=timezone.now())
    due_now(acme)
    sending.deliver_due()

    told = [json.loads(body) for _, body in receiver.taken[1:]]
    assert [each["event_action"] for each in told] == ["trigger", "resolve", "trigger"]
    assert told[2]["payload"]["summary"] == "Opened again: Research has used 80% of its budget"


def test_a_mailbox_that_was_removed_gets_nothing_that_waited(acme, alice):
    browser = Browser(alice)
    browser.post("/alerts/channels/new/?kind=email", {"name": "Desk", "email": "desk@acme.example", "least": "info"})
    fire(acme)
    browser.post(f"/alerts/channels/{channel(acme).pk}/remove/")

    sending.deliver_due()

    assert not OutboxMail.objects.filter(to="desk@acme.example").exists()
    assert to_channels(acme)[0].problem == "The channel was disabled or removed."

"""Where alerts may be sent: addresses that lead inside, pretend or belong to strangers are refused (B44, B45)."""

import socket

import pytest
from allauth.account.models import EmailAddress

from accounts.permissions import Role
from budgets.channels import making, sending
from tests import make
from tests.budgets.alerting.channels_of import SLACK, add, channel, fire, to_channels
from tests.conftest import Browser
from tokentra.lib import egress
from tokentra.lib.egress import BadAddress, checked
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db, pytest.mark.worker]


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

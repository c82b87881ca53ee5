"""Proved domains are looked at again: what a DNS denies for days, once, or does not say at all."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.mailed import OutboxMail
from accounts.models import AuditLine
from accounts.permissions import Role
from accounts.sign_on import domains, looking_again
from accounts.sign_on.kept import LAPSES_AFTER, SignOnDomain
from tests import make
from tests.accounts.sign_on import proved
from tests.accounts.test_sign_on_domains import PAGE, alices, check, names
from tokentra.lib.tenancy import organization_scope

__all__ = ["alices", "names"]

pytestmark = [pytest.mark.django_db, pytest.mark.worker]
NEW = "dana@acme.example"


@pytest.fixture
def domain(acme, alice, names) -> SignOnDomain:
    make.member(acme, "second@acme.example", Role.OWNER)
    made = proved(acme, by=alice)
    names.texts["acme.example"] = [made.token]
    return made


def looked_at(days: int, *, after: int = 0) -> None:
    """As the hourly look does, over some days."""
    start = timezone.now() + timedelta(days=after)
    for hour in range(0, 24 * days, 12):
        with time_machine.travel(start + timedelta(hours=hour), tick=True):
            assert not looking_again.go_on()


def missed(domain: SignOnDomain) -> int:
    with organization_scope(domain.organization_id):
        return SignOnDomain.objects.get(pk=domain.pk).missed


def actions(domain: SignOnDomain) -> list[str]:
    with organization_scope(domain.organization_id):
        lines = AuditLine.objects.filter(actor=None).order_by("at")
        return [line.action for line in lines if line.action.startswith("sign_on_domain")]


def test_a_domain_that_shows_its_record_stays(domain, acme):
    looked_at(3)

    assert (missed(domain), actions(domain)) == (0, [])
    assert domains.speaks_for(acme.pk, NEW)


def test_a_record_that_is_gone_is_told_and_after_a_week_brings_nobody_new(domain, acme, names):
    names.texts.clear()
    looked_at(1)
    assert (missed(domain), OutboxMail.objects.filter(kind="domain_missing").count()) == (1, 0)
    looked_at(LAPSES_AFTER - 2, after=1)
    assert (missed(domain), actions(domain)) == (LAPSES_AFTER - 1, ["sign_on_domain_missing"])
    told = OutboxMail.objects.filter(kind="domain_missing")
    assert {mail.to for mail in told} == {"alice@acme.example", "second@acme.example"}
    assert "If it is not back in 5 days" in told[0].text
    assert domain.token in told[0].text
    assert domains.speaks_for(acme.pk, NEW)

    looked_at(1, after=LAPSES_AFTER - 1)

    assert not domains.speaks_for(acme.pk, NEW)
    assert domains.speaks_for(acme.pk, "alice@acme.example")
    assert domains.organization_of(NEW) == acme.pk
    assert actions(domain) == ["sign_on_domain_missing", "sign_on_domain_lapsed"]
    assert told.all().count() == 4
    looked_at(2, after=LAPSES_AFTER)
    assert told.all().count() == 4


def test_a_record_that_comes_back_counts_at_once(domain, acme, alices, names):
    names.texts.clear()
    looked_at(LAPSES_AFTER)
    page = alices.get(PAGE).content.decode()
    assert "Record gone" in page
    assert domain.token in page

    names.texts["acme.example"] = [domain.token]
    assert "is yours" in check(alices, domain)

    assert domains.speaks_for(acme.pk, NEW)
    assert missed(domain) == 0


def test_it_comes_back_by_itself_too_and_days_are_counted_anew(domain, names):
    names.texts.clear()
    looked_at(3)
    names.texts["acme.example"] = [domain.token]
    looked_at(1, after=3)
    assert actions(domain) == ["sign_on_domain_missing", "sign_on_domain_shown_again"]

    names.texts.clear()
    looked_at(1, after=4)

    assert missed(domain) == 1


def test_a_name_server_that_does_not_answer_says_nothing(domain, acme, settings, monkeypatch):
    settings.DNS_SERVER = "127.0.0.1:9"
    monkeypatch.setattr("tokentra.lib.dns_text.SECONDS", 0.05)

    looked_at(LAPSES_AFTER + 1)

    assert missed(domain) == 0
    assert domains.speaks_for(acme.pk, NEW)


def test_what_was_not_proved_is_not_looked_at(acme, alice, names):
    domains.claim(acme, "acme.example", by=alice)

    assert looking_again.due(timezone.now()) == []

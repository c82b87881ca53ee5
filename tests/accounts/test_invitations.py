"""Invitations: who may ask whom, what each address is told, and what becomes of a link."""

from datetime import timedelta
from threading import Thread

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.db import connections, transaction
from django.utils import timezone

from accounts import invitations, team
from accounts.invitations import NoLongerOpen, addresses_in, digest_of, find, invite
from accounts.invited import Invitation
from accounts.mailed import OutboxMail
from accounts.models import AuditLine, JournalEntry, Membership, Organization
from accounts.pacing import DAY, HOUR, Pace, TooMany
from accounts.permissions import Role
from tests import make
from tests.product import wait_for
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import digest_scope, organization_scope, user_scope

JUNE = "june@client.example"


def token_in(link: str) -> str:
    return link.rstrip("/").rsplit("/", 1)[-1]


def offer_of(link: str) -> Invitation:
    offer = find(digest_of(token_in(link)))
    assert offer
    return offer


@pytest.fixture
def link(acme, alice) -> str:
    """June was asked to join Acme as a viewer, by Alice."""
    return invite(acme, [JUNE], Role.VIEWER, by=alice)[0].link


def test_an_address_gets_a_link_a_letter_and_a_line_in_the_journal(acme, alice):
    [told] = invite(acme, [" June@Client.example "], Role.FINANCE, by=alice)

    assert (told.email, told.status, told.reason) == (JUNE, "pending", "")
    letter = OutboxMail.objects.get(to=JUNE)
    assert letter.subject == "Alice invites you to Acme on TokenTra"
    assert told.link in letter.text
    with organization_scope(acme.pk):
        offer = Invitation.objects.get()
        line = JournalEntry.objects.owned_by(acme).get(event="team_invite_sent")
        note = AuditLine.objects.owned_by(acme).get(action="invitation_sent")
    assert (offer.role, offer.invited_by, offer.mail_id) == ("finance", alice, letter.pk)
    assert timedelta(days=13, hours=23) < offer.expires_at - timezone.now() <= timedelta(days=14)
    assert (line.user, line.data) == (alice, {"invitation": str(offer.pk), "role": "finance", "again": False})
    assert (note.actor, note.data["email"]) == (alice, JUNE)


def test_e12_a_token_has_256_bits_and_only_its_digest_is_kept(acme, link):
    token = token_in(link)

    assert len(token.removeprefix("tt_invite_")) == 43  # 32 bytes in base64
    with organization_scope(acme.pk):
        kept = Invitation.objects.values().get()
    assert kept["token_digest"] == digest_of(token)
    assert token not in str(kept)


def test_each_address_is_told_what_became_of_it(acme, alice, bob, link):
    wanted = ["new@client.example", "New@Client.Example", "no-address", JUNE, bob.email, "x@mailinator.com", "  "]

    told = invite(acme, wanted, Role.MEMBER, by=alice)

    assert [(each.email, each.status) for each in told] == [
        ("new@client.example", "pending"),
        ("no-address", "refused"),
        (JUNE, "pending"),
        (bob.email, "member"),
        ("x@mailinator.com", "refused"),
    ]
    assert [bool(each.link) for each in told] == [True, False, False, False, False]
    assert all(each.reason for each in told[1:])


@pytest.mark.parametrize("address", ["a@b.example\nBcc: c@d.example", "a@b", "ü@b.example", "a" * 300 + "@b.example"])
def test_b9_what_is_no_address_is_refused_with_a_reason(acme, alice, address: str):
    [told] = invite(acme, [address], Role.MEMBER, by=alice)

    assert told.status == "refused"
    assert told.reason
    assert not OutboxMail.objects.exists()


@pytest.mark.parametrize(
    ("by", "role", "allowed"),
    [
        (Role.OWNER, Role.OWNER, True),
        (Role.ADMIN, Role.ADMIN, True),
        (Role.ADMIN, Role.OWNER, False),
        (Role.FINANCE, Role.VIEWER, False),
        (Role.MEMBER, Role.VIEWER, False),
        (Role.VIEWER, Role.VIEWER, False),
    ],
)
def test_owners_and_admins_invite_and_owners_only_by_an_owner(acme, by: Role, role: Role, allowed: bool):
    person = make.member(acme, "dana@acme.example", by)

    if allowed:
        assert invite(acme, [JUNE], role, by=person)[0].link
    else:
        with pytest.raises(PermissionDenied):
            invite(acme, [JUNE], role, by=person)
        assert not OutboxMail.objects.exists()


def test_nobody_invites_into_another_organization_or_a_sample(acme, mallory, alice):
    sample = make.organization("Sample", owner=alice, is_sample=True)

    with pytest.raises(PermissionDenied):
        invite(acme, [JUNE], Role.VIEWER, by=mallory)
    with pytest.raises(PermissionDenied):
        invite(sample, [JUNE], Role.VIEWER, by=alice)


def test_an_organization_sends_a_hundred_an_hour(acme, alice, monkeypatch):
    monkeypatch.setattr(invitations, "OF_AN_ORGANIZATION", (Pace(2, HOUR),))

    told = invite(acme, ["a@b.example", "c@d.example", "e@f.example"], Role.VIEWER, by=alice)

    assert [each.status for each in told] == ["pending", "pending", "refused"]
    assert told[2].reason == "2 an hour is the most that is sent from one organization. Send it in 60 minutes."


def test_b7_one_person_sends_a_hundred_an_hour_from_all_organizations_together(acme, alice, bob, monkeypatch):
    monkeypatch.setattr(invitations, "OF_A_PERSON", (Pace(3, HOUR), Pace(4, DAY)))
    clients = [make.organization(f"Client {number}", owner=alice) for number in range(3)]
    start = timezone.now()

    def sent(after: timedelta, to: Organization, *addresses: str) -> list[tuple[str, int]]:
        with time_machine.travel(start + after, tick=False):
            told = invite(to, addresses, Role.VIEWER, by=alice)
        return [(each.status, each.held_up.seconds if each.held_up else 0) for each in told]

    assert sent(0 * HOUR, clients[0], "a@b.example", "c@d.example") == [("pending", 0)] * 2
    assert sent(0 * HOUR, clients[1], "a@b.example", "e@f.example") == [("pending", 0), ("refused", 3600)]
    assert sent(HOUR / 2, clients[2], "a@b.example") == [("refused", 1800)]
    assert sent(HOUR, clients[2], "a@b.example", "c@d.example") == [("pending", 0), ("refused", 23 * 3600)]
    assert sent(DAY, clients[2], "c@d.example", "e@f.example") == [("pending", 0)] * 2

    others = make.member(clients[2], "ada@acme.example", Role.ADMIN)
    with time_machine.travel(start + HOUR, tick=False):
        assert invite(clients[2], ["g@h.example"], Role.VIEWER, by=others)[0].link


def test_b7_sending_again_counts_for_the_person_as_well(acme, alice, monkeypatch, settings):
    settings.MAIL_IS_CONFIGURED = True
    monkeypatch.setattr(invitations, "OF_A_PERSON", (Pace(2, HOUR),))
    link = invite(acme, [JUNE], Role.VIEWER, by=alice)[0].link
    OutboxMail.objects.update(delivered_at=timezone.now(), next_try_at=None)
    link = invitations.send_again(offer_of(link), by=alice).link

    with pytest.raises(TooMany, match="by one person") as held_up:
        invitations.send_again(offer_of(link), by=alice)

    assert 3500 < held_up.value.seconds <= 3600
    assert offer_of(link).email == JUNE, "the link that works goes on working"


@pytest.mark.django_db(transaction=True)
def test_b7_two_tabs_in_two_organizations_do_not_pass_the_limit_together(acme, alice, monkeypatch):
    monkeypatch.setattr(invitations, "OF_A_PERSON", (Pace(1, HOUR),))
    client = make.organization("Client", owner=alice)
    told = []

    def send(to: Organization) -> None:
        told.extend(invite(to, [JUNE], Role.VIEWER, by=alice))
        connections.close_all()

    tabs = [Thread(target=send, args=[to]) for to in (acme, client)]
    with transaction.atomic():
        alice.lock()
        for tab in tabs:
            tab.start()
        wait_for(lambda: sessions_that_wait() == 2, 20, "both wait for their turn")
    for tab in tabs:
        tab.join()

    assert sorted(each.status for each in told) == ["pending", "refused"]


def test_a_letter_that_was_delivered_makes_it_sent(acme, link):
    now = timezone.now()
    assert offer_of(link).status(now) == "pending"

    OutboxMail.objects.filter(to=JUNE).update(delivered_at=now)

    assert offer_of(link).status(now) == "sent"


def test_an_invitation_outlives_its_letter(acme, link):
    OutboxMail.objects.filter(to=JUNE).delete()

    assert offer_of(link).status(timezone.now()) == "pending"


def test_an_expired_invitation_is_renewed_by_inviting_again(acme, alice, link):
    with organization_scope(acme.pk):
        Invitation.objects.update(expires_at=timezone.now())
    assert offer_of(link).status(timezone.now()) == "expired"

    [told] = invite(acme, [JUNE], Role.ADMIN, by=alice)

    assert find(digest_of(token_in(link))) is None
    assert (offer_of(told.link).role, offer_of(told.link).status(timezone.now())) == ("admin", "pending")


def test_b7_sending_again_kills_the_old_link_and_its_letter(acme, alice, link):
    told = invitations.send_again(offer_of(link), by=alice)

    assert find(digest_of(token_in(link))) is None
    assert offer_of(told.link).email == JUNE
    assert [told.link in mail.text for mail in OutboxMail.objects.filter(to=JUNE)] == [True]


def test_what_was_taken_back_or_accepted_is_neither_sent_again_nor_taken_back(acme, alice, link):
    offer = offer_of(link)
    invitations.revoke(offer, by=alice)

    assert offer_of(link).status(timezone.now()) == "revoked"
    assert not OutboxMail.objects.filter(to=JUNE).exists()
    with pytest.raises(NoLongerOpen):
        invitations.send_again(offer, by=alice)
    with pytest.raises(NoLongerOpen):
        invitations.revoke(offer, by=alice)
    assert invite(acme, [JUNE], Role.VIEWER, by=alice)[0].link


def test_the_invited_person_joins_once(acme, link):
    june = make.user(JUNE)
    offer = offer_of(link)

    membership = invitations.accept(offer, june)

    assert (membership.role, membership.is_invitee) == ("viewer", True)
    with organization_scope(acme.pk):
        line = JournalEntry.objects.owned_by(acme).get(event="team_invite_accepted")
    assert (line.user, line.data["role"]) == (june, "viewer")
    with pytest.raises(NoLongerOpen):
        invitations.accept(offer, june)


def test_b7_nobody_else_accepts_it(acme, link, mallory):
    with pytest.raises(PermissionDenied):
        invitations.accept(offer_of(link), mallory)

    assert offer_of(link).status(timezone.now()) == "pending"


def test_b16_the_database_shows_an_invitation_to_its_organization_its_holder_and_its_person(
    acme, link, mallory, elsewhere
):
    june = make.user(JUNE)

    with organization_scope(elsewhere.pk):
        assert not Invitation.objects.exists()
    with user_scope(mallory.pk):
        assert not Invitation.objects.exists()
    with digest_scope(digest_of("another")):
        assert not Invitation.objects.exists()
    for scope in (organization_scope(acme.pk), user_scope(june.pk), digest_scope(digest_of(token_in(link)))):
        with scope:
            assert Invitation.objects.get().email == JUNE
    with user_scope(june.pk):
        assert not Invitation.objects.update(role="owner")
        assert not Membership.objects.exists()


def test_addresses_are_read_as_people_paste_them():
    text = 'a@b.example, "Dee, C." <c@d.example>;\r\ne@f.example g@h.example\n\n  '

    assert addresses_in(text) == ["a@b.example", "c@d.example", "e@f.example", "g@h.example"]


def test_an_offer_ends_when_the_person_behind_it_goes(acme, alice):
    ada = make.member(acme, "ada@acme.example", Role.ADMIN)
    link = invite(acme, [JUNE], Role.ADMIN, by=ada)[0].link
    with organization_scope(acme.pk):
        membership = acme.memberships.get(user=ada)

    team.remove(acme, membership.pk, by=alice)

    assert offer_of(link).status(timezone.now()) == "revoked"

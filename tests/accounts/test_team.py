"""The team page: who sees what, who may change whom, and that an owner is always there (reliability B3, B8, E13)."""

from threading import Thread

import pytest
from allauth.usersessions.models import UserSession
from django.db import connections

from accounts import invitations, team
from accounts.invited import Invitation
from accounts.mailed import OutboxMail
from accounts.models import AuditLine, Membership, Organization, User
from accounts.pacing import HOUR, Pace
from accounts.permissions import Role
from tests import make
from tests.accounts.test_invitations import JUNE
from tests.conftest import Browser
from tests.make import PASSWORD
from tests.product import wait_for
from tests.waits import sessions_that_wait
from tokentra.lib.tenancy import organization_scope


class Signed(Browser):
    """A person who gave their password a moment ago."""

    def __init__(self, user: User) -> None:
        super().__init__(user)
        self.post("/reauthenticate/", {"password": PASSWORD})


def at(organization: Organization, person: User) -> str:
    with organization_scope(organization.pk):
        return f"/settings/team/{organization.memberships.get(user=person).pk}/"


def roles_in(organization: Organization) -> dict[str, str]:
    with organization_scope(organization.pk):
        return {m.user.email: m.role for m in organization.memberships.select_related("user")}


def audit_of(organization: Organization) -> list[str]:
    with organization_scope(organization.pk):
        return [line.action for line in AuditLine.objects.owned_by(organization).order_by("at")]


def text_of(answer) -> str:
    return answer.content.decode()


@pytest.mark.parametrize("role", list(Role))
def test_every_member_reads_the_list_and_those_who_manage_people_change_it(acme, alice, role: Role):
    person = make.member(acme, "dana@acme.example", role)

    page = text_of(Browser(person).get("/settings/team/"))

    assert alice.email in page
    assert ("Invite people" in page) == (role in {Role.OWNER, Role.ADMIN})
    assert ("Change</span>" in page) == (role in {Role.OWNER, Role.ADMIN})


@pytest.mark.parametrize("role", [Role.FINANCE, Role.MEMBER, Role.VIEWER])
def test_nobody_else_changes_anything(acme, alice, bob, role: Role):
    browser = Signed(make.member(acme, "dana@acme.example", role))
    before = roles_in(acme)

    for path in (at(acme, bob), f"{at(acme, bob)}remove/", f"{at(acme, bob)}hand-over/", "/settings/team/invitations/"):
        body = {"role": "admin", "addresses": JUNE}
        assert browser.post(path, body).status_code == 403, path
    assert browser.get(at(acme, bob)).status_code == 403
    assert roles_in(acme) == before
    assert not OutboxMail.objects.exists()


def test_an_owner_changes_a_role_and_the_audit_log_says_so(acme, alice, bob):
    browser = Signed(alice)

    assert browser.post(at(acme, bob), {"role": "finance"})["Location"] == "/settings/team/"

    assert roles_in(acme)[bob.email] == "finance"
    with organization_scope(acme.pk):
        line = AuditLine.objects.owned_by(acme).get(action="role_changed")
    assert (line.actor, line.data["before"], line.data["after"]) == (alice, "member", "finance")


def test_an_owner_who_is_one_no_longer_has_invited_no_owners(acme, alice, bob):
    with organization_scope(acme.pk):
        member = acme.memberships.get(user=bob)
    team.change_role(acme, member.pk, Role.OWNER, by=alice)
    for address, role in ((JUNE, Role.OWNER), ("jo@acme.example", Role.ADMIN)):
        invitations.invite(acme, [address], role, by=bob)

    team.change_role(acme, member.pk, Role.ADMIN, by=alice)

    with organization_scope(acme.pk):
        assert [each.email for each in acme.invitations.unanswered()] == ["jo@acme.example"]


@pytest.mark.parametrize(("role", "status"), [("owner", 422), ("king", 422), ("", 422), ("admin", 302)])
def test_an_admin_gives_every_role_but_the_owners(acme, bob, role: str, status: int):
    browser = Signed(make.member(acme, "dana@acme.example", Role.ADMIN))

    assert browser.post(at(acme, bob), {"role": role}).status_code == status

    assert (roles_in(acme)[bob.email] == "admin") == (status == 302)


def test_an_admin_neither_changes_nor_removes_an_owner(acme, alice, bob):
    dana = make.member(acme, "dana@acme.example", Role.ADMIN)
    make.member(acme, "second@acme.example", Role.OWNER)
    browser = Signed(dana)

    assert "Only an owner changes who is an owner" in text_of(browser.get(at(acme, alice)))
    assert browser.post(at(acme, alice), {"role": "viewer"}).status_code == 403
    assert browser.post(f"{at(acme, alice)}remove/").status_code == 403
    assert browser.post(f"{at(acme, bob)}hand-over/").status_code == 403

    assert roles_in(acme)[alice.email] == "owner"


def test_e13_the_password_is_asked_for_again_and_the_change_goes_on_after_it(acme, alice, bob):
    browser = Browser(alice)

    asked = browser.post(at(acme, bob), {"role": "admin"})["Location"]
    assert asked.startswith("/reauthenticate/")
    assert roles_in(acme)[bob.email] == "member"
    browser.post(asked, {"password": PASSWORD})

    assert roles_in(acme)[bob.email] == "admin"


@pytest.mark.parametrize(("minutes", "asks"), [(9, False), (11, True)])
def test_e13_a_login_counts_for_ten_minutes(acme, alice, bob, minutes: int, asks: bool):
    browser = Browser()
    browser.post("/login/", {"login": alice.email, "password": PASSWORD})
    session = browser.session
    [proof] = session["account_authentication_methods"]
    session["account_authentication_methods"] = [proof | {"at": proof["at"] - minutes * 60}]
    session.save()

    answer = browser.post(at(acme, bob), {"role": "admin"})

    assert answer["Location"].startswith("/reauthenticate/") == asks
    assert (roles_in(acme)[bob.email] == "admin") != asks


@pytest.mark.parametrize(("role", "asks"), [("owner", True), ("admin", True), ("member", False)])
def test_e13_so_it_is_for_invitations_to_a_powerful_role(acme, alice, role: str, asks: bool):
    answer = Browser(alice).post("/settings/team/invitations/", {"addresses": JUNE, "role": role})

    assert answer.get("Location", "").startswith("/reauthenticate/") == asks
    assert OutboxMail.objects.filter(to=JUNE).exists() != asks


def act_for(browser: Browser, organization: Organization) -> Browser:
    browser.post(f"/organizations/{organization.pk}/enter/")
    browser.get("/settings/team/")
    return browser


def test_b3_a_removed_member_loses_access_at_once(acme, alice, bob, mallory, elsewhere):
    with organization_scope(elsewhere.pk):
        Membership.objects.create(organization=elsewhere, user=bob, role=Role.VIEWER)
    here, there = act_for(Browser(bob), acme), act_for(Browser(bob), elsewhere)

    Signed(alice).post(f"{at(acme, bob)}remove/")

    assert here.get("/settings/team/")["Location"].startswith("/login/")
    assert "Elsewhere" in text_of(there.get("/settings/team/"))
    assert bob.email not in roles_in(acme)
    assert there.post(f"/organizations/{acme.pk}/enter/").status_code == 404
    assert "member_removed" in audit_of(acme)


def test_b3_a_changed_role_ends_that_persons_sessions_here(acme, alice, bob):
    here = act_for(Browser(bob), acme)

    Signed(alice).post(at(acme, bob), {"role": "viewer"})

    assert here.get("/settings/team/")["Location"].startswith("/login/")
    assert not UserSession.objects.filter(user=bob).exists()


def test_b3_whoever_changes_their_own_role_gets_a_session_of_a_new_id(acme, alice):
    make.member(acme, "second@acme.example", Role.OWNER)
    browser, other = Signed(alice), act_for(Browser(alice), acme)
    before = browser.session.session_key

    assert browser.post(at(acme, alice), {"role": "viewer"})["Location"] == "/"

    assert browser.session.session_key != before
    assert browser.get("/settings/team/").status_code == 200
    assert other.get("/settings/team/")["Location"].startswith("/login/")


LAST = "An organization needs at least one owner."


def test_b8_the_last_owner_stays(acme, alice, bob):
    browser = Signed(alice)

    for path, body in (
        (at(acme, alice), {"role": "admin"}),
        (f"{at(acme, alice)}remove/", {}),
        ("/settings/team/leave/", {}),
    ):
        answer = browser.post(path, body)
        assert answer.status_code == 409, path
        assert LAST in text_of(answer)
    assert roles_in(acme)[alice.email] == "owner"
    assert audit_of(acme) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", ["demote", "demote oneself", "remove", "leave"])
def test_b8_two_owners_who_go_at_once_leave_one(acme, alice, act: str):
    second = make.member(acme, "second@acme.example", Role.OWNER)
    acts = {
        "demote": lambda me, other: (at(acme, other), {"role": "admin"}),
        "demote oneself": lambda me, other: (at(acme, me), {"role": "admin"}),
        "remove": lambda me, other: (f"{at(acme, other)}remove/", {}),
        "leave": lambda me, other: ("/settings/team/leave/", {}),
    }
    turns = [(Signed(me), *acts[act](me, other)) for me, other in ((alice, second), (second, alice))]
    answers = []

    def go(browser: Browser, path: str, body: dict[str, str]) -> None:
        answers.append(browser.post(path, body))
        connections.close_all()

    threads = [Thread(target=go, args=turn) for turn in turns]
    with organization_scope(acme.pk):
        acme.lock()
        for thread in threads:
            thread.start()
        wait_for(lambda: sessions_that_wait() == 2, 20, "both wait for their turn")
    for thread in threads:
        thread.join()

    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert (won.status_code, lost.status_code) == (302, 409)
    assert LAST in text_of(lost)
    assert list(roles_in(acme).values()).count("owner") == 1


def test_a_member_leaves_and_acts_for_another_organization(acme, bob):
    own = make.organization("Own", owner=bob)
    browser = act_for(Browser(bob), acme)

    assert browser.post("/settings/team/leave/")["Location"] == "/"

    assert bob.email not in roles_in(acme)
    assert "Own" in text_of(browser.get("/settings/team/"))
    assert audit_of(acme) == ["member_left"]
    assert roles_in(own)[bob.email] == "owner"


def test_ownership_is_handed_over_in_one_step(acme, alice, bob):
    browser = Signed(alice)

    browser.post(f"{at(acme, bob)}hand-over/")

    assert roles_in(acme) == {alice.email: "admin", bob.email: "owner"}
    assert browser.get("/settings/team/").status_code == 200
    assert audit_of(acme).count("role_changed") == 2


def test_b14_b15_a_form_names_neither_an_organization_nor_a_person(acme, elsewhere, mallory, alice, bob):
    Signed(alice).post(at(acme, bob), {"role": "viewer", "user": str(mallory.pk), "organization": str(elsewhere.pk)})

    assert roles_in(acme) == {alice.email: "owner", bob.email: "viewer"}
    assert roles_in(elsewhere) == {mallory.email: "owner"}


@pytest.mark.parametrize("act", ["", "remove/", "hand-over/"])
def test_b13_members_of_another_organization_are_not_there(acme, bob, mallory, elsewhere, act: str):
    browser = Signed(mallory)
    missing = "/settings/team/0192a9b6-0000-7000-8000-000000000000/"

    theirs, nobodys = (browser.post(f"{path}{act}", {"role": "viewer"}) for path in (at(acme, bob), missing))

    assert (theirs.status_code, nobodys.status_code) == (404, 404)
    assert roles_in(acme)[bob.email] == "member"


@pytest.mark.parametrize("act", ["send", "revoke"])
def test_b13_invitations_of_another_organization_are_not_there(acme, alice, mallory, elsewhere, act: str):
    invitations.invite(acme, [JUNE], Role.VIEWER, by=alice)
    with organization_scope(acme.pk):
        pk = Invitation.objects.get().pk

    assert Browser(mallory).post(f"/settings/team/invitations/{pk}/{act}/").status_code == 404
    assert Browser(mallory).post(f"/invitations/{pk}/accept/").status_code == 404

    with organization_scope(acme.pk):
        assert Invitation.objects.get().revoked_at is None


# inviting


def test_people_are_invited_and_their_links_are_shown_once(acme, alice, bob):
    browser = Browser(alice)

    page = browser.post(
        "/settings/team/invitations/", {"addresses": f"{JUNE}\nno-address, {bob.email}", "role": "viewer"}
    )

    assert page.status_code == 200
    assert text_of(page).count("/invitations/tt_invite_") == 2  # to read and to copy
    assert "Already a member." in text_of(page)
    assert "no-address</textarea>" in text_of(page)
    assert page["Cache-Control"] == "private, no-store"
    team_page = text_of(browser.get("/settings/team/"))
    assert "tt_invite_" not in team_page
    assert JUNE in team_page


@pytest.mark.parametrize("addresses", ["", " ,\n", "no-address"])
def test_a_form_that_invites_nobody_is_drawn_again(acme, alice, addresses: str):
    answer = Browser(alice).post("/settings/team/invitations/", {"addresses": addresses, "role": "viewer"})

    assert answer.status_code == 422


def test_b7_past_the_limit_of_a_person_the_page_says_when_and_keeps_what_was_typed(acme, alice, monkeypatch):
    monkeypatch.setattr(invitations, "OF_A_PERSON", (Pace(1, HOUR),))
    browser, path = Browser(alice), "/settings/team/invitations/"
    first = browser.post(path, {"addresses": f"{JUNE}, jo@client.example", "role": "viewer"})
    assert (first.status_code, "Retry-After" in first) == (200, False), "one of them went out"
    assert "jo@client.example</textarea>" in text_of(first)
    with organization_scope(acme.pk):
        pk = Invitation.objects.get().pk

    again = browser.post(path, {"addresses": "jo@client.example, jim@client.example", "role": "viewer"})
    assert "jo@client.example\njim@client.example</textarea>" in text_of(again)
    for refused in (again, browser.post(f"{path}{pk}/send/")):
        assert refused.status_code == 429
        assert 3500 < int(refused["Retry-After"]) <= 3600
        assert (refused["RateLimit-Limit"], refused["RateLimit-Remaining"]) == ("1", "0")
        assert "from all of their organizations together. Send it in 60 minutes." in text_of(refused)


def test_an_invitation_is_sent_again_and_taken_back(acme, alice):
    invitations.invite(acme, [JUNE], Role.VIEWER, by=alice)
    browser = Browser(alice)
    with organization_scope(acme.pk):
        path = f"/settings/team/invitations/{Invitation.objects.get().pk}/"

    assert "/invitations/tt_invite_" in text_of(browser.post(f"{path}send/"))
    assert browser.post(f"{path}revoke/")["Location"] == "/settings/team/"
    for act in ("send/", "revoke/"):
        answer = browser.post(f"{path}{act}")
        assert answer.status_code == 409
        assert "accepted or taken back already" in text_of(answer)


def test_a_letter_that_could_not_be_delivered_says_so(acme, alice, settings):
    settings.MAIL_IS_CONFIGURED = True
    invitations.invite(acme, [JUNE], Role.VIEWER, by=alice)
    OutboxMail.objects.filter(to=JUNE).update(problem="550 no such mailbox")

    assert "550 no such mailbox" in text_of(Browser(alice).get("/settings/team/"))


def test_an_invitation_waits_for_its_person_without_the_link(acme, alice, mallory):
    invitations.invite(acme, [JUNE], Role.VIEWER, by=alice)
    browser = Browser(make.user(JUNE))
    with organization_scope(acme.pk):
        path = f"/invitations/{Invitation.objects.get().pk}/accept/"

    for page in ("/organizations/", "/organizations/none/"):
        assert f'action="{path}"' in text_of(browser.get(page))
        assert "Acme" not in text_of(Browser(mallory).get("/organizations/"))
    assert Browser(mallory).post(path).status_code == 404
    assert browser.post(path)["Location"] == "/"

    assert roles_in(acme)[JUNE] == "viewer"
    assert browser.post(path).status_code == 404


def test_it_waits_for_nobody_who_did_not_prove_the_address(acme, alice):
    from allauth.account.models import EmailAddress

    invitations.invite(acme, [JUNE], Role.VIEWER, by=alice)
    june = make.user(JUNE)
    EmailAddress.objects.filter(user=june).update(verified=False)

    assert "Acme" not in text_of(Browser(june).get("/organizations/"))


def test_a_sample_workspace_is_one_persons_own(alice, acme):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    browser = act_for(Signed(alice), sample)

    assert "yours alone" in text_of(browser.get("/settings/team/"))
    assert browser.post("/settings/team/invitations/", {"addresses": JUNE, "role": "viewer"}).status_code == 403


# many


def test_a_large_team_is_searched_and_paged(acme, alice):
    people = [User(email=f"p{number:03}@acme.example", full_name=f"Person {number}") for number in range(120)]
    User.objects.bulk_create(people)
    with organization_scope(acme.pk):
        Membership.objects.bulk_create(Membership(organization=acme, user=each, role=Role.VIEWER) for each in people)
    browser = Browser(alice)

    first = text_of(browser.get("/settings/team/"))
    assert "1 to 50 of 121" in first
    assert "p100@acme.example" not in first
    assert "p100@acme.example" in text_of(browser.get("/settings/team/?page=3"))
    found = text_of(browser.get("/settings/team/?q=PERSON+77"))
    assert "p077@acme.example" in found
    assert "p078@acme.example" not in found
    assert "Nobody of this name" in text_of(browser.get("/settings/team/?q=zz%00"))


def test_a_workflow_refuses_whoever_is_no_member_any_more(acme, alice, bob, mallory):
    from django.core.exceptions import PermissionDenied

    with organization_scope(acme.pk):
        pk = acme.memberships.get(user=bob).pk

    with pytest.raises(PermissionDenied):
        team.change_role(acme, pk, Role.OWNER, by=mallory)

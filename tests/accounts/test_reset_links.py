"""One-time links that are handed over, and who may sign up: an installation without mail, or for invited people."""

from io import StringIO

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command
from django.test import Client

from accounts import organizations
from accounts.invitations import accept, all_waiting_for, invite
from accounts.mailed import OutboxMail
from accounts.models import AuditLine, Membership, User
from accounts.permissions import Role
from tests import make
from tests.accounts.test_api_auth import error, send
from tests.accounts.test_second_factor import is_in, password
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

OTHER = "another horse battery"


def path_of(of, person: User) -> str:
    with organization_scope(of.pk):
        return f"/settings/team/{of.memberships.get(user=person).pk}/reset-link/"


def made(by: Client, path: str) -> str:
    page = by.post(path).content.decode()
    return page.partition("<code>")[2].partition("</code>")[0].partition("testserver")[2]


def use(link: str) -> Client:
    browser = Client()
    browser.post(browser.get(link)["Location"], {"password1": OTHER})
    return browser


def test_e12_an_owner_hands_over_a_link_that_works_once(alice, acme, bob):
    there = password(bob.email)
    link = made(password(alice.email), path_of(acme, bob))

    use(link)

    assert not is_in(there)
    bobs = Client()
    bobs.post("/login/", {"login": bob.email, "password": OTHER})
    assert is_in(bobs)
    assert "This link has expired" in Client().get(link).content.decode()
    with organization_scope(acme.pk):
        assert AuditLine.objects.owned_by(acme).filter(action="reset_link_made", actor=alice).count() == 1
    mail = OutboxMail.objects.get(to=bob.email, kind="reset_link_made")
    assert link not in mail.text


def test_where_domains_are_named_nobody_else_signs_up_by_any_door(settings, db):
    settings.ALLOWED_EMAIL_DOMAINS = ["acme.example"]

    page = Client().post("/signup/", {"email": "dana@else.example", "password1": PASSWORD})
    program = send("signup", {"email": "dana@else.example", "password": PASSWORD})

    assert (page.status_code, program.status_code) == (422, 422)
    assert "may not sign up here" in page.content.decode()
    assert "may not sign up here" in error(program)["message"]
    assert not User.objects.exists()
    assert Client().post("/signup/", {"email": "dana@eu.acme.example", "password1": PASSWORD}).status_code == 302
    assert User.objects.get().email == "dana@eu.acme.example"


def test_a_link_is_refused_for_an_owner_by_an_admin_and_for_oneself(alice, acme):
    carol = make.member(acme, "carol@acme.example", Role.ADMIN)

    assert password(carol.email).post(path_of(acme, alice)).status_code == 403
    assert password(alice.email).post(path_of(acme, alice)).status_code == 403
    assert not OutboxMail.objects.exists()


def test_a_link_is_refused_where_it_opens_another_organization(alice, acme, bob, elsewhere):
    with organization_scope(elsewhere.pk):
        Membership.objects.create(organization=elsewhere, user=bob, role=Role.VIEWER)

    answer = password(alice.email).post(path_of(acme, bob))

    assert answer.status_code == 409
    assert "/password/reset/key/" not in answer.content.decode()


def test_a_link_is_refused_where_its_person_is_asked_to_another_organization(alice, acme, bob, elsewhere, mallory):
    EmailAddress.objects.update_or_create(user=bob, email=bob.email, defaults={"verified": True, "primary": True})
    invite(elsewhere, [bob.email], Role.VIEWER, by=mallory)

    assert password(alice.email).post(path_of(acme, bob)).status_code == 409


def test_a_link_opens_no_organization_that_its_person_joined_since(alice, acme, bob, elsewhere, mallory):
    EmailAddress.objects.update_or_create(user=bob, email=bob.email, defaults={"verified": True, "primary": True})
    link = made(password(alice.email), path_of(acme, bob))
    invite(elsewhere, [bob.email], Role.VIEWER, by=mallory)
    [offer] = all_waiting_for(bob)
    accept(offer, bob)

    assert "This link has expired" in Client().get(link).content.decode()


def test_a_link_opens_no_organization_that_its_person_made_since(alice, acme, bob):
    link = made(password(alice.email), path_of(acme, bob))
    organizations.create("Bob's own", by=bob)

    assert "This link has expired" in Client().get(link).content.decode()


def test_the_staffs_own_accounts_are_not_opened_by_customers(alice, acme, bob):
    User.objects.filter(pk=bob.pk).update(is_staff=True)

    assert password(alice.email).post(path_of(acme, bob)).status_code == 403


@pytest.mark.parametrize("role", [Role.FINANCE, Role.MEMBER, Role.VIEWER])
def test_other_roles_make_no_links(acme, bob, role):
    carol = make.member(acme, "carol@acme.example", role)

    assert password(carol.email).post(path_of(acme, bob)).status_code == 403


def run(*command: str) -> str:
    out = StringIO()
    call_command(*command, stdout=out)
    return out.getvalue().strip()


def test_a_command_prints_a_reset_link_and_takes_second_steps_away(alice, acme):
    Authenticator.objects.create(user=alice, type="webauthn", data={"name": "Laptop", "credential": {}})
    assert run("reset_link", "Alice@acme.example").startswith("http")
    assert Authenticator.objects.exists()

    said, link = run("reset_link", alice.email, "--without-second-step").splitlines()
    use("/" + link.split("/", 3)[3])

    assert (said, Authenticator.objects.exists()) == ("Second steps taken away: 1.", False)
    assert Client().login(email=alice.email, password=OTHER)
    with pytest.raises(CommandError, match="Nobody"):
        run("reset_link", "nobody@acme.example")


def test_a_command_prints_an_invitation(alice, acme, bob):
    link = run("invite", "june@client.example", "--org", acme.slug, "--by", alice.email, "--role", "viewer")

    assert Client().get("/" + link.split("/", 3)[3])["Location"] == "/invitations/"
    with pytest.raises(CommandError, match="Owners and admins"):
        run("invite", "jo@client.example", "--org", acme.slug, "--by", bob.email)
    with pytest.raises(CommandError, match="does not belong"):
        run("invite", "jo@client.example", "--org", "elsewhere", "--by", alice.email)


# who may sign up


@pytest.fixture
def closed(settings) -> None:
    settings.SIGNUP_IS_OPEN = False


@pytest.mark.usefixtures("closed")
def test_without_an_invitation_nobody_signs_up_where_sign_up_is_closed(db):
    new = {"email": "dana@acme-labs.example", "password": PASSWORD}
    page = Client().get("/signup/").content.decode()

    assert "Ask to be invited" in page
    assert "/signup/" not in Client().get("/login/").content.decode()
    Client().post("/signup/", {"email": new["email"], "password1": PASSWORD})
    answer = send("signup", new)
    assert (answer.status_code, error(answer)["code"]) == (403, "signup_closed")
    assert not User.objects.exists()


@pytest.mark.usefixtures("closed")
def test_with_an_invitation_its_address_signs_up(acme, alice):
    [told] = invite(acme, ["june@client.example"], Role.VIEWER, by=alice)
    browser = Client()
    browser.get("/" + told.link.split("/", 3)[3])
    browser.post("/signup/", {"email": "somebody@else.example", "password1": PASSWORD})

    assert set(User.objects.values_list("email", flat=True)) == {alice.email, "june@client.example"}

"""Whoever a directory took out stays out by each of their addresses, and comes back as who they are."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.test import Client

from accounts import forgetting, invitations, team
from accounts.models import Organization, User
from accounts.permissions import Role
from accounts.sign_on import coming_back, taking_in, vouching
from accounts.sign_on.unwelcome import Unwelcome
from tests import make
from tests.accounts.scim.conftest import DANA, OFF, ON, enters, lines_of, person, role_in
from tests.accounts.sign_on import through
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

DAY, PRIVATE = "dana.day@acme.example", "dana@private.example"
RENAME = {"op": "replace", "path": "displayName", "value": "Dana Dusk"}


def emails(*addresses: str) -> list[dict[str, str]]:
    return [{"value": each} for each in addresses]


def logs_in_by(address: str) -> User:
    """Dana chose another login address."""
    dana = User.objects.get(email=DANA)
    EmailAddress.objects.filter(user=dana).update(email=address)
    dana.email = address
    dana.save()
    return dana


def leave(organization: Organization, address: str) -> None:
    with organization_scope(organization.pk):
        member = organization.memberships.get(user__email=address)
    team.leave(member)


@pytest.mark.parametrize("told", [(DANA, emails(DAY)), (DAY, emails(DAY, DANA))], ids=["userName", "second"])
def test_an_account_of_another_address_of_theirs_goes_with_them(told, signed_on, okta, acme):
    pk = okta.add(told[0], emails=told[1])["id"]
    browser, _ = through(signed_on)
    assert (enters(browser), role_in(acme, DANA), role_in(acme, DAY)) == (True, Role.MEMBER, Role.VIEWER)

    okta.patch(f"Users/{pk}", OFF)

    assert (enters(browser), role_in(acme, DANA), role_in(acme, DAY)) == (False, None, None)
    assert through(signed_on)[1].status_code == 403
    okta.ask("DELETE", f"Users/{pk}")
    assert through(signed_on, sub="another")[1].status_code == 403


def test_an_account_made_by_sign_on_after_they_chose_an_address_of_their_own_goes_too(signed_on, okta, acme):
    pk = okta.add()["id"]
    logs_in_by(PRIVATE)
    browser, _ = through(signed_on)
    assert (enters(browser), role_in(acme, PRIVATE)) == (True, Role.VIEWER)

    okta.patch(f"Users/{pk}", OFF)

    assert (enters(browser), role_in(acme, PRIVATE), role_in(acme, DANA)) == (False, None, None)


def test_the_account_follows_an_address_that_changed_while_they_were_out(signed_on, okta, acme):
    pk = okta.add()["id"]
    okta.patch(f"Users/{pk}", OFF)
    okta.patch(f"Users/{pk}", {"op": "replace", "path": "emails", "value": emails(DAY)})
    assert through(signed_on, DAY)[1].status_code == 403

    okta.patch(f"Users/{pk}", ON)

    browser, _ = through(signed_on, DAY)
    assert (enters(browser), User.objects.filter(email=DANA).exists()) == (True, False)
    okta.patch(f"Users/{pk}", OFF)
    assert (enters(browser), role_in(acme, DAY)) == (False, None)


def test_an_address_of_somebody_else_keeps_nobody_out(signed_on, okta, acme, alice):
    other = okta.add("finn@acme.example")["id"]
    okta.add()

    okta.ask("PUT", f"Users/{other}", person("finn@acme.example", active=False, emails=emails(DANA, alice.email)))

    assert role_in(acme, "finn@acme.example") is None
    assert (role_in(acme, DANA), role_in(acme, alice.email)) == (Role.VIEWER, Role.OWNER)
    assert enters(through(signed_on)[0])
    assert enters(through(signed_on, alice.email, sub="7")[0])


def test_whoever_is_taken_out_while_they_come_in_stays_out(signed_on, okta, acme, alice, monkeypatch):
    okta.patch(f"Users/{okta.add(DAY)['id']}", OFF)
    with pytest.raises(Unwelcome):
        taking_in.join(acme.pk, User.objects.get(email=DAY), DAY)

    def taken_out_now(address: str) -> None:
        with organization_scope(acme.pk):
            coming_back.keep_out(acme, alice, address=address, by_directory=True)

    monkeypatch.setattr(vouching, "check_new", taken_out_now)  # after it was asked whether they are kept out
    _, answer = through(signed_on)

    assert (answer.status_code, "You were taken out of Acme" in answer.content.decode()) == (403, True)
    assert (role_in(acme, DAY), User.objects.filter(email=DANA).exists()) == (None, False)


@pytest.mark.parametrize("became", ["deleted", "private"])
def test_whoever_comes_back_has_an_account_of_the_address_that_is_told(became, okta, acme):
    pk = okta.add()["id"]
    okta.patch(f"Users/{pk}", OFF)
    before = logs_in_by(PRIVATE) if became == "private" else User.objects.get(email=DANA)
    if became == "deleted":
        forgetting.forget(before)

    assert okta.patch(f"Users/{pk}", ON).json()["active"] is True

    before.refresh_from_db()
    assert (role_in(acme, DANA), role_in(acme, before.email)) == (Role.VIEWER, None)


def test_who_gets_the_address_of_somebody_gone_begins_without_what_they_logged_in_by(okta, acme, alice):
    pk, finn = okta.add(displayName="Dana Day")["id"], okta.add("finn@acme.example")["id"]
    for address in (DANA, "finn@acme.example"):
        known = User.objects.get(email=address)
        known.set_password(PASSWORD)
        known.save()
        Authenticator.objects.create(user=known, type="webauthn", data={"name": "Laptop", "credential": {}})
    make.organization("Own", owner=known)  # Finn's account is not Acme's alone
    with organization_scope(acme.pk):
        member = acme.memberships.get(user__email=DANA)
    team.remove(acme, member.pk, by=alice)  # before the directory tells that they are gone
    for each in (pk, finn):
        okta.ask("DELETE", f"Users/{each}")

    okta.add(displayName="Dana Dusk", externalId="another person")
    okta.add("finn@acme.example")

    assert User.objects.get(email=DANA).full_name == "Dana Dusk"
    assert (Client().login(email=DANA, password=PASSWORD), Client().login(email=known.email, password=PASSWORD)) == (
        False,
        True,
    )
    assert [each.user for each in Authenticator.objects.all()] == [known]


def test_whoever_deleted_their_account_and_came_in_anew_goes_with_the_directory(signed_on, okta, acme):
    pk = okta.add()["id"]
    forgetting.forget(User.objects.get(email=DANA))
    browser, _ = through(signed_on)
    assert enters(browser)

    assert okta.patch(f"Users/{pk}", OFF).status_code == 200

    assert (enters(browser), role_in(acme, DANA)) == (False, None)


def test_so_does_who_gets_it_by_a_row_that_was_another_persons(okta, acme, alice):
    gone, finn = okta.add()["id"], okta.add("finn@acme.example")["id"]
    dana = User.objects.get(email=DANA)
    dana.set_password(PASSWORD)
    dana.save()
    okta.ask("DELETE", f"Users/{gone}")
    okta.patch(f"Users/{finn}", OFF)
    forgetting.forget(User.objects.get(email="finn@acme.example"))

    assert okta.ask("PUT", f"Users/{finn}", person()).json()["active"] is True

    assert (role_in(acme, DANA), Client().login(email=DANA, password=PASSWORD)) == (Role.VIEWER, False)


def test_an_invitation_to_another_address_of_theirs_does_not_bring_them_back(okta, acme, alice):
    invitations.invite(acme, [DAY], Role.ADMIN, by=alice)
    okta.patch(f"Users/{okta.add()['id']}", OFF)
    dana = logs_in_by(DAY)
    [offer] = invitations.all_waiting_for(dana)

    with pytest.raises(invitations.NoLongerOpen):
        invitations.accept(offer, dana)

    assert (role_in(acme, DAY), invitations.all_waiting_for(dana)) == (None, [])


def test_whoever_left_may_be_asked_in_until_the_directory_takes_them_out(okta, acme, alice):
    pk = okta.add()["id"]
    leave(acme, DANA)

    assert okta.patch(f"Users/{pk}", RENAME).json()["active"] is False
    assert invitations.invite(acme, [DANA], Role.VIEWER, by=alice)[0].link
    okta.patch(f"Users/{pk}", OFF)

    assert "directory" in invitations.invite(acme, [DANA], Role.VIEWER, by=alice)[0].reason


def test_the_audit_log_is_not_told_an_address_that_somebody_chose_after_they_left(okta, acme):
    pk = okta.add()["id"]
    okta.patch(f"Users/{pk}", OFF)
    logs_in_by(PRIVATE)

    okta.patch(f"Users/{pk}", RENAME)
    okta.ask("DELETE", f"Users/{pk}")

    told = lines_of(acme)
    assert {"directory_user_changed", "directory_user_removed"} <= {each.action for each in told}
    assert PRIVATE not in str([each.data for each in told])

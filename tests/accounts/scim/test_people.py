"""Who a directory takes in and out, whom it may not touch, and what each act leaves behind."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator

from accounts import closing, invitations, team
from accounts.mailed import OutboxMail
from accounts.models import User
from accounts.permissions import Role
from accounts.scim import tokens
from accounts.scim.kept import DirectoryGroup, DirectoryToken
from accounts.sign_on import domains
from tests import make
from tests.accounts.scim.conftest import DANA, OFF, ON, Program, enters, lines_of, person, program_of, role_in
from tests.accounts.sign_on import proved, through
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db


def test_somebody_new_is_made_without_a_password_and_comes_in_by_the_sign_on(signed_on, okta, acme, mandatory):
    okta.add(displayName="Dana Day")
    dana = User.objects.get(email=DANA)

    assert (dana.full_name, dana.has_usable_password()) == ("Dana Day", False)
    assert EmailAddress.objects.get(user=dana).verified
    assert not OutboxMail.objects.filter(to=DANA).exists()
    browser, _ = through(signed_on)
    assert browser.get("/", follow=True).redirect_chain[-1][0] == "/onboarding/company/"  # as everybody who is new
    assert enters(browser)
    assert (User.objects.filter(email=DANA).count(), role_in(acme, DANA)) == (1, Role.VIEWER)


@pytest.mark.parametrize("address", ["eve@evil.example", "eve@sub.acme.example", "eve@acme.example.evil.example"])
def test_a_directory_speaks_for_proved_domains_alone(address, okta, acme, mallory, elsewhere):
    proved(elsewhere, "elsewhere.example", by=mallory)
    before = User.objects.count()
    for theirs in (address, mallory.email):
        answer = okta.ask("POST", "Users", person(theirs))
        assert (answer.status_code, "Prove its domain" in answer.json()["detail"]) == (403, True)
    moved = okta.patch(f"Users/{okta.add()['id']}", {"op": "replace", "path": "emails", "value": [{"value": address}]})

    assert moved.status_code == 403
    assert User.objects.count() == before + 1
    assert User.objects.filter(email=DANA).exists()


def test_a_member_is_taken_into_the_directory_and_keeps_role_name_and_password(okta, acme, bob):
    told = okta.add(bob.email, displayName="Somebody Else", active=True)

    assert role_in(acme, bob.email) == Role.MEMBER
    bob.refresh_from_db()
    assert (bob.full_name, bob.check_password(PASSWORD)) == ("", True)
    assert okta.ask("POST", "Users", person(bob.email)).json()["scimType"] == "uniqueness"
    assert okta.get(f"Users/{told['id']}")["displayName"] == "Somebody Else"


def test_whoever_registered_an_address_without_proving_it_loses_what_they_set(okta, acme):
    squatter = User.objects.create_user(DANA, PASSWORD)
    EmailAddress.objects.create(user=squatter, email=DANA, verified=False, primary=True)
    EmailAddress.objects.create(user=squatter, email="mallory@evil.example", verified=True)
    Authenticator.objects.create(user=squatter, type="webauthn", data={"name": "Laptop", "credential": {}})
    make.organization("Squat", owner=squatter)
    browser = Browser(squatter)
    assert enters(browser)

    okta.add()

    squatter.refresh_from_db()
    assert not squatter.has_usable_password()
    assert not Authenticator.objects.exists()
    assert list(EmailAddress.objects.filter(user=squatter).values_list("email", "verified")) == [(DANA, True)]
    assert not enters(browser)
    assert role_in(acme, DANA) == Role.VIEWER


def test_staff_are_never_taken_in(okta, acme):
    make.user("root@acme.example", staff=True)

    assert okta.ask("POST", "Users", person("root@acme.example")).status_code == 403
    assert role_in(acme, "root@acme.example") is None


@pytest.mark.parametrize("end", ["patch", "delete"])
def test_whoever_is_taken_out_loses_sessions_here_and_does_not_come_back_by_sign_on(end, signed_on, okta, acme, alice):
    pk = okta.add()["id"]
    browser, _ = through(signed_on)
    assert enters(browser)

    ended = okta.patch(f"Users/{pk}", OFF) if end == "patch" else okta.ask("DELETE", f"Users/{pk}")

    assert ended.status_code == (200 if end == "patch" else 204)
    assert role_in(acme, DANA) is None
    assert not enters(browser)
    assert through(signed_on)[1].status_code == 403
    assert role_in(acme, DANA) is None
    assert okta.ask("GET", f"Users/{pk}").status_code == (200 if end == "patch" else 404)
    refused = invitations.invite(acme, [DANA], Role.VIEWER, by=alice)[0]
    assert (refused.status, "directory" in refused.reason) == ("refused", True)

    back = okta.patch(f"Users/{pk}", ON) if end == "patch" else okta.ask("POST", "Users", person())
    assert back.status_code in (200, 201)
    assert enters(through(signed_on)[0])


def test_an_open_invitation_ends_with_the_person_whom_the_directory_takes_out(okta, acme, alice):
    invitations.invite(acme, [DANA], Role.ADMIN, by=alice)
    okta.add(active=False)

    with organization_scope(acme.pk):
        assert acme.invitations.get(email=DANA).revoked_at


def test_whom_an_owner_removed_the_sign_on_brings_back_only_when_they_are_asked_in(signed_on, acme, alice, mandatory):
    through(signed_on)
    dana = User.objects.get(email=DANA)
    with organization_scope(acme.pk):
        member = acme.memberships.get(user=dana)
    team.remove(acme, member.pk, by=alice)

    _, answer = through(signed_on)
    assert (answer.status_code, role_in(acme, DANA)) == (403, None)
    assert "You were taken out of Acme" in answer.content.decode()
    _, again = through(signed_on, sub="another")  # a new identity with the same address
    assert (again.status_code, role_in(acme, DANA)) == (403, None)

    invitations.invite(acme, [DANA], Role.VIEWER, by=alice)
    assert enters(through(signed_on)[0])
    assert role_in(acme, DANA) == Role.MEMBER


def test_whom_an_owner_removed_an_owner_asks_in_though_the_directory_goes_on_writing(okta, acme, alice):
    pk = okta.add()["id"]
    with organization_scope(acme.pk):
        member = acme.memberships.get(user__email=DANA)
    team.remove(acme, member.pk, by=alice)
    rename = {"op": "replace", "path": "displayName", "value": "Dana Dusk"}

    assert okta.patch(f"Users/{pk}", rename).json()["active"] is False
    told = invitations.invite(acme, [DANA], Role.VIEWER, by=alice)[0]
    okta.patch(f"Users/{pk}", rename | {"value": "Dana Day"})

    assert told.link
    with organization_scope(acme.pk):
        assert acme.invitations.get(email=DANA).revoked_at is None


def test_owners_are_not_the_directorys(okta, acme, alice):
    pk = okta.add(alice.email)["id"]
    for refused in (
        okta.patch(f"Users/{pk}", OFF),
        okta.ask("PUT", f"Users/{pk}", person(alice.email, active=False)),
        okta.ask("DELETE", f"Users/{pk}"),
    ):
        assert (refused.status_code, "owns the organization" in refused.json()["detail"]) == (403, True)
    moved = okta.patch(f"Users/{pk}", {"op": "replace", "path": "emails", "value": [{"value": "new@acme.example"}]})
    assert (moved.status_code, moved.json()["scimType"]) == (400, "mutability")
    admins = okta.add_group("Admins", pk)
    choose(acme, admins, Role.VIEWER, by=alice)

    alice.refresh_from_db()
    assert (role_in(acme, alice.email), alice.email, alice.full_name) == (
        Role.OWNER,
        "alice@acme.example",
        "Alice Ames",
    )


def test_a_login_address_is_changed_of_those_alone_who_are_wholly_the_organizations(okta, acme):
    pk = okta.add(displayName="Dana Day")["id"]
    to = {"op": "replace", "path": "emails", "value": [{"value": "dusk@acme.example"}]}
    assert (
        okta.patch(f"Users/{pk}", to, {"op": "replace", "path": "displayName", "value": "Dana Dusk"}).status_code == 200
    )
    dana = User.objects.get(email="dusk@acme.example")
    assert dana.full_name == "Dana Dusk"
    assert list(EmailAddress.objects.filter(user=dana).values_list("email", "verified")) == [
        ("dusk@acme.example", True)
    ]
    assert OutboxMail.objects.filter(to=DANA, kind="email_changed").exists()

    make.organization("Own", owner=dana)
    refused = okta.patch(f"Users/{pk}", {"op": "replace", "path": "emails", "value": [{"value": "gone@acme.example"}]})

    assert (refused.status_code, refused.json()["scimType"]) == (400, "mutability")
    assert "others" not in refused.json()["detail"]  # where else somebody belongs is not told
    renamed = okta.patch(f"Users/{pk}", {"op": "replace", "path": "displayName", "value": "Nobody"})
    dana.refresh_from_db()
    assert (renamed.status_code, dana.email, dana.full_name) == (200, "dusk@acme.example", "Dana Dusk")


def test_nobody_gets_the_address_of_another_account(okta, acme, bob):
    pk = okta.add()["id"]
    taken = okta.patch(f"Users/{pk}", {"op": "replace", "path": "emails", "value": [{"value": bob.email}]})

    assert (taken.status_code, taken.json()["scimType"]) == (409, "uniqueness")
    assert User.objects.get(pk=bob.pk).email == bob.email


def test_somebody_who_cannot_be_moved_is_taken_out_all_the_same(signed_on, okta, acme):
    pk = okta.add()["id"]
    make.organization("Own", owner=User.objects.get(email=DANA))

    off = okta.ask("PUT", f"Users/{pk}", person("dusk@acme.example", active=False))

    assert (off.status_code, role_in(acme, DANA)) == (200, None)
    for address in (DANA, "dusk@acme.example"):
        assert through(signed_on, address, sub=address)[1].status_code == 403


def choose(acme, pk: str, role: str, *, by: User) -> None:
    from accounts.scim import groups

    with organization_scope(acme.pk):
        group = DirectoryGroup.objects.get(pk=pk)
    groups.choose_role(acme, group, role, by=by)


def test_groups_give_the_largest_role_and_take_it_back(okta, acme, alice, bob):
    dana = okta.add()["id"]
    finance, admins = okta.add_group("Finance", dana), okta.add_group("Admins")
    assert role_in(acme, DANA) == Role.VIEWER  # a new group gives nothing, whatever it is called

    choose(acme, finance, Role.FINANCE, by=alice)
    choose(acme, admins, Role.ADMIN, by=alice)
    assert role_in(acme, DANA) == Role.FINANCE
    okta.patch(f"Groups/{admins}", {"op": "add", "path": "members", "value": [{"value": dana}]})
    assert role_in(acme, DANA) == Role.ADMIN
    okta.ask("DELETE", f"Groups/{admins}")
    assert role_in(acme, DANA) == Role.FINANCE
    okta.patch(f"Groups/{finance}", {"op": "replace", "path": "displayName", "value": "Admins"})
    assert role_in(acme, DANA) == Role.FINANCE  # nobody becomes more by a new name
    okta.patch(f"Groups/{finance}", {"op": "remove", "path": "members"})
    assert role_in(acme, DANA) == Role.VIEWER

    okta.patch(f"Groups/{finance}", {"op": "add", "path": "members", "value": [{"value": okta.add(bob.email)["id"]}]})
    assert role_in(acme, bob.email) == Role.FINANCE
    changes = [(line.data["before"], line.data["after"]) for line in lines_of(acme, "role_changed")]
    assert changes == [
        ("viewer", "finance"), ("finance", "admin"), ("admin", "finance"), ("finance", "viewer"), ("member", "finance"),
    ]  # fmt: skip


def test_a_role_of_a_group_waits_for_those_who_are_not_active(okta, acme, alice):
    dana = okta.add(active=False)["id"]
    choose(acme, okta.add_group("Finance", dana), Role.FINANCE, by=alice)
    assert role_in(acme, DANA) is None

    okta.patch(f"Users/{dana}", ON)

    assert role_in(acme, DANA) == Role.FINANCE


def test_every_act_is_a_line_of_the_audit_log_in_the_directorys_name(okta, acme, alice):
    pk = okta.add(displayName="Dana")["id"]
    okta.patch(f"Users/{pk}", {"op": "replace", "path": "displayName", "value": "Dana Day"})
    group = okta.add_group("Finance", pk)
    okta.patch(f"Groups/{group}", {"op": "replace", "path": "displayName", "value": "Money"})
    okta.ask("DELETE", f"Groups/{group}")
    okta.patch(f"Users/{pk}", OFF)
    okta.ask("DELETE", f"Users/{pk}")

    made, *acts = [line for line in lines_of(acme) if not line.action.startswith("sign_on")]
    assert (made.action, made.actor) == ("directory_token_made", alice)
    assert [line.action for line in acts] == [
        "directory_user_added", "joined_by_directory", "directory_user_changed", "directory_group_added",
        "directory_group_members_changed", "directory_group_changed", "directory_group_removed", "member_removed",
        "directory_user_removed",
    ]  # fmt: skip
    assert {(line.actor, line.ip, bool(line.data["directory"])) for line in acts} == {(None, "127.0.0.1", True)}
    page = Browser(alice).get("/settings/audit/").content.decode()
    assert "Your directory" in page
    assert okta.token not in page


def test_looking_and_repeating_changes_nothing(okta, acme):
    pk = okta.add()["id"]
    before = len(lines_of(acme))
    okta.get("Users")
    okta.ask("PUT", f"Users/{pk}", person())
    okta.patch(f"Users/{pk}", ON)

    assert len(lines_of(acme)) == before


def test_one_organizations_token_reaches_nothing_of_another(okta, acme, elsewhere, mallory):
    proved(elsewhere, "elsewhere.example", by=mallory)
    theirs = program_of(elsewhere, by=mallory)
    user = theirs.add("zoe@elsewhere.example")["id"]
    group = theirs.add_group("Secret", user)
    before = [theirs.get(f"Users/{user}"), theirs.get(f"Groups/{group}")]
    for kind, pk in (("Users", user), ("Groups", group)):
        for method in ("GET", "PUT", "PATCH", "DELETE"):
            asked, missing = (okta.ask(method, f"{kind}/{each}", {}) for each in (pk, f"{pk[:-4]}0000"))
            assert (asked.status_code, asked.content) == (404, missing.content)

    assert okta.get("Users")["totalResults"] == okta.get("Groups")["totalResults"] == 0
    assert okta.get("Users", filter=f'id eq "{user}"')["totalResults"] == 0
    mine = okta.ask("POST", "Groups", {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "x",
                                       "members": [{"value": user}]})  # fmt: skip
    assert mine.status_code == 400
    assert [theirs.get(f"Users/{user}"), theirs.get(f"Groups/{group}")] == before
    assert (
        okta.ask("POST", "Users", person(mallory.email)).json()
        == okta.ask("POST", "Users", person("x@elsewhere.example")).json()
    )


def test_without_a_token_that_works_nothing_opens(okta, acme, alice, settings):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"directory_refused": "4/m/ip"}
    owner = Browser(alice)
    answers = [
        owner.get("/scim/v2/Users"),
        Program("").ask("GET", "Users"),
        Program("tt_scim_wrong").ask("GET", "Users"),
        Program(okta.token + "x").ask("POST", "Users", person()),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert answers[0].json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert answers[0]["Content-Type"] == "application/scim+json"
    many = Program("").ask("GET", "Users")
    assert (many.status_code, many.json()["status"], int(many["Retry-After"]) > 0) == (429, "429", True)
    assert okta.ask("GET", "Users").status_code == 200
    with organization_scope(acme.pk):
        tokens.revoke(acme, DirectoryToken.objects.get(organization=acme).pk, by=alice)
    assert okta.ask("GET", "Users").status_code == 429


def test_a_revoked_token_opens_nothing_and_a_limit_is_one_organizations(
    okta, acme, alice, elsewhere, mallory, settings
):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"directory": "2/m/key"}
    proved(elsewhere, "elsewhere.example", by=mallory)
    theirs, second = program_of(elsewhere, by=mallory), program_of(acme, by=alice)
    assert [okta.ask("GET", "Users").status_code, second.ask("GET", "Users").status_code] == [200, 200]
    assert (okta.ask("GET", "Users").status_code, theirs.ask("GET", "Users").status_code) == (429, 200)
    with organization_scope(acme.pk):
        first = DirectoryToken.objects.filter(organization=acme).earliest("made_at")
    tokens.revoke(acme, first.pk, by=alice)

    assert okta.ask("GET", "Users").status_code == 401


def test_a_deleted_organizations_token_opens_nothing(okta, acme):
    with organization_scope(acme.pk):
        closing.close(acme)

    assert okta.ask("GET", "Users").status_code == 401


def test_without_its_domain_nobody_is_taken_in_and_everybody_may_go(okta, acme, alice):
    dana, finn = okta.add()["id"], okta.add("finn@acme.example", active=False)["id"]
    with organization_scope(acme.pk):
        domains.drop(acme.sign_on_domains.select_related("organization").get(), by=alice)

    assert okta.ask("POST", "Users", person("gus@acme.example")).status_code == 403
    assert okta.patch(f"Users/{finn}", ON).status_code == 403
    assert okta.patch(f"Users/{dana}", OFF).status_code == 200
    assert (role_in(acme, DANA), role_in(acme, "finn@acme.example")) == (None, None)

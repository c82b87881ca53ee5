"""The settings of a directory: tokens that are shown once, the role of whoever is new, the roles of groups."""

import re
import subprocess
import sys

import pytest

from accounts.mailed import OutboxMail
from accounts.models import Membership
from accounts.permissions import Role
from accounts.scim.kept import DirectoryToken
from tests import make
from tests.accounts.scim.conftest import DANA, Program, lines_of, role_in
from tests.accounts.sign_on import proved
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

TOKENS, PAGE, ROLES = "/settings/sign-on/directory/tokens/", "/settings/sign-on/", "/settings/sign-on/directory/groups/"


def token_in(answer) -> str:
    found = re.search(r"tt_scim_[\w-]{40,}", answer.content.decode())
    return found[0] if found else ""


@pytest.fixture
def alices(alice) -> Browser:
    browser = Browser(alice)
    browser.post("/reauthenticate/", {"password": PASSWORD})
    return browser


def test_a_token_is_shown_once_works_and_is_revoked(acme, alice, alices):
    proved(acme, by=alice)
    zoe = make.member(acme, "zoe@acme.example", Role.OWNER)

    shown = alices.post(TOKENS)

    assert (shown.status_code, "no-store" in shown["Cache-Control"]) == (200, True)
    okta = Program(token_in(shown))
    assert okta.ask("GET", "Users").status_code == 200
    page = alices.get(PAGE).content.decode()
    assert (okta.token in page, f"tt_scim_…{okta.token[-4:]}" in page, "http://testserver/scim/v2" in page) == (
        False,
        True,
        True,
    )
    assert [mail.to for mail in OutboxMail.objects.filter(kind="key_event")] == [zoe.email]
    with organization_scope(acme.pk):
        token = DirectoryToken.objects.get(organization=acme)
    assert (okta.token not in token.digest, token.made_by, token.last_used_at is not None) == (True, alice, True)

    assert alices.post(f"{TOKENS}{token.pk}/revoke/").status_code == 302
    assert okta.ask("GET", "Users").status_code == 401
    assert [line.action for line in lines_of(acme)][-2:] == ["directory_token_made", "directory_token_revoked"]
    assert alices.post(f"{TOKENS}{token.pk}/revoke/").status_code == 404


def test_the_next_token_works_beside_the_last_and_there_is_no_third(acme, alice, alices):
    refused = alices.post(TOKENS)
    assert (refused.status_code, "Prove a domain first" in refused.content.decode()) == (409, True)
    proved(acme, by=alice)

    first, second, third = (alices.post(TOKENS) for _ in range(3))

    assert [Program(token_in(each)).ask("GET", "Users").status_code for each in (first, second)] == [200, 200]
    assert (third.status_code, token_in(third)) == (409, "")
    assert "Make a token" not in alices.get(PAGE).content.decode()


def test_a_token_asks_for_the_password_again(acme, alice):
    proved(acme, by=alice)
    answer = Browser(alice).post(TOKENS)

    assert (answer.status_code, answer["Location"].startswith("/reauthenticate/")) == (302, True)


@pytest.mark.parametrize("role", [Role.ADMIN, Role.FINANCE, Role.MEMBER, Role.VIEWER])
def test_owners_alone_make_tokens_and_choose_roles(role, acme, alice):
    proved(acme, by=alice)
    browser = Browser(make.member(acme, "zed@acme.example", role))

    for path in (
        TOKENS,
        ROLES,
        "/settings/sign-on/directory/",
        f"{TOKENS}01a217c2-1bfd-762a-9284-c73d438f2258/revoke/",
    ):
        assert browser.post(path, {"default_role": "admin"}).status_code == 403
    assert [line.action for line in lines_of(acme) if line.action.startswith("directory")] == []


def test_the_role_of_whoever_is_new_is_chosen_and_never_owner(okta, acme, alices):
    assert alices.post("/settings/sign-on/directory/", {"default_role": "owner"}).status_code == 422
    assert alices.post("/settings/sign-on/directory/", {"default_role": "member"}).status_code == 302

    okta.add()

    assert role_in(acme, DANA) == Role.MEMBER
    told = lines_of(acme, "directory_role_chosen")[0].data
    assert (told["before"], told["after"]) == ("viewer", "member")


def test_roles_of_groups_are_chosen_on_the_page(okta, acme, alices):
    finance, other = okta.add_group("<b>Finance</b>", okta.add()["id"]), okta.add_group("Other")
    page = alices.get(PAGE).content.decode()
    assert ("&lt;b&gt;Finance&lt;/b&gt;" in page, "<b>Finance" in page, "1 person" in page) == (True, False, True)
    for wrong in ("owner", "king"):
        assert alices.post(ROLES, {finance: wrong}).status_code == 422

    assert alices.post(ROLES, {finance: "finance", other: ""}).status_code == 302

    assert role_in(acme, DANA) == Role.FINANCE
    chosen = lines_of(acme, "directory_group_role_chosen")
    assert [(line.data["before"], line.data["after"]) for line in chosen] == [("", "finance")]
    alices.post(ROLES, {other: "admin"})  # what is not sent stays
    assert role_in(acme, DANA) == Role.FINANCE


def test_two_owners_remain_two_owners(okta, acme, alice):
    make.member(acme, "zoe@acme.example", Role.OWNER)
    okta.ask("DELETE", f"Users/{okta.add('zoe@acme.example')['id']}")

    with organization_scope(acme.pk):
        assert Membership.objects.filter(organization=acme, role=Role.OWNER).count() == 2


def test_processes_that_no_directory_asks_do_not_load_its_library():
    program = (
        "import tokentra.wsgi, tokentra.urls, sys; print([m for m in ('scim2_models', 'lark') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert said.stdout.strip().endswith("[]")

"""What holds at every door that takes a form, a body or a file's name, also at those that come later (B9, B14, B15, B18).

The doors come from the URLconf: one that nobody has put into a list here fails the test that counts them.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection, transaction
from django.http import HttpResponse
from django.test import Client

from accounts.mailed import OutboxMail
from accounts.models import Membership, Organization, User
from accounts.organizations import memberships
from budgets.channels.models import ChannelSecret
from providers.models import Connection, SealedCredential
from tests import make
from tests.answers import body_of
from tests.conftest import Browser
from tests.make import PASSWORD
from tests.test_catalogue import OWNED
from tests.test_isolation_walk import METHODS, NAME, OURS, PLAIN, Route, acme_things, leaks
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

__all__ = ["acme_things"]

JSON = "application/json"
ACME = {"name": "Acme", "timezone": "UTC", "currency": "USD", "event_days": "90", "audit_days": "730"}
KEY = {"scopes": ["ingest"], "environment": "live", "lasts": "90"}
BUDGET = {"amount": "500", "unit": "usd", "every": "month", "thresholds": "50, 100"}
RULE = {"severity": "info", "metric": "cost", "window": "1", "comparator": "above", "bound": "5"}
CHANNEL = {"email": "desk@acme.example", "least": "info"}
WISH = {"mailing": "digest", "least": "info", "digest_at": "08:00"}
SIGNUP = {"email": "dana@new.example", "password": PASSWORD}
CONNECT = {"provider": "openai", "credentials": {"admin_key": "sk-admin-" + "a" * 40}}

# every field that takes a name: where it is sent, under which name, beside what
NAMES: list[tuple[str, str, dict[str, Any]]] = [
    ("/settings/profile/", "full_name", {}),
    ("/settings/organization/", "name", ACME),
    ("/organizations/new/", "name", ACME),
    ("/onboarding/company/", "company_name", {}),
    ("/onboarding/company/", "user_role_other", {"user_role": "other"}),
    ("/onboarding/ai-usage/", "ai_providers_other", {"ai_providers": ["other"]}),
    ("/onboarding/ai-usage/", "use_cases_other", {"use_cases": ["other"]}),
    ("/providers/connect/openai/", "name", CONNECT["credentials"]),
    ("/providers/{pk}/name/", "name", {}),
    ("/attribution/rules/", "cost_center", {"dimension": "project", "value": "proj_1"}),
    ("/settings/sdk/new/", "name", KEY),
    ("/budgets/new/", "name", BUDGET),
    ("/budgets/departments/", "name", {"dimension": "team", "values": "red"}),
    ("/api/budgets", "name", {"amount": "500"}),
    ("/alerts/rules/new/", "name", RULE),
    ("/alerts/channels/new/", "name", CHANNEL),
    ("/api/auth/signup", "fullName", SIGNUP),
    ("/api/auth/signup", "organizationName", SIGNUP),
    ("/api/auth/api-keys", "name", {"scopes": ["ingest"], "environment": "live"}),
    ("/api/onboarding/profile", "companyName", {}),
    ("/api/onboarding/profile", "other.userRole", {"userRole": "other"}),
    ("/api/providers/connect", "name", CONNECT),
]
WRONG = {
    "line break": "Qacme\r\nBcc: everybody@acme.example",
    "zero width": "Qac\N{ZERO WIDTH SPACE}me",
    "turned around": "Qac\N{RIGHT-TO-LEFT OVERRIDE}me",
    "two alphabets": "Q\N{CYRILLIC SMALL LETTER A}cme",
    "10 KB": "Q" * 10_240,
}
READABLE = [model for model in OWNED if model not in (SealedCredential, ChannelSecret)]
WIDE = "\N{FULLWIDTH LATIN CAPITAL LETTER W}ide"


def sent(browser: Client, path: str, field: str, value: str, beside: dict[str, Any]) -> HttpResponse:
    if not path.startswith("/api/"):
        return browser.post(path, beside | {field: value})
    outer, _, inner = field.partition(".")
    body = beside | {outer: {inner: value} if inner else value}
    return browser.post(path, json.dumps(body), content_type=JSON)


def rows_of(*organizations: Organization) -> str:
    """Every row of these, as text."""
    rows: list[str] = []
    for organization in organizations:
        with organization_scope(organization.pk):
            for model in (Organization, Membership, *READABLE):
                rows += sorted(map(repr, model._default_manager.values()))
    return repr(rows)


def everything_kept() -> str:
    """Every row of every organization, and what every person is called."""
    people = list(User.objects.values("email", "full_name"))
    return repr(people) + rows_of(*all_organizations())


def all_organizations() -> list[Organization]:
    return [each.organization for user in User.objects.all() for each in memberships(user)]


def just_in(user: User) -> Browser:
    """Somebody who gave the password a moment ago."""
    browser = Browser(user)
    browser.post("/reauthenticate/", {"password": PASSWORD})
    return browser


@pytest.fixture
def alices(acme, alice) -> Browser:
    return just_in(alice)


@pytest.mark.parametrize(("path", "field", "beside"), NAMES, ids=[f"{path} {field}" for path, field, _ in NAMES])
def test_b9_no_door_takes_a_name_that_deceives_or_overflows(path, field, beside, acme, alices):
    address = path.format(pk=make.connection(acme).pk)

    answered = {what: sent(alices, address, field, wrong, beside).status_code for what, wrong in WRONG.items()}

    assert answered == dict.fromkeys(WRONG, 422)
    assert "Q" not in everything_kept()


@pytest.mark.parametrize(
    ("path", "field", "beside"),
    [each for each in NAMES if "connect" not in each[0]],  # there a key would be tried first
    ids=[f"{path} {field}" for path, field, _ in NAMES if "connect" not in path],
)
def test_b9_every_door_keeps_a_name_in_one_form(path, field, beside, acme, alices):
    sent(alices, path.format(pk=make.connection(acme).pk), field, WIDE, beside)

    kept = everything_kept()
    assert "Wide" in kept
    assert WIDE not in kept


# every field that takes an address to write to
ADDRESSES: list[tuple[str, str, dict[str, Any]]] = [
    ("/signup/", "email", {"password1": PASSWORD}),
    ("/email/", "email", {"action_add": "1"}),
    ("/settings/team/invitations/", "addresses", {"role": "viewer"}),
    ("/onboarding/team/", "team_invites", {}),
    ("/api/auth/signup", "email", {"password": PASSWORD}),
]
NO_MAILBOX = {
    "disposable": "dana@mailinator.com",
    "disposable below": "dana@a.b.mailinator.com",
    "too long": f"{'d' * 60}@{'e' * 10_000}.example",
}


@pytest.mark.parametrize(("path", "field", "beside"), ADDRESSES, ids=[path for path, _, _ in ADDRESSES])
def test_b9_no_door_writes_to_a_mailbox_that_nobody_keeps(path, field, beside, acme, alices):
    browser = Client() if "signup" in path else alices

    answered = {what: sent(browser, path, field, told, beside).status_code for what, told in NO_MAILBOX.items()}

    assert answered == dict.fromkeys(NO_MAILBOX, 422)
    assert not OutboxMail.objects.exists()
    assert User.objects.count() == 1


def test_b9_the_api_refuses_such_a_mailbox_for_itself_and_asks_the_others(acme, alices):
    body = {"teamInvites": [*NO_MAILBOX.values(), "june@client.example"]}
    answer = alices.post("/api/onboarding/profile", json.dumps(body), content_type=JSON).json()

    assert [each["status"] for each in answer["invites"]] == ["refused"] * len(NO_MAILBOX) + ["pending"]
    assert list(OutboxMail.objects.values_list("to", flat=True)) == ["june@client.example"]


# an organization that a request names

NAMED = ("organization", "organization_id", "organizationId", "org", "org_id", "tenant")
HEADERS = ("X-Organization", "X-Organization-Id", "X-Org-Id", "X-Tenant", "X-App-Org-Id")


@pytest.mark.parametrize("method", METHODS)
def test_b14_no_route_believes_an_organization_that_a_request_names(method, acme_things, acme, elsewhere, mallory):
    """In its query, its headers, its cookies and its body."""
    named = dict.fromkeys(NAMED, str(acme.pk))
    headers = dict.fromkeys(HEADERS, str(acme.pk))
    before, wrong = rows_of(acme), []

    for route in PLAIN:
        browser = Browser(mallory)
        for name in NAMED:
            browser.cookies[name] = str(acme.pk)
        kind = JSON if route.path.startswith("api/") else "application/x-www-form-urlencoded"
        body = json.dumps(named) if kind == JSON else urlencode(named)
        told: dict[str, Any] = {} if method == "get" else {"data": body, "content_type": kind}
        answer = getattr(browser, method)(f"{route.at()}?{urlencode(named)}", headers=headers, **told)
        if answer.status_code >= 500 or leaks(answer):
            wrong.append(f"{method} {route.path}: {answer.status_code}")

    assert wrong == []
    assert rows_of(acme) == before


# fields that a form does not show

EXTRA = {
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "",
    "plan": "enterprise",
    "is_sample": "on",
    "trial_ends_at": "2099-01-01",
    "status": "healthy",
    "account_id": "org-of-somebody-else",
    "spent": "0",
    "is_invitee": "on",
}
# every route of ours that takes a form with fields, and one that it accepts; a role is extra where none is asked for
FORMS: dict[str, dict[str, Any]] = {
    "accounts:signup": {"email": "dana@new.example", "password1": PASSWORD, "role": "viewer"},
    "accounts:login": {"login": "alice@acme.example", "password": PASSWORD},
    "accounts:verify": {"code": "123456"},
    "accounts:login_code": {"email": "alice@acme.example"},
    "accounts:login_code_confirm": {"code": "123456"},
    "accounts:second_step": {"code": "123456"},
    "accounts:confirm_by_code": {"code": "123456"},
    "accounts:app_on": {"code": "123456"},
    "accounts:passkey_on": {"name": "Laptop", "credential": "{}"},
    "accounts:passkey_login": {"credential": "{}"},
    "accounts:sign_on_door": {"email": "dana@acme.example"},
    "accounts:sign_on": {
        "kind": "oidc",
        "issuer": "https://idp.example.com",
        "client_id": "x",
        "client_secret": "y",
        "default_role": "viewer",
    },
    "accounts:sign_on_switch": {},
    "accounts:sign_on_claim": {"name": "acme.example"},
    "accounts:directory_default": {"default_role": "member"},
    "accounts:directory_roles": {"role": "admin"},
    "accounts:password_reset": {"email": "alice@acme.example"},
    "accounts:reauthenticate": {"password": PASSWORD},
    "accounts:email": {"email": "alice@other.example", "action_add": "1"},
    "accounts:password_set": {"password1": PASSWORD},
    "accounts:security": {"oldpassword": PASSWORD, "password1": "another horse battery"},
    "accounts:profile": {"full_name": "Alice", "role": "viewer"},
    "accounts:own_letters": {"wants": "yes"},
    "accounts:delete_account": {"typed": "not my address"},
    "accounts:delete_organization": {"typed": "not its name"},
    "accounts:settings_organization": ACME | {"name": "Acme Two", "role": "viewer"},
    "accounts:new_organization": ACME | {"name": "Client", "role": "viewer"},
    "accounts:team_invite": {"addresses": "june@client.example", "role": "viewer"},
    "accounts:team_member": {"role": "viewer"},
    "onboarding:company": {"company_name": "Acme Two", "role": "viewer"},
    "onboarding:ai_usage": {"ai_providers": ["openai"]},
    "onboarding:goals": {"goals": ["visibility"]},
    "onboarding:team": {"team_invites": "june@client.example", "role": "owner"},
    "providers:connect": {"name": "Second", "admin_key": "sk-proj-acme-of-another-kind"},
    "providers:key": {"admin_key": "sk-proj-acme-of-another-kind"},
    "providers:name": {"name": "Renamed"},
    "providers:disconnect": {"data": "keep", "typed": "not its name"},
    "usage:add_summed_tag": {"name": "region"},
    "usage:add_rule": {"dimension": "project", "value": "proj_1", "cost_center": "Care"},
    "usage:add_routing_rule": {
        "feature": "chat",
        "provider": "openai",
        "model": "gpt-4o",
        "use_model": "gpt-4o-mini",
    },
    "usage:new_own_price": {
        "provider": "pinecone",
        "processing": "standard",
        "since": "2026-11-01",
        "unit": "read_unit",
        "unit_rate": "0.1",
        "act": "enter",
    },
    "usage:end_own_price": {"until": "2999-12-31"},
    "budgets:new": BUDGET | {"name": "May"},
    "budgets:change": BUDGET | {"name": "May", "version": "1"},
    "budgets:ask": {"amount": "900", "last_day": "2999-12-31", "reason": "Launch", "value": NAME},
    "budgets:parts": {"value": "ann", "amount": "50"},
    "budgets:longest_prompt": {"tokens": "32000"},
    "budgets:departments": {"name": "Research", "dimension": "team", "values": "red"},
    "alerts:new_rule": RULE | {"name": "Mine"},
    "alerts:rule": RULE | {"name": "Mine"},
    "alerts:new_channel": CHANNEL | {"name": "Desk"},
    "alerts:wishes": WISH,
    "alerts:acknowledge_many": {"alert": "01a217c2-1bfd-762a-9284-c73d438f2258"},
    "alerts:snooze": {"length": "1h"},
    "sdk_keys:new": KEY | {"name": "Checkout"},
    "sdk_keys:replace": {"old": "now"},
}
# and those whose POST says everything by its address
ACTS = {
    "accounts:restart_signup", "accounts:social_signup", "accounts:send_code", "accounts:end_session",
    "accounts:end_other_sessions", "accounts:end_all_sessions", "accounts:forget_remembered",
    "accounts:app_off", "accounts:recovery_codes", "accounts:new_recovery_codes", "accounts:confirm_by_passkey", "accounts:passkey_off",
    "accounts:passkey_name", "accounts:saml_acs", "accounts:sign_on_begin", "accounts:sign_on_remove", "accounts:sign_on_prove",
    "accounts:sign_on_drop", "accounts:directory_token", "accounts:directory_revoke", "accounts:team_reset_link", "accounts:team_leave", "accounts:team_send_again", "accounts:team_revoke",
    "accounts:team_remove", "accounts:team_hand_over", "accounts:enter_organization", "accounts:held_invitation",
    "accounts:accept_invitation", "accounts:switch_person", "accounts:forget_invitation", "accounts:invitation",
    "accounts:letters", "accounts:letters_again", "accounts:password_reset_from_key", "onboarding:contact",
    "onboarding:skip", "onboarding:leave", "providers:ask", "providers:revoke_request", "providers:key_request",
    "providers:pause", "providers:resume", "providers:sync", "usage:remove_rule", "usage:sample_enter",
    "usage:sample_leave", "usage:sample_remove", "usage:traces", "sdk_keys:revoke", "guidance:tour_again",
    "usage:data_ready", "onboarding:sdk", "onboarding:sdk_done", "guidance:checklist_again", "guidance:tips_again", "guidance:open_early",
    "usage:leave_off_summed_tag",
    "budgets:archive", "budgets:restore", "budgets:approve", "budgets:decline", "budgets:withdraw",
    "budgets:remove_department", "budgets:dismiss",
    "alerts:acknowledge", "alerts:resolve", "alerts:reopen", "alerts:switch_rule", "alerts:remove_rule",
    "alerts:test_channel", "alerts:enable_channel", "alerts:new_channel_secret", "alerts:remove_channel",
    "usage:remove_own_price", "usage:enable_routing_rule", "usage:disable_routing_rule", "usage:remove_routing_rule",
}  # fmt: skip


def privileges(of: Organization) -> list[tuple[object, ...]]:
    """What nobody gives themselves: who runs the installation, what is paid for, whose account it is, who is what."""
    people = User.objects.filter(email__endswith="@acme.example").order_by("email")
    with organization_scope(of.pk):
        home = Organization.objects.get(pk=of.pk)
        links = Connection.objects.filter(organization=of).values_list("status", "account_id")
        roles = Membership.objects.filter(organization=of).exclude(user__email="bob@acme.example")
        return [
            *people.values_list("email", "is_staff", "is_superuser", "is_active"),
            (home.plan, home.is_sample, home.trial_ends_at),
            *links,
            *roles.order_by("created_at").values_list("user__email", "role", "is_invitee"),
        ]


@contextmanager
def undone() -> Iterator[None]:
    """What is written here is taken back, and no limit is used up."""
    before = transaction.savepoint()
    yield
    transaction.savepoint_rollback(before)
    cache.clear()


def test_b15_no_form_takes_a_field_that_it_does_not_show(acme, alice, bob, elsewhere, mallory, acme_things):
    with organization_scope(acme.pk):
        acme_things["member_id"] = str(acme.memberships.get(user=bob).pk)
    extra = EXTRA | {"organization": str(elsewhere.pk), "user": str(mallory.pk), "id": str(elsewhere.pk)}
    before, theirs = privileges(acme), rows_of(elsewhere)
    paths = {route.name: route.at(**acme_things) for route in OURS}

    for name, told in FORMS.items():
        with undone():
            answer = just_in(alice).post(paths[name], told | extra)

            assert answer.status_code in {200, 302, 409, 422}, (name, answer.status_code)
            assert privileges(acme) == before, name
            assert rows_of(elsewhere) == theirs, name
            made = [each for each in all_organizations() if each not in (acme, elsewhere)]
            assert {(each.plan, each.is_sample) for each in made} <= {("free", False)}, name


def test_b15_every_route_that_takes_a_form_is_known_here(acme, alices, acme_things):
    def takes_one(route: Route) -> bool:
        answer = Client().post(route.at(**acme_things))
        return answer.status_code != 405

    pages = [route for route in OURS if not route.path.startswith(("api/", "scim/")) and not route.name.endswith(":")]
    taking = {route.name for route in pages if route.name and takes_one(route)}

    assert taking == {*FORMS} | ACTS


# files

FILES = {
    "api:usage_export": ("?format=csv", "?format=json", "?format=focus"),
    "usage:customers_file": ("",),
    "usage:agents_file": ("",),
    "usage:runs_file": ("",),
    "usage:explorer_of_measured_file": ("", "?group=team"),
    "usage:measured_file": ("",),
    "usage:statement": ("",),
    "accounts:audit_file": ("",),
    "accounts:everything_file": ("",),
}


def addresses_of_files() -> Iterator[str]:
    for name, queries in FILES.items():
        path = next(route.at() for route in OURS if route.name == name)
        yield from (path + query for query in queries)


def test_b18_every_route_that_streams_is_known_here(acme_things, alices):
    streaming = {route.name for route in OURS if is_streamed(alices.get(route.at(**acme_things)))}

    assert streaming == set(FILES)


def is_streamed(answer: HttpResponse) -> bool:
    body_of(answer)  # ends the transaction behind it
    return answer.streaming


@pytest.mark.parametrize("path", addresses_of_files())
def test_b18_a_file_read_after_its_request_is_whole(path, acme_things, alices):
    text = body_of(alices.get(path))

    assert "12.34" in text or "Canarymine" in text, "it is not empty"
    assert re.search(r'rows: [1-9]|"rowCount": [1-9]|^Total,', text, re.M)


def test_names_of_files_are_ours(acme, acme_things, alices):
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(name='A"; filename=../x\u202e')
    for path in [*addresses_of_files(), "/settings/profile/export/"]:
        answer = alices.get(path)
        body_of(answer)

        assert re.fullmatch(r'attachment; filename="[\w.-]+"', answer["Content-Disposition"]), path


@pytest.mark.parametrize("path", [path for path in addresses_of_files() if "statement" not in path])
def test_b18_a_file_whose_database_goes_away_says_so(path, acme_things, alices):
    """The statement is whole before its first byte is sent."""
    answer = alices.get(path)

    def gone(execute: Any, sql: str, *told: Any) -> Any:
        if sql.lstrip().upper().startswith(("SELECT", "WITH", "DECLARE", "FETCH")):
            raise OperationalError("the connection is lost")
        return execute(sql, *told)

    with connection.execute_wrapper(gone):
        text = body_of(answer)

    assert "stopped early" in text

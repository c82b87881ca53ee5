"""The audit log: every act that changes access, money or keys, its page, its file, and how long it is kept."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from accounts import audit, tidying
from accounts.audit_log import PAGE, Shown
from accounts.models import AuditLine, Membership, Organization
from accounts.permissions import Role
from accounts.sign_on import setting_up
from tests import make
from tests.answers import body_of
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db


@pytest.fixture
def alices(acme, alice) -> Browser:
    browser = Browser(alice)
    browser.post("/reauthenticate/", {"password": PASSWORD})
    return browser


def noted(organization: Organization) -> list[AuditLine]:
    with organization_scope(organization.pk):
        return list(AuditLine.objects.owned_by(organization).order_by("at", "id"))


def note(organization: Organization, action: str, actor: Any = None, *, days_ago: float = 0, **data: Any) -> None:
    moment = timezone.now() - timedelta(days=days_ago)
    with time_machine.travel(moment, tick=False), organization_scope(organization.pk):
        audit.note(action, organization, actor, **data)


JSON = {"content_type": "application/json"}
BUDGET = {"name": "Cap", "amount": "500", "unit": "usd", "every": "month", "thresholds": "50, 100"}
KEPT = {"event_days": "90", "audit_days": "730"}
# what is done, through the door that a person takes
ACTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "settings": ("/settings/organization/", {"name": "Acme II", "timezone": "UTC", "currency": "USD"} | KEPT, "organization_changed"),
    "an invitation": ("/settings/team/invitations/", {"addresses": "june@acme.example", "role": "viewer"}, "invitation_sent"),
    "a role": ("/settings/team/{bob}/", {"role": "finance"}, "role_changed"),
    "a removal": ("/settings/team/{bob}/remove/", {}, "member_removed"),
    "handing over": ("/settings/team/{bob}/hand-over/", {}, "role_changed"),
    "a key": ("/settings/sdk/new/", {"name": "Worker", "scopes": ["ingest"], "environment": "live", "lasts": "90"}, "key_created"),
    "a pause": ("/providers/{connection}/pause/", {}, "connection_paused"),
    "a name of a connection": ("/providers/{connection}/name/", {"name": "Main"}, "connection_renamed"),
    "a disconnection": ("/providers/{connection}/disconnect/", {"data": "keep", "typed": "Acme"}, "connection_disconnected"),
    "a budget": ("/budgets/new/", BUDGET, "budget_created"),
    "a cost centre": ("/attribution/rules/", {"dimension": "project", "value": "p", "cost_center": "R&D"}, "allocation_rule_set"),
    "a channel": ("/alerts/channels/new/?kind=email", {"name": "Desk", "email": "desk@acme.example", "least": "info"}, "channel_made"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "sent", "action"), ACTS.values(), ids=list(ACTS))
def test_every_act_that_changes_access_money_or_keys_leaves_a_line(path, sent, action, acme, alice, bob, alices):
    with organization_scope(acme.pk):
        member = Membership.objects.get(organization=acme, user=bob).pk
    where = path.format(bob=member, connection=make.connection(acme).pk)

    answer = alices.post(where, sent, REMOTE_ADDR="203.0.113.9", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/131")

    assert answer.status_code < 400, body_of(answer)[:1500]
    lines = [line for line in noted(acme) if line.action == action]
    assert lines, [line.action for line in noted(acme)]
    assert (lines[0].actor, lines[0].ip) == (alice, "203.0.113.9")


def test_a_change_of_settings_says_before_and_after(acme, alices):
    alices.post("/settings/organization/", {"name": "Acme II", "timezone": "Europe/Paris", "currency": "USD"} | KEPT)

    line = noted(acme)[-1]
    assert (line.data["before"], line.data["after"]) == (
        {"name": "Acme", "timezone": "UTC"},
        {"name": "Acme II", "timezone": "Europe/Paris"},
    )
    page = body_of(alices.get("/settings/audit/"))
    assert "Name: Acme → Acme II" in page
    assert "Timezone: UTC → Europe/Paris" in page


def test_facts_of_a_line_read_as_words(acme, alice, alices):
    note(acme, "sign_on_switched", alice, on=True, required=False, came=["a@acme.example", "b@acme.example"], went=[])

    page = body_of(alices.get("/settings/audit/"))

    for words in ("On: yes", "Required: no", "Came: a@acme.example, b@acme.example", "Went: none"):
        assert words in page


def test_what_was_entered_about_an_identity_provider_is_told_with_what_was_there_before(acme, alice, alices):
    values = {"kind": "oidc", "issuer": "https://one.example", "client_id": "1", "default_role": "member"}
    setting_up.save(acme, values, secret="a secret", by=alice)
    setting_up.save(acme, values | {"issuer": "https://two.example"}, secret="", by=alice)

    page = body_of(alices.get("/settings/audit/"))

    assert "Issuer: https://one.example → https://two.example" in page
    assert "Secret changed: yes" in page
    assert "a secret" not in page


def test_the_page_filters_by_person_act_and_days_and_turns_by_its_last_line(acme, alice, bob, alices):
    for number in range(PAGE + 5):
        note(acme, "budget_changed", bob, days_ago=3, name=f"Cap {number}")
    note(acme, "key_created", alice, name="Worker")

    first = alices.get("/settings/audit/").content.decode()
    older = first.split('href="?after=')[1].split('"')[0]
    second = alices.get(f"/settings/audit/?after={older}").content.decode()
    newer = second.split('href="?before=')[1].split('"')[0]
    assert ("Worker" in first, "Worker" in second) == (True, False)
    assert first.count("Cap ") + second.count("Cap ") == PAGE + 5
    assert alices.get(f"/settings/audit/?before={newer}").content.decode().count("Cap ") == PAGE - 1

    since = f"{timezone.now().date() - timedelta(days=1)}"
    for query in ("who=alice@acme.example", "action=key_created", f"first={since}"):
        page = alices.get(f"/settings/audit/?{query}").content.decode()
        assert ("Worker" in page, "Cap " in page) == (True, False), query
    assert alices.get("/settings/audit/?last=9999-12-31").status_code == 200
    assert alices.get("/settings/audit/?first=yesterday").status_code == 422
    assert alices.get("/settings/audit.csv?first=yesterday").status_code == 422


def test_the_file_holds_what_was_filtered_and_no_formula(acme, alice, alices):
    note(acme, "key_created", alice, name="=1+1")
    note(acme, "budget_changed", None, name="Cap")

    text = body_of(alices.get("/settings/audit.csv?action=key_created"))

    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["who"], row["action"]) for row in rows[:-1]] == [(alice.email, "key_created")]
    assert text.endswith("# rows: 1\r\n")
    assert rows[0]["at"].endswith(("Z", "+00:00"))
    note(acme, "=cmd", None)
    assert "'=cmd" in body_of(alices.get("/settings/audit.csv"))


@pytest.mark.parametrize("role", [Role.FINANCE, Role.MEMBER, Role.VIEWER])
def test_only_owners_and_admins_read_it(acme, role):
    browser = Browser(make.member(acme, "ada@acme.example", role))

    assert [browser.get(path).status_code for path in ("/settings/audit/", "/settings/audit.csv")] == [403, 403]
    assert Browser(make.member(acme, "root@acme.example", Role.ADMIN)).get("/settings/audit/").status_code == 200


def test_a_cursor_of_another_organization_is_the_first_page(acme, alices, elsewhere):
    note(elsewhere, "key_created", name="Theirs")
    note(acme, "key_created", name="Ours")

    page = alices.get(f"/settings/audit/?after={noted(elsewhere)[0].pk}").content.decode()
    assert ("Ours" in page, "Theirs" in page) == (True, False)


def test_e9_no_key_stands_in_a_line(acme, alices):
    answer = alices.post("/settings/sdk/new/", ACTS["a key"][1])
    clear = next(
        word for word in body_of(answer).replace("<", " ").replace(">", " ").split() if word.startswith("tt_live_")
    )

    assert len(clear) == 46
    assert clear not in body_of(alices.get("/settings/audit.csv"))


@pytest.mark.worker
@pytest.mark.django_db(transaction=True)
def test_old_lines_go_as_the_organization_keeps_them_and_young_ones_stay_whatever_it_says(acme, elsewhere):
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(audit_days=100)
    for days in (95, 101):
        note(acme, "key_created", days_ago=days, name=f"{days}")
        note(elsewhere, "key_created", days_ago=days, name=f"{days}")

    assert tidying.forget_audit_lines(timezone.now()) == 1

    assert [line.data["name"] for line in noted(acme)] == ["95"]
    assert len(noted(elsewhere)) == 2
    assert tidying.forget_audit_lines(timezone.now() + timedelta(days=5000)) == 3  # those over ninety days, no younger
    note(acme, "key_created", days_ago=80)
    assert tidying.forget_audit_lines(timezone.now() + timedelta(days=5000)) == 0


def test_what_a_line_is_about_is_called_as_people_call_it():
    line = AuditLine(object_type="apikey", data={"name": "Production"})

    assert Shown(line).about == "api key Production"

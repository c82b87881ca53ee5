"""A key where it is written down on the way: refused, masked, and its organization is told (B24)."""

import gzip
import json
import logging
from datetime import timedelta
from urllib.parse import quote

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from accounts.models import AuditLine, JournalEntry, Organization
from tests.conftest import Browser
from tests.sdk_keys.conftest import code_of, issued, now_of
from tokentra.lib import api_keys
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db


def lines_of(organization: Organization) -> list[AuditLine]:
    with organization_scope(organization.pk):
        return list(AuditLine.objects.owned_by(organization).filter(action="key_misplaced"))


@pytest.mark.parametrize("path", ["/api/usage/stats?key={}", "/api/providers/{}"])
def test_b24_a_key_in_an_address_is_refused_and_its_organization_told(path, acme, elsewhere):
    made = issued(acme, "read")

    answer = Client().get(path.format(made.clear), headers={"User-Agent": "curl/8"})

    assert code_of(answer) == (400, "key_misplaced")
    assert "Send the key in the Authorization header" in answer.json()["error"]["message"]
    assert made.clear not in answer.text
    [line] = lines_of(acme)
    assert (line.object_id, line.data["where"], line.ip, line.user_agent) == (
        str(made.key.pk),
        "address",
        "127.0.0.1",
        "curl/8",
    )
    assert now_of(made.key).misplaced_at
    assert lines_of(elsewhere) == []


def test_b24_a_key_in_the_address_of_a_page_is_refused_too_however_it_is_written(acme, alice):
    made = issued(acme)
    written = made.clear.replace("_", quote("%5F", safe="%"))

    answer = Browser(alice).get(f"/dashboard/?k={written}")

    assert answer.status_code == 400
    assert answer.text.startswith("Send the key in the Authorization header")
    assert len(lines_of(acme)) == 1


@pytest.mark.parametrize("path", ["/api/usage/track", "/api/auth/login", "/api/providers/connect"])
def test_b24_a_key_in_a_body_is_refused_without_one_in_the_header(path, acme):
    made = issued(acme)

    answer = Client().post(path, json.dumps({"apiKey": made.clear}), content_type="application/json")

    assert code_of(answer) == (400, "key_misplaced")
    assert [line.data["where"] for line in lines_of(acme)] == ["body"]


def test_b24_and_beside_one_in_the_header_however_the_text_is_escaped(acme):
    made = issued(acme, "admin")
    body = json.dumps({"provider": "openai", "credentials": {"admin_key": made.clear}}).replace("tt_", "tt\\u005f")

    answer = Client().post(
        "/api/providers/connect",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {made.clear}"},
    )

    assert code_of(answer) == (400, "key_misplaced")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_b24_and_among_events_so_that_none_is_kept_as_a_tag(pack, acme):
    made = issued(acme, "ingest")
    event = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 1}, "tags": {"note": made.clear}}
    headers = {"Authorization": f"Bearer {made.clear}"} | ({"Content-Encoding": "gzip"} if pack is not bytes else {})

    answer = Client().post(
        "/api/usage/track", pack(json.dumps(event).encode()), content_type="application/json", headers=headers
    )

    assert code_of(answer) == (400, "key_misplaced")
    assert len(lines_of(acme)) == 1


@pytest.mark.parametrize("sign", ["t", "_", "v"])
@pytest.mark.parametrize("key_in_header", [True, False])
def test_b24_and_among_events_however_the_text_is_escaped(sign, key_in_header, acme):
    made = issued(acme, "ingest")
    event = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 1}, "note": f"\n{made.clear}"}
    body = json.dumps(event).replace(made.clear, made.clear.replace(sign, f"\\u{ord(sign):04x}"))

    answer = Client().post(
        "/api/usage/track",
        body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {made.clear}"} if key_in_header else {},
    )

    assert code_of(answer) == (400, "key_misplaced")
    assert len(lines_of(acme)) == 1


def test_b24_somebody_is_told_once_an_hour(acme):
    made = issued(acme)
    with time_machine.travel("2026-03-04T05:30:00Z", tick=False) as clock:
        for _ in range(3):
            Client().get(f"/api/usage/stats?key={made.clear}")
        assert len(lines_of(acme)) == 1
        clock.shift(timedelta(minutes=61))
        Client().get(f"/api/usage/stats?key={made.clear}")

    assert len(lines_of(acme)) == 2


def test_a_key_of_nobody_and_a_text_like_one():
    assert code_of(Client().get(f"/api/usage/stats?key={api_keys.mint('live')}")) == (400, "key_misplaced")
    assert code_of(Client().get(f"/api/usage/stats?key=tt_live_{'a' * 38}")) == (401, "not_signed_in")


def test_b24_no_log_journal_audit_line_or_session_holds_a_key(acme, alice, caplog):
    made = issued(acme, "read")
    browser = Browser(alice)
    with caplog.at_level(logging.DEBUG):
        browser.get(f"/dashboard/?k={made.clear}")
        Client().get(f"/api/usage/stats?k={made.clear}")
        Client().post("/api/auth/login", json.dumps({"email": made.clear}), content_type="application/json")
        Client().get("/api/usage/stats", headers={"Authorization": f"Bearer {made.clear}"})
        Client().get("/api/no-such-route", headers={"Authorization": f"Bearer {made.clear}"})

    with organization_scope(acme.pk):
        kept = [*AuditLine.objects.values(), *JournalEntry.objects.values()]
    assert made.clear not in caplog.text
    assert made.clear not in repr(kept)
    assert made.clear not in repr(dict(browser.session))
    assert timezone.now() - now_of(made.key).misplaced_at < timedelta(minutes=1)

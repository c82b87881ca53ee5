"""What every answer tells the browser: no frames, no scripts but ours, no other sites, cookies for us alone (B65, E13)."""

import re

import pytest
from django.test import Client

from tests.answers import body_of
from tests.conftest import Browser
from tests.make import PASSWORD
from tests.test_isolation_walk import PLAIN

pytestmark = pytest.mark.django_db

ANSWERS = {
    "a page": ("get", "/dashboard/", 200),
    "a page for everybody": ("get", "/sample/picture/", 200),
    "a page that is not there": ("get", "/nowhere/", 404),
    "a refusal": ("post", "/sample/enter/", 302),
    "an answer of the API": ("get", "/api/auth/me", 200),
    "a refusal of the API": ("post", "/api/auth/login", 400),
    "a file": ("get", "/api/usage/export?from=2026-11-01&to=2026-11-02", 200),
    "the staff's": ("get", "/admin/", 404),
}
EVIL = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS.values(), ids=ANSWERS)
def test_b65_no_other_site_frames_reads_or_scripts_us(method, path, status, acme, alice):
    answer = getattr(Browser(alice), method)(path, headers=EVIL)
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";") if part.strip())

    assert (answer.status_code, bool(body_of(answer))) == (status, status != 302)
    assert answer["X-Frame-Options"] == "DENY"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["object-src"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert policy["default-src"] == policy["connect-src"] == "'self'"
    if not path.startswith("/admin/"):
        assert policy["script-src"] == "'self'"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert [name for name in answer.headers if name.lower().startswith("access-control-")] == []


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/usage/stats", "/dashboard/"])
def test_b65_another_site_asks_beforehand_in_vain(path, acme, alice):
    answer = Browser(alice).options(path, headers=EVIL)

    assert answer.status_code >= 400
    assert not any(name.lower().startswith("access-control-") for name in answer.headers)


def test_b65_no_page_holds_a_script_of_its_own(acme, alice):
    """The policy would refuse it; a page that relied on one would be broken."""
    browser, found, looked = Browser(alice), [], 0
    for route in PLAIN:
        answer = browser.get(route.at(), headers={"Accept": "text/html"})
        page = body_of(answer)
        if answer.status_code != 200 or "text/html" not in answer["Content-Type"] or route.path.startswith("api/"):
            continue
        looked += 1
        inline = re.findall(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", page)
        handlers = re.findall(r"<[^>]+\s(on[a-z]+)=[\"']", page)
        found += [f"{route.path}: {each}" for each in [*inline, *handlers, *re.findall(r"javascript:[^\"']*", page)]]

    assert found == []
    assert looked > 10


def test_e13_the_cookie_of_a_session_is_for_our_own_requests_alone(acme, alice):
    browser = Client()
    browser.post("/login/", {"login": alice.email, "password": PASSWORD})
    session = browser.cookies["sessionid"]

    assert session["httponly"] is True
    assert (session["samesite"], session["path"], session["domain"]) == ("Lax", "/", "")

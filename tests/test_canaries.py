"""Canary secrets go in by every door there is; then everything that is kept, sent or written is searched (B68)."""

import io
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from celery.signals import before_task_publish
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client

from accounts.models import User
from accounts.scim import tokens
from accounts.scim.kept import DirectoryToken
from providers import plan, sync
from providers.models import Connection
from tests import make
from tests.accounts.sign_on import proved
from tests.conftest import Browser
from tests.fake_provider.example import example_world
from tests.fake_provider.server import FakeProvider
from tests.make import PASSWORD
from tokentra.lib import breaker, http
from tokentra.lib.masking import MaskSecrets
from tokentra.lib.tenancy import organization_scope

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.worker]

PASSED = "Kanarienvogel-" + "passwort-7f3a"
OTHER = "Kanarienvogel-" + "zweites-91bc"
ODD = "plainkeywithoutanyshape" + "0123456789abcdef"  # masking knows no such shape
DELETED = "sk-admin-" + "canary" * 12


class Kept(logging.Handler):
    """What a handler with the product's own filter writes, tracebacks and all."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.addFilter(MaskSecrets())
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@dataclass
class Everything:
    """All that left the doors: bodies and headers of answers, log lines, messages to workers, what commands said."""

    log: Kept = field(default_factory=Kept)
    queued: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    def send(self, browser: Client, path: str, sent: dict[str, Any], *, method: str = "post", **kwargs: Any) -> Any:
        if path.startswith("/api/"):
            kwargs["content_type"] = "application/json"
        answer = getattr(browser, method)(path, sent, **kwargs)
        self.said.append(f"{path}\n{dict(answer.headers)}\n{answer.cookies.output()}\n{answer.content.decode()}")
        return answer

    def command(self, name: str, typed: str, monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
        out = io.StringIO()
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        try:
            call_command(name, stdout=out, stderr=out, **options)
        except CommandError as refused:
            self.said.append(str(refused))
        self.said.append(out.getvalue())


@pytest.fixture
def fake(settings, monkeypatch) -> Iterator[FakeProvider]:
    breaker.close_breakers()
    monkeypatch.setattr(http, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(http, "LONGEST_PAUSE", 0.002)
    monkeypatch.setattr(plan, "HISTORY_DAYS", 10)
    with FakeProvider(example_world(int(datetime.now(UTC).timestamp()))) as fake:
        settings.PROVIDER_BASE_URLS = {"openai": fake.url, "anthropic": fake.url}
        yield fake
    breaker.close_breakers()


@pytest.fixture
def everything() -> Iterator[Everything]:
    kept = Everything()

    def publish(body: Any = None, headers: Any = None, **_: Any) -> None:
        kept.queued.append(json.dumps([body, headers], default=str))

    root = logging.getLogger()
    level = root.level
    root.addHandler(kept.log)
    root.setLevel(logging.DEBUG)
    before_task_publish.connect(publish, weak=False)
    yield kept
    before_task_publish.disconnect(publish)
    root.setLevel(level)
    root.removeHandler(kept.log)


def every_text_in_the_database() -> Iterator[tuple[str, str]]:
    """Each table with its rows as text, as the cluster's superuser sees them: no policy hides anything."""
    database = connections["default"].settings_dict
    parameters = {"host": database["HOST"], "port": database["PORT"] or None, "dbname": database["NAME"]}
    with psycopg.connect(user="postgres", **{name: value for name, value in parameters.items() if value}) as superuser:
        tables = superuser.execute(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname IN ('public', 'partitions')"
        ).fetchall()
        for (table,) in tables:
            for (row,) in superuser.execute(f"SELECT t::text FROM {table} t").fetchall():  # names of its own
                yield table, row


def found(everything: Everything, canaries: list[str]) -> list[str]:
    """Where a canary sings: also its hexadecimal form, which is how the database writes bytes."""
    sources = [
        *(("log", line) for line in everything.log.lines),
        *(("message", message) for message in everything.queued),
        *(("answer", answer) for answer in everything.said),
        *every_text_in_the_database(),
    ]
    forms = {canary: (canary, canary.encode().hex(), canary[8:-4]) for canary in canaries}
    return [
        f"{canary[:12]}… in {source}: {text[:300]}"
        for source, text in sources
        for canary, spellings in forms.items()
        if any(spelling in text for spelling in spellings)
    ]


def sync_all(connection: Connection) -> None:
    while (done := sync.step(connection.organization_id, connection.pk)) and done.is_more:
        pass


def connected(acme: Any) -> Connection:
    with organization_scope(acme.pk):
        return Connection.objects.get(provider="openai")


def test_b68_passwords_are_found_nowhere(everything, monkeypatch):
    strangers = Client(raise_request_exception=False)
    for path, email in (("/signup/", "a@acme.example"), ("/api/auth/signup", "b@acme.example")):
        body = {"email": email, "password1": PASSED, "password": PASSED, "fullName": "Ann", "organizationName": "Acme"}
        fields = ("email", "password1") if path == "/signup/" else ("email", "password", "fullName", "organizationName")
        sent = {name: body[name] for name in fields}
        assert everything.send(strangers, path, sent).status_code < 400
        everything.send(strangers, path, sent)  # known by now
        everything.send(strangers, path, sent | {"email": "no address"})
        strangers = Client(raise_request_exception=False)
    for password in (PASSED, OTHER):
        everything.send(Client(), "/login/", {"login": "a@acme.example", "password": password})
        everything.send(Client(), "/api/auth/login", {"email": "b@acme.example", "password": password})
        everything.send(Client(), "/api/auth/login", {"email": "b@acme.example", "password": [password]})
    browser = Browser(User.objects.get(email="a@acme.example"))
    everything.send(browser, "/settings/security/", {"oldpassword": OTHER, "password1": OTHER})
    everything.send(browser, "/settings/security/", {"oldpassword": PASSED, "password1": "short"})
    everything.send(browser, "/reauthenticate/", {"password": OTHER})

    assert everything.log.lines
    assert found(everything, [PASSED, OTHER]) == []


FAULTS: dict[str, list[dict[str, Any]]] = {
    "healthy": [],
    "down": [{"do": {"action": "status", "status": 500, "message": f"We choked on {ODD} and on {DELETED}"}}],
    "refuses and repeats the key": [
        {"do": {"action": "status", "status": 401, "message": f"Incorrect API key provided: {ODD}, {DELETED}"}}
    ],
    "forbids and repeats the key": [{"do": {"action": "status", "status": 403, "body": f"no: {ODD} {DELETED}"}}],
    "slow": [{"do": {"action": "rate_limited", "message": f"Slow down, {ODD} {DELETED}"}}],
}
MALFORMED = {
    "another provider's": "sk-ant-admin01-" + "canarycanarycanary",
    "a project key": "sk-proj-" + "canary" * 8,
    "letters that no key has": "sk-admin-" + "canäryßcanärycanary",
    "far too long": "sk-admin-" + "canary" * 300,
    "NUL": "sk-admin-canarycanary" + "\0" + "canary",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_b68_a_key_that_is_refused_is_found_nowhere(fault, acme, alice, fake, everything, monkeypatch):
    fake.script(FAULTS[fault])
    browser = Browser(alice)
    for key in (ODD, DELETED):
        assert everything.send(browser, "/providers/connect/openai/", {"admin_key": key}).status_code == 422
        body = {"provider": "openai", "credentials": {"admin_key": key}}
        assert everything.send(browser, "/api/providers/connect", body).status_code >= 400
        everything.command("connect", key, monkeypatch, org=acme.slug, provider="openai")

    assert found(everything, [ODD, DELETED]) == []


def test_b68_text_that_is_no_key_of_this_provider_is_found_nowhere(acme, alice, fake, everything, monkeypatch):
    browser = Browser(alice)
    for key in MALFORMED.values():
        assert everything.send(browser, "/providers/connect/openai/", {"admin_key": key}).status_code == 422
        body = {"provider": "openai", "credentials": {"admin_key": key}}
        assert everything.send(browser, "/api/providers/connect", body).status_code in {400, 422}
        everything.send(browser, "/api/providers/connect", body | {"provider": "nobody"})
        everything.send(browser, "/api/providers/connect", {"provider": "openai", "credentials": key})
        everything.send(browser, "/api/providers/connect", {"provider": "openai", "credentials": {"admin_key": [key]}})
        everything.send(browser, "/api/providers/connect", {"provider": "openai", "credentials": {"key": key}})
        everything.command("connect", key, monkeypatch, org=acme.slug, provider="openai")

    assert not fake.requests
    assert found(everything, list(MALFORMED.values())) == []


def test_b68_a_key_that_works_is_found_nowhere_in_its_whole_life(acme, alice, fake, everything, monkeypatch):
    key, globex = fake.world.account("openai").key, fake.world.openai_accounts[1].key
    browser = Browser(alice)
    everything.send(browser, "/providers/connect/openai/", {"admin_key": f"Bearer {key}", "name": "Main"})
    connection = connected(acme)
    everything.send(browser, "/providers/connect/openai/", {"admin_key": key})
    sync_all(connection)
    page, api = f"/providers/{connection.pk}/", f"/api/providers/{connection.pk}"
    for replacement in (key, globex, ODD):
        everything.send(browser, f"{page}key/", {"admin_key": replacement})
        body = {"credentials": {"admin_key": replacement}}
        everything.send(browser, f"{api}/credentials", body, method="put")
    fake.script([{"do": {"action": "status", "status": 500, "message": f"We choked on {key}"}}])
    everything.send(browser, f"{page}sync/", {})
    sync_all(connection)
    fake.script([{"do": {"action": "status", "status": 400, "message": f"Bad: {key}"}}])
    everything.send(browser, f"{api}/sync", {})
    sync_all(connection)
    for path in ("/providers/", page, "/dashboard/", "/api/providers", api):
        everything.send(browser, path, {}, method="get")
    staff = Browser(make.user("staff@tokentra.example", staff=True))
    for model in ("connection", "endpointstate", "readwindow", "syncrun"):
        assert everything.send(staff, f"/admin/providers/{model}/", {}, method="get").status_code == 200
    everything.send(staff, f"/admin/providers/connection/{connection.pk}/change/", {}, method="get")
    everything.send(browser, f"{page}disconnect/", {"data": "keep", "typed": "Main"})

    assert everything.queued
    assert found(everything, [key, globex, ODD]) == []


def test_b68_a_key_is_found_nowhere_when_something_of_ours_breaks(acme, alice, fake, everything, settings):
    """A 500 with the key in the request: the page, the traceback in the log and what Django reports of it."""
    settings.ENCRYPTION_KEYS = []  # sealing raises
    key = fake.world.account("openai").key
    browser = Browser(alice, raise_request_exception=False)
    page = everything.send(browser, "/providers/connect/openai/", {"admin_key": key})
    body = {"provider": "openai", "credentials": {"admin_key": key}}
    api = everything.send(browser, "/api/providers/connect", body)

    assert (page.status_code, api.status_code) == (500, 500)
    assert any("Traceback" in line for line in everything.log.lines)
    assert found(everything, [key]) == []


def test_b68_a_directorys_token_is_found_nowhere(acme, alice, everything):
    proved(acme, by=alice)
    browser = Browser(alice)
    browser.post("/reauthenticate/", {"password": PASSWORD})
    shown = browser.post("/settings/sign-on/directory/tokens/").content.decode()
    token = re.search(r"tt_scim_[\w-]{40,}", shown)[0]
    program = {"headers": {"Authorization": f"Bearer {token}"}, "content_type": "application/scim+json"}
    told = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "dana@acme.example", "password": ODD}
    for path, sent in (("Users", told), ("Users", told), ("Users", {}), ("Groups", {"displayName": "x"}), ("Bulk", {})):
        everything.send(Client(raise_request_exception=False), f"/scim/v2/{path}", sent, **program)
    everything.send(Client(), "/scim/v2/Users", {"filter": "("}, method="get", headers=program["headers"])
    for path in ("/settings/sign-on/", "/settings/audit/"):
        everything.send(browser, path, {}, method="get")
    with organization_scope(acme.pk):
        tokens.revoke(acme, DirectoryToken.objects.get(organization=acme).pk, by=alice)
    everything.send(Client(), "/scim/v2/Users", {}, method="get", headers=program["headers"])
    logging.getLogger("anything").warning("it sent %s", token)

    assert [said for said in everything.said if "dana@acme.example" in said]
    assert found(everything, [token, ODD]) == []


def test_the_search_finds_what_is_there(acme, everything):
    """Otherwise the others prove nothing."""
    with organization_scope(acme.pk):
        acme.name = f"x{ODD}"
        acme.save()
    logging.getLogger("anything").warning("%s", PASSED)

    places = found(everything, [ODD, PASSED])

    assert [place.partition(" in ")[2].partition(":")[0] for place in places] == ["log", "public.accounts_organization"]

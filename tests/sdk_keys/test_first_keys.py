"""The keys that come with a set-up, and what a change of the master key means for them."""

import json
import stat
from io import StringIO

import pytest
from django.core.cache import caches
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import User
from accounts.permissions import Role
from sdk_keys import first_keys, peppers
from sdk_keys.models import ApiKey
from tests import make
from tests.accounts import conftest as of_accounts
from tests.accounts.conftest import home_of
from tests.make import PASSWORD
from tests.sdk_keys.conftest import ask, issued
from tokentra.lib import api_keys, crypto
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db

mandatory, code_sent_to = of_accounts.mandatory, of_accounts.code_sent_to
NEW = {"email": "dana@acme-labs.example", "password": PASSWORD}


def send(path: str, body: object) -> dict:
    return Client().post(f"/api/auth/{path}", json.dumps(body), content_type="application/json").json()


def keys_at_home(email: str) -> list[ApiKey]:
    home = home_of(email)
    with organization_scope(home.pk):
        return list(ApiKey.objects.owned_by(home))


def test_where_no_code_is_asked_the_sign_up_answers_a_key_that_sends_events(db):
    said = send("signup", NEW)

    [key] = keys_at_home(NEW["email"])
    assert api_keys.is_key(said["apiKey"])
    assert (key.masked, key.scopes, key.environment) == (
        f"{said['apiKey'][:12]}…{said['apiKey'][-4:]}",
        ["ingest"],
        "live",
    )
    assert ask(said["apiKey"]).json()["error"]["code"] == "key_scope"
    me = ask(said["token"], "/api/auth/me").json()
    assert [each["id"] for each in me["apiKeys"]] == [str(key.pk)]


def test_where_one_is_asked_the_key_comes_with_the_proof_and_only_then(mandatory, code_sent_to):
    said = send("signup", NEW)
    assert "apiKey" not in said
    assert keys_at_home(NEW["email"]) == []

    done = send("verify-email", {"verificationToken": said["verificationToken"], "code": code_sent_to(NEW["email"])})

    assert api_keys.is_key(done["apiKey"])
    assert len(keys_at_home(NEW["email"])) == 1


def test_e13_a_sign_up_proves_as_much_as_a_login(mandatory, code_sent_to, settings):
    said = send("signup", NEW)
    done = send("verify-email", {"verificationToken": said["verificationToken"], "code": code_sent_to(NEW["email"])})

    settings.VERIFICATION_IS_MANDATORY = False
    at_once = send("signup", NEW | {"email": "dora@acme-labs.example"})["token"]
    for token in (done["token"], send("login", NEW)["token"], at_once):
        headers = {"Authorization": f"Bearer {token}"}
        body = json.dumps({"name": "Second"})
        answer = Client().post("/api/auth/api-keys", body, content_type="application/json", headers=headers)
        assert answer.status_code == 201


def test_a_person_gets_one_first_key_in_their_life(acme, alice):
    assert first_keys.for_new_person(alice)
    assert first_keys.for_new_person(alice) is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_who_may_have_no_keys_gets_none(role, acme):
    assert first_keys.for_new_person(make.member(acme, "pat@acme.example", role)) is None


@pytest.fixture
def bootstrap(monkeypatch, tmp_path):
    path = tmp_path / "key"

    def run() -> str:
        for name, value in {
            "EMAIL": "olive@acme.example",
            "PASSWORD": PASSWORD,
            "ORGANIZATION": "Acme",
            "API_KEY_FILE": str(path),
        }.items():
            monkeypatch.setenv(f"TOKENTRA_BOOTSTRAP_{name}", value)
        out = StringIO()
        call_command("bootstrap", stdout=out)
        return out.getvalue()

    run.path = path
    return run


@pytest.mark.worker
def test_bootstrap_writes_one_key_with_every_scope_for_its_owner_alone(bootstrap):
    said = bootstrap()

    key = bootstrap.path.read_text().strip()
    assert said.endswith(f"An API key with every scope in {bootstrap.path}: written.\n")
    assert key not in said
    assert stat.S_IMODE(bootstrap.path.stat().st_mode) == 0o600
    assert ask(key).status_code == 200
    assert [each.scopes for each in keys_at_home("olive@acme.example")] == [["ingest", "read", "admin"]]


@pytest.mark.worker
def test_running_bootstrap_again_changes_nothing(bootstrap):
    bootstrap()
    kept = bootstrap.path.read_text()
    bootstrap.path.chmod(0o644)

    assert "there already" in bootstrap()
    assert bootstrap.path.read_text() == kept
    assert stat.S_IMODE(bootstrap.path.stat().st_mode) == 0o600
    assert len(keys_at_home("olive@acme.example")) == 1


@pytest.mark.worker
def test_a_file_whose_key_opens_nothing_gets_one_that_does(bootstrap):
    bootstrap.path.write_text(api_keys.mint("live"))
    bootstrap()

    assert ask(bootstrap.path.read_text().strip()).status_code == 200


@pytest.mark.worker
def test_bootstrap_writes_over_nothing_else_and_keeps_no_key_without_its_file(bootstrap, monkeypatch):
    bootstrap.path.write_text("precious")
    with pytest.raises(CommandError, match="holds something that is no API key"):
        bootstrap()
    assert bootstrap.path.read_text() == "precious"

    bootstrap.path.unlink()
    monkeypatch.setattr("sdk_keys.first_keys.os.open", lambda *_: (_ for _ in ()).throw(PermissionError("no")))
    with pytest.raises(CommandError, match="could not be written"):
        bootstrap()
    assert User.objects.filter(email="olive@acme.example").exists()
    assert keys_at_home("olive@acme.example") == []


@pytest.mark.worker
def test_e3_rotation_says_which_master_keys_living_api_keys_still_need(acme, settings, capsys):
    old = settings.ENCRYPTION_KEYS[0]
    used, idle, gone = issued(acme, "read"), issued(acme, "read"), issued(acme, "read")
    with organization_scope(acme.pk):
        ApiKey.objects.filter(pk=gone.key.pk).update(revoked_at=gone.key.created_at)
    settings.ENCRYPTION_KEYS = [b"n" * 32, old]
    ask(used.clear)

    call_command("rotate_keys")

    assert dict(peppers.references()) == {crypto.current_master(): 1, crypto.master_id(old): 1}
    assert f"{crypto.master_id(old)}: wraps 0, must stay; 1 API keys are known by it" in capsys.readouterr().out
    ask(idle.clear)
    caches["keys"].clear()
    call_command("rotate_keys")
    assert f"{crypto.master_id(old)}: wraps 0, may be removed\n" in capsys.readouterr().out

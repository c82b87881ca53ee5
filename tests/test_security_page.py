"""docs/security.md: what it says is true, every test that it names is there, and the small requirements that have no other."""

import re
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from allauth.account import app_settings as allauth
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib.auth.hashers import get_hasher
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from accounts.middleware import LONGEST
from accounts.models import Organization, User
from tests.accounts.identity_door import IdentityDoor
from tests.answers import body_of
from tests.conftest import Browser
from tests.make import PASSWORD
from tokentra.lib import asking, http
from tokentra.lib.tenancy import organization_scope

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/security.md").read_text()
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([^|]+) \| (met|not applicable|open) \| ([^|]+) \|$", re.M)
ROWS = ROW.findall(PAGE)
CODE = [path for app in ("accounts", "budgets", "onboarding", "providers", "sdk_keys", "tokentra", "usage")
        for path in (ROOT / app).rglob("*.py")]  # fmt: skip
REQUIRED = 253  # of levels 1 and 2 in ASVS 5.0.0


@pytest.fixture(autouse=True)
def quick_passwords() -> None:
    """Not here: the hash that is in use is what is asked about."""


def test_every_requirement_stands_there_once_with_what_came_of_it():
    ids = [number for number, *_ in ROWS]

    assert len(ids) == len(set(ids)) == REQUIRED
    assert len(re.findall(r"^\| \d+\.\d+\.\d+ \|", PAGE, re.M)) == REQUIRED, "a row has another shape"


def test_every_test_that_it_names_is_there():
    tests = {
        name for path in (ROOT / "tests").rglob("test_*.py") for name in re.findall(r"def (test_\w+)", path.read_text())
    }
    named = [(number, re.findall(r"`(test_\w+)`", told)) for number, _, state, told in ROWS if state == "met"]

    assert [number for number, names in named if not names] == []
    assert [(number, name) for number, names in named for name in names if name not in tests] == []


def test_the_sums_on_top_are_those_of_the_rows():
    counts = {state: sum(row[2] == state for row in ROWS) for state in ("met", "not applicable", "open")}
    share = 100 * counts["met"] // (counts["met"] + counts["open"])

    for state, count in counts.items():
        assert f"{count} {state}" in PAGE
    assert f"{share} % of those that apply" in PAGE
    assert share >= 90


def test_the_limits_against_guessing_are_those_that_hold():
    limits: dict[str, str] = allauth.RATE_LIMITS

    for action in ("login", "login_failed", "reset_password", "request_login_code", "signup"):
        assert f"`{action}` | {limits[action]} |" in PAGE


def test_the_inventory_names_the_algorithms_that_are_in_use():
    text = "\n".join(path.read_text() for path in CODE)
    used = {"AES-256-GCM": "AESGCM", "HMAC-SHA256": "hmac.", "SHA-256": "sha256", "CRC32": "crc32", "MD5": "md5("}

    assert {name for name, sign in used.items() if sign in text} == {name for name in used if f"| {name}" in PAGE}
    assert get_hasher().algorithm == "pbkdf2_sha256"
    assert "| PBKDF2-SHA256" in PAGE
    assert not re.search(r"\b(sha1|DES|ECB|Fernet)\(", text)


@pytest.mark.parametrize("kind", ["Keys of providers", "Passwords", "API keys", "Figures", "People", "Logs"])
def test_the_classes_of_data_are_written_down(kind):
    assert re.search(rf"^\| {kind} \|([^|]+\|){{3}}$", PAGE, re.M)


@pytest.mark.parametrize("log", ["What the programs write", "Audit log", "Journal", "Outbox", "Looks of staff"])
def test_the_inventory_of_logs_names_each_of_them(log):
    assert re.search(rf"^\| {log} \|([^|]+\|){{4}}$", PAGE, re.M)


def test_the_time_to_update_is_written_down():
    assert "within two days" in PAGE
    assert "within thirty days" in PAGE


def test_passwords_are_kept_by_a_slow_hash():
    hasher: Any = get_hasher()

    assert (hasher.algorithm, hasher.iterations >= 600_000) == ("pbkdf2_sha256", True)


@pytest.mark.parametrize("refused", ["short-one", "password123", "1234567890", "alice@acme.example"])
def test_short_common_and_own_words_are_no_passwords(refused):
    with pytest.raises(ValidationError):
        validate_password(refused, User(email="alice@acme.example"))


@pytest.mark.parametrize("refused", ["Acme-Labs!2026", "t o k e n t r a 12", "TokenTra-2026", "acme labs acme labs"])
def test_words_of_the_place_are_no_passwords(acme, alice, refused):
    with organization_scope(acme.pk):
        Organization.objects.filter(pk=acme.pk).update(name="Acme Labs")
    with pytest.raises(ValidationError, match="little more than the name"):
        validate_password(refused, alice)


@pytest.mark.parametrize("taken", ["correct horse battery", "twelve tokens of Acme Labs", "tra la la la la"])
def test_such_words_among_others_are(acme, alice, taken):
    validate_password(taken, alice)


def test_a_name_from_the_address_of_somebody_new_is_no_password(db):
    with pytest.raises(ValidationError, match="little more than the name"):
        validate_password("Globex2026!", User(email="dana@globex.example"))


def test_a_session_is_known_by_more_than_128_random_bits(acme, alice):
    keys = {Browser(alice).session.session_key for _ in range(3)}

    assert len(keys) == 3
    assert all(len(key) * 5 >= 128 and re.fullmatch(r"[a-z0-9]+", key) for key in keys)  # 36 letters: 5 bits and more


def test_no_code_of_tests_is_delivered():
    assert "tests" in (ROOT / ".dockerignore").read_text().split()
    assert [path for path in CODE if re.search(r"^\s*(from|import) tests\b", path.read_text(), re.M)] == []


def test_nobody_is_called_whose_certificate_is_not_right(settings):
    with IdentityDoor() as stranger:
        settings.ALERT_HOSTS = frozenset({stranger.host})
        settings.PROVIDER_BASE_URLS = {"openai": stranger.url}
        with pytest.raises(ConnectionError, match="could not be reached"):
            asking.Session(ConnectionError).get(stranger.url)
        with (
            pytest.raises(http.Unavailable),
            http.client(
                "https://api.openai.com", provider="openai", deadline=monotonic() + 5, sleep=lambda _: None
            ) as client,
        ):
            client.get("/authorize", headers={})

        assert stranger.asked == []


def test_a_long_password_of_any_characters_is_taken_whole(db):
    long = "correct horse ' battery " + "\N{SNOWMAN}" * 80
    validate_password(long)
    User.objects.create_user("dana@new.example", long)

    assert Client().login(username="dana@new.example", password=long)
    assert not Client().login(username="dana@new.example", password=long[:-1])
    assert not Client().login(username="dana@new.example", password=long.upper())


def test_password_fields_mask_and_let_managers_fill_them(db):
    for path, name in (("/login/", "current-password"), ("/signup/", "new-password")):
        page = Client().get(path).content.decode()
        field = next(tag for tag in re.findall(r"<input[^>]+>", page) if 'type="password"' in tag)

        assert f'autocomplete="{name}"' in field
        assert "onpaste" not in page


def test_the_browser_keeps_the_theme_and_nothing_else():
    kept = {
        name
        for path in (ROOT / "frontend").rglob("*.js")
        for name in re.findall(r"(?:local|session)Storage\.setItem\(\"?([\w.]+)|indexedDB\.(open)", path.read_text())
    }

    assert kept == {("theme", "")}


def test_trace_is_answered_with_nothing_of_the_request(db):
    answer = Client().trace("/login/", headers={"X-Secret": "canary"})

    assert answer.status_code in {403, 405}
    assert b"canary" not in answer.content


def test_what_nobody_may_guess_comes_from_the_system():
    guessable = {
        str(path.relative_to(ROOT)) for path in CODE if re.search(r"^(import|from) random\b", path.read_text(), re.M)
    }

    assert guessable <= {
        "providers/sync.py", "providers/outcomes.py", "providers/windows.py", "tokentra/lib/http.py", "usage/demo.py",
        "usage/demo_story.py", "tokentra/machine/watchdog.py", "accounts/delivery.py", "budgets/channels/sending.py",
            "budgets/knowing.py",
    }, "pauses and the sample may be guessed, nothing else"  # fmt: skip


def test_every_login_logout_and_refusal_is_a_line_of_the_log(acme, alice, caplog):
    browser = Client(REMOTE_ADDR="203.0.113.9")
    with caplog.at_level("INFO"):
        browser.post("/login/", {"login": alice.email, "password": "a wrong one, typed by hand"})
        browser.post("/login/", {"login": alice.email, "password": PASSWORD})
        out = browser.post("/logout/")

    lines = [record.getMessage() for record in caplog.records if record.name == "accounts.login_log"]
    assert lines == [
        "refused login from 203.0.113.9",
        f"login of {alice.pk} from 203.0.113.9 by password",
        f"logout of {alice.pk} from 203.0.113.9",
    ]
    assert "typed by hand" not in caplog.text
    assert out["Clear-Site-Data"] == '"cache"'


def test_every_refusal_to_somebody_who_is_known_is_a_line_of_the_log(acme, bob, caplog):
    Browser(bob).get("/settings/organization/")
    Browser(bob).post("/api/budgets", {"name": "Cap", "amount": "1"}, content_type="application/json")

    assert f"refused GET /settings/organization/ to {bob.pk}: Your role, member" in caplog.text
    assert f"refused POST /api/budgets to {bob.pk}: role_too_small" in caplog.text


@pytest.mark.parametrize(
    "way", ["Password", "Mailed code", "Passkey", "Google, GitHub, Microsoft", "Sign-on", "API", "Reset link"]
)
def test_every_way_in_is_written_down(way):
    assert re.search(rf"^\| {way} \|([^|]+\|){{2}}$", PAGE, re.M)


def test_how_long_sessions_last_is_written_down(settings):
    assert settings.SESSION_COOKIE_AGE == 14 * 24 * 3600
    assert LONGEST == 30 * 24 * 3600
    assert "14 days after it was last used, 30 days after it began" in PAGE
    assert "as many sessions at once as they like" in PAGE


KINDS = {
    "/login/": "text/html; charset=utf-8",
    "/api/auth/me": "application/json",
    "/api/usage/export?format=csv": "text/csv; charset=utf-8",
    "/settings/profile/export/": "application/json",
    "/settings/audit.csv": "text/csv; charset=utf-8",
}


def test_answers_say_what_they_are(acme, alice):
    told = {}
    for path in KINDS:
        answer = (Client() if path == "/login/" else Browser(alice)).get(path)
        body_of(answer)  # ends the transaction behind it
        told[path] = answer["Content-Type"].replace("application/json; charset=utf-8", "application/json")

    assert told == KINDS


def test_a_reset_logs_nobody_in(acme, alice):
    uid = user_pk_to_url_str(alice)
    browser = Client()
    door = browser.get(f"/password/reset/key/{uid}-{default_token_generator.make_token(alice)}/", follow=True)
    browser.post(door.redirect_chain[-1][0], {"password1": "another horse battery"})

    assert Client().login(username=alice.email, password="another horse battery")
    assert "/login/" in browser.get("/settings/profile/")["Location"]

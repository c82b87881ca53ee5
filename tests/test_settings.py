"""What does not start: settings that would be unsafe are refused with a sentence, and no secret is repeated."""

import base64
import json
import subprocess
import sys

import pytest
from gunicorn.config import Config as GunicornConfig

from tests.machine.installation import ROOT, clean_environment
from tokentra.machine.programs import web

MASTER = base64.b64encode(b"thirty-two bytes, only for tests").decode()
LONG = "a long text for tests, with more than fifty characters in it"
OWN = {"SECRET_KEY": LONG, "TOKENTRA_ENCRYPTION_KEYS": MASTER}
PUBLIC = OWN | {"TOKENTRA_SITE_URL": "https://tokentra.example.com", "TOKENTRA_TRUSTED_PROXIES": "1"}
TOLD = (
    "import tokentra.settings as s; "
    "print(s.SESSION_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_NAME, s.CSRF_COOKIE_SECURE, "
    "s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS > 0, s.DEBUG, s.VERIFICATION_IS_MANDATORY)"
)


ASKED = """
import json, sys, django
django.setup()
from django.test import Client
for headers in json.loads(sys.argv[1]):
    path = headers.pop("path", "/")
    answer = Client().get(path, headers={"Host": "tokentra.example.com", **headers})
    print(json.dumps([answer.status_code, answer.headers.get("Location"), answer.content.decode()]))
"""


def start(tmp_path, *arguments: str, program: str = TOLD, **environment: str) -> "subprocess.CompletedProcess[str]":
    unset = {"EMAIL_URL": "", "SENTRY_DSN": "", "DJANGO_SETTINGS_MODULE": "tokentra.settings"}
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env=clean_environment(TOKENTRA_VAR=str(tmp_path / "var"), **unset | environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


HOOK = {"JOURNAL_WEBHOOK_URL": "https://tool.example/hook", "JOURNAL_WEBHOOK_SECRET": LONG}
REFUSED = {
    "a webhook without a secret": (OWN | HOOK | {"JOURNAL_WEBHOOK_SECRET": ""}, "needs a JOURNAL_WEBHOOK_SECRET"),
    "a webhook with a short secret": (
        OWN | HOOK | {"JOURNAL_WEBHOOK_SECRET": f"{LONG},short"},
        "needs a JOURNAL_WEBHOOK_SECRET",
    ),
    "a webhook in the open": (OWN | HOOK | {"JOURNAL_WEBHOOK_URL": "http://tool.example/"}, "write an https address"),
    "a webhook with a password": (
        OWN | HOOK | {"JOURNAL_WEBHOOK_URL": "https://us:hidden@tool.example/"},
        "write an https address",
    ),
    "a public site without https": (PUBLIC | {"TOKENTRA_SITE_URL": "http://tokentra.example.com"}, "must be https"),
    "a public address without https": (PUBLIC | {"TOKENTRA_SITE_URL": "http://192.0.2.1:8000"}, "must be https"),
    "a public site with generated secrets": (
        {"TOKENTRA_SITE_URL": "https://tokentra.example.com", "TOKENTRA_TRUSTED_PROXIES": "1"},
        "needs a SECRET_KEY and TOKENTRA_ENCRYPTION_KEYS of your own",
    ),
    "no address": (PUBLIC | {"TOKENTRA_SITE_URL": "tokentra.example.com"}, "must be an address"),
    "another scheme": (PUBLIC | {"TOKENTRA_SITE_URL": "ftp://tokentra.example.com"}, "must be an address"),
    "a database of one's own without a secret": ({"DATABASE_URL": "postgresql://db.example/t"}, "set SECRET_KEY"),
    "a database of one's own without a master key": (
        {"DATABASE_URL": "postgresql://db.example/t", "SECRET_KEY": LONG},
        "set TOKENTRA_ENCRYPTION_KEYS",
    ),
    "a secret without a master key": ({"SECRET_KEY": LONG}, "set TOKENTRA_ENCRYPTION_KEYS"),
    "a short secret on a public site": (PUBLIC | {"SECRET_KEY": "short-secret"}, "SECRET_KEY must have"),
    "a short master key": (
        OWN | {"TOKENTRA_ENCRYPTION_KEYS": base64.b64encode(b"sixteen bytes....").decode()},
        "32 random bytes",
    ),
    "a short master key behind a good one": (
        OWN | {"TOKENTRA_ENCRYPTION_KEYS": f"{MASTER},c2hvcnQ="},
        "32 random bytes",
    ),
    "a master key that is not base64": (OWN | {"TOKENTRA_ENCRYPTION_KEYS": "not-base64!"}, "in base64"),
    "debug on a public site": (PUBLIC | {"TOKENTRA_DEBUG": "1"}, "TOKENTRA_DEBUG is for this machine only"),
    "debug beside a public host": (
        OWN | {"TOKENTRA_DEBUG": "1", "TOKENTRA_ALLOWED_HOSTS": "tokentra.example.com"},
        "TOKENTRA_DEBUG is for this machine only",
    ),
    "mandatory verification without mail": (OWN | {"TOKENTRA_EMAIL_VERIFICATION": "mandatory"}, "needs EMAIL_URL"),
    "https with nothing in front that speaks it": (
        PUBLIC | {"TOKENTRA_TRUSTED_PROXIES": "0"},
        "set TOKENTRA_TRUSTED_PROXIES to how many proxies",
    ),
    "https on this machine with nothing in front": (
        OWN | {"TOKENTRA_SITE_URL": "https://localhost:8443"},
        "set TOKENTRA_TRUSTED_PROXIES to how many proxies",
    ),
    "a negative count of proxies": (OWN | {"TOKENTRA_TRUSTED_PROXIES": "-1"}, "TOKENTRA_TRUSTED_PROXIES"),
}


@pytest.mark.parametrize(("environment", "sentence"), REFUSED.values(), ids=REFUSED)
def test_d1_e2_b65_unsafe_settings_do_not_start(tmp_path, environment, sentence):
    ended = start(tmp_path, **environment)

    assert ended.returncode == 1
    assert ended.stderr.startswith("TokenTra does not start: ")
    assert sentence in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(("environment", "sentence"), REFUSED.values(), ids=REFUSED)
def test_b68_a_refusal_to_start_repeats_no_secret(tmp_path, environment, sentence):
    ended = start(tmp_path, **environment)

    for name in (*OWN, *HOOK):
        if value := environment.get(name):
            assert value not in ended.stderr + ended.stdout


@pytest.mark.parametrize(
    "url", ["https://tokentra.example.com", "HTTPS://tokentra.example.com", "https://tokentra.example.com/"]
)
def test_e13_decision_16_a_site_with_https_has_cookies_for_itself_alone(tmp_path, url):
    ended = start(tmp_path, **PUBLIC | {"TOKENTRA_SITE_URL": url})

    assert ended.stderr == ""
    assert ended.stdout.split() == [
        "__Host-sessionid",
        "True",
        "__Host-csrftoken",
        "True",
        "True",
        "True",
        "False",
        "False",
    ]


def test_a_site_behind_a_proxy_never_leads_to_itself_for_ever(tmp_path):
    asked = [{"X-Forwarded-Proto": "https"}, {"X-Forwarded-Proto": "http"}, {}]
    asked += [
        {"path": path, "X-Forwarded-Proto": "http"} for path in ("/api/usage/stats", "/scim/v2/Users", "/api/docs")
    ]

    ended = start(tmp_path, json.dumps(asked), program=ASKED, **PUBLIC)
    safe, plain, untold, program, directory, reference = map(json.loads, ended.stdout.splitlines())

    assert safe[:2] == [302, "/signup/"]
    assert plain[:2] == [301, "https://tokentra.example.com/"]
    assert untold[:2] == [400, None]
    assert "X-Forwarded-Proto" in untold[2]
    assert reference[:2] == [301, "https://tokentra.example.com/api/docs"]
    for refused in (program, directory):
        assert (refused[:2], json.loads(refused[2])["error"]["code"]) == ([403, None], "https_needed")


def test_decision_16_http_in_public_starts_only_when_it_is_said_explicitly(tmp_path):
    ended = start(tmp_path, **PUBLIC | {"TOKENTRA_SITE_URL": "http://tokentra.example.com", "TOKENTRA_ALLOW_HTTP": "1"})

    assert ended.stdout.split()[:2] == ["sessionid", "False"]


def test_decision_15_a_bare_environment_starts_on_this_machine(tmp_path):
    ended = start(tmp_path)

    assert ended.stderr == ""
    assert ended.stdout.split()[:2] == ["sessionid", "False"]


REPORTED = """
import json, sys, types
told = {}
sys.modules["sentry_sdk"] = types.SimpleNamespace(init=told.update)
from django.conf import settings
settings.DEBUG
print(json.dumps(told))
"""


def test_e14_reports_of_errors_carry_no_locals_bodies_or_people(tmp_path):
    ended = start(tmp_path, program=REPORTED, **OWN | {"SENTRY_DSN": "https://key@errors.example/1"})
    told = json.loads(ended.stdout.splitlines()[-1])

    assert (told["include_local_variables"], told["send_default_pii"]) == (False, False)
    assert told["max_request_body_size"] == "never"


def test_e14_requests_are_written_down_by_nobody_with_their_queries_and_headers():
    """gunicorn writes a line for each only where it is told a file."""
    assert not any("access" in word for word in web("127.0.0.1:8000"))
    assert GunicornConfig().accesslog is None


def test_mail_makes_verification_mandatory(tmp_path):
    ended = start(tmp_path, **OWN | {"EMAIL_URL": "smtp://mail.example:25"})

    assert ended.stdout.split()[-1] == "True"

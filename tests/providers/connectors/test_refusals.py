"""Each way of being refused has its outcome, and a sentence that says what to do."""

from datetime import date

import httpx2
import pytest

from providers.connectors import CONNECTORS
from providers.connectors.base import ConnectorError, Outcome
from providers.connectors.reading import earliest_in
from tests.fake_provider import KEYS, FakeProvider
from tests.providers.connectors.conftest import NOW, answering, calling, key, read

OPENAI, ANTHROPIC = CONNECTORS["openai"], CONNECTORS["anthropic"]
ADMIN = "sk-admin-0123456789abcdef0123456789abcdef"
CLAUDE_ADMIN = "sk-ant-admin01-0123456789abcdef0123456789"
SCOPES = "You have insufficient permissions for this operation. Missing scopes: api.usage.read. Check the key {key}."


def openai_error(message: str, *, code: str | None = None, param: str | None = None) -> dict[str, object]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def anthropic_error(kind: str, message: str) -> dict[str, object]:
    return {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}


def refusal(connector, secret: str, status: int, body, **headers: str) -> ConnectorError:
    def reply(request: httpx2.Request) -> httpx2.Response:
        if isinstance(body, str):
            return httpx2.Response(status, text=body, headers=headers)
        return httpx2.Response(status, json=body, headers=headers)

    endpoint = connector.endpoints_for(frozenset({"reports"}))[0]
    with answering(connector, reply) as client, pytest.raises(ConnectorError) as error:
        read(connector, client, secret, endpoint, 1)
    return error.value


OPENAI_ROWS = {
    "unknown key": (
        ADMIN,
        401,
        openai_error("Incorrect API key", code="invalid_api_key"),
        "invalid_credentials",
    ),
    "401 without more": (ADMIN, 401, openai_error("no"), "invalid_credentials"),
    "401 in HTML": (ADMIN, 401, "<h1>401</h1>", "invalid_credentials"),
    "401 missing scope": (ADMIN, 401, openai_error(SCOPES), "missing_scope"),
    "403 missing scope": (ADMIN, 403, openai_error(SCOPES), "missing_scope"),
    "403 without words": (ADMIN, 403, openai_error("no"), "missing_scope"),
    "project key, 401": ("sk-proj-abc", 401, openai_error(SCOPES), "wrong_key_kind"),
    "project key, 403": ("sk-proj-abc", 403, openai_error(SCOPES), "wrong_key_kind"),
    "unknown shape": ("sk-new-kind", 403, openai_error(SCOPES), "wrong_key_kind"),
    "region": (
        ADMIN,
        403,
        openai_error("Country not supported", code="unsupported_country_region_territory"),
        "not_available",
    ),
    "parameter": (ADMIN, 400, openai_error("Invalid value", param="limit"), "bad_request"),
    "not found": (ADMIN, 404, openai_error("Unknown endpoint"), "not_available"),
    "payment": (ADMIN, 402, openai_error("Pay"), "not_available"),
    "conflict": (ADMIN, 409, openai_error("Conflict"), "bad_request"),
    "rate": (ADMIN, 429, openai_error("Slow down"), "rate_limited"),
    "quota": (ADMIN, 429, openai_error("Quota", code="insufficient_quota"), "rate_limited"),
    "outage": (ADMIN, 500, openai_error("Oops"), "provider_down"),
    "HTML outage": (ADMIN, 503, "<html>", "provider_down"),
    "HTML with 200": (ADMIN, 200, "<html>", "provider_down"),
    "a list with 200": (ADMIN, 200, [], "unexpected"),
    "no data with 200": (ADMIN, 200, {"object": "page"}, "provider_down"),
    "redirect": (ADMIN, 302, "", "unexpected"),
}
ANTHROPIC_ROWS = {
    "unknown key": (
        CLAUDE_ADMIN,
        401,
        anthropic_error("authentication_error", "invalid x-api-key"),
        "invalid_credentials",
    ),
    "workspace key, 401": (
        "sk-ant-api03-abc",
        401,
        anthropic_error("authentication_error", "invalid x-api-key"),
        "wrong_key_kind",
    ),
    "workspace key, 403": (
        "sk-ant-api03-abc",
        403,
        anthropic_error("permission_error", "no"),
        "wrong_key_kind",
    ),
    "enterprise key": ("sk-ant-api01-abc", 403, anthropic_error("permission_error", "no"), "missing_scope"),
    "admin key, 403": (CLAUDE_ADMIN, 403, anthropic_error("permission_error", "no"), "missing_scope"),
    "parameter": (CLAUDE_ADMIN, 400, anthropic_error("invalid_request_error", "limit"), "bad_request"),
    "no whole day": (
        CLAUDE_ADMIN,
        400,
        anthropic_error("invalid_request_error", "Invalid date range: ending date must be after starting date"),
        "bad_request",
    ),
    "billing": (CLAUDE_ADMIN, 402, anthropic_error("billing_error", "pay"), "not_available"),
    "not found": (CLAUDE_ADMIN, 404, anthropic_error("not_found_error", "no"), "not_available"),
    "too large": (CLAUDE_ADMIN, 413, anthropic_error("request_too_large", "no"), "bad_request"),
    "rate": (CLAUDE_ADMIN, 429, anthropic_error("rate_limit_error", "slow"), "rate_limited"),
    "outage": (CLAUDE_ADMIN, 500, anthropic_error("api_error", "oops"), "provider_down"),
    "overloaded": (CLAUDE_ADMIN, 529, anthropic_error("overloaded_error", "busy"), "provider_down"),
}


@pytest.mark.parametrize(("secret", "status", "body", "outcome"), OPENAI_ROWS.values(), ids=OPENAI_ROWS)
def test_b47_openai_refusals_are_classified(secret: str, status: int, body, outcome: str):
    error = refusal(OPENAI, secret, status, body)

    assert error.outcome == outcome
    assert error.message.endswith(".")
    assert secret not in error.message + error.detail


@pytest.mark.parametrize(("secret", "status", "body", "outcome"), ANTHROPIC_ROWS.values(), ids=ANTHROPIC_ROWS)
def test_b47_anthropic_refusals_are_classified(secret: str, status: int, body, outcome: str):
    error = refusal(ANTHROPIC, secret, status, body)

    assert error.outcome == outcome
    assert secret not in error.message + error.detail


def test_a_missing_scope_is_named():
    error = refusal(OPENAI, ADMIN, 403, openai_error(SCOPES))

    assert error.message == (
        "This admin key lacks “Usage: Read”. Give it that under Settings > Organization > Admin keys, or make a new key."
    )


def test_e14_the_providers_words_are_kept_for_staff_masked_and_short():
    error = refusal(OPENAI, ADMIN, 400, openai_error(f"{'x' * 480} {ADMIN} {'y' * 400}"))

    assert len(error.detail) == 500
    assert ADMIN[:20] not in error.detail


@pytest.mark.parametrize(
    ("said", "earliest"),
    [
        ("starting_at: must not be before 2026-01-01T00:00:00Z", "2026-01-01"),
        ("2025-08-01 is too old; the earliest available date is 2025-11-20.", "2025-11-20"),
        ("start_time must be on or after 2025-12-06", "2025-12-06"),
        ("starting_at 2026-10-01 must be before ending_at 2026-09-30", None),
        ("Invalid date range: ending date must be after starting date", None),
        ("Invalid range from 2026-10-01 to 2026-10-04", None),
        ("the earliest is 2026-02-31", None),
    ],
)
def test_s3_4_only_a_day_that_is_named_as_the_first_is_taken_for_it(said: str, earliest: str | None):
    assert earliest_in(said) == (date.fromisoformat(earliest) if earliest else None)


def test_what_passes_is_told_from_what_does_not():
    outcomes = {outcome for outcome in Outcome if not ConnectorError(outcome, "").permanent}

    assert outcomes == {Outcome.RATE_LIMITED, Outcome.PROVIDER_DOWN, Outcome.UNEXPECTED}


WRONG = {
    "openai.project": "This is an OpenAI project key",
    "openai.service_account": "This is an OpenAI service account key",
}


@pytest.mark.parametrize(("name", "sentence"), WRONG.items())
def test_b46_openai_keys_that_can_never_work_are_refused_by_shape(name: str, sentence: str):
    wrong = OPENAI.recognise(key(KEYS[name]))

    assert wrong is not None
    assert wrong.message.startswith(sentence)
    assert wrong.message.endswith(
        "TokenTra needs an admin key: an organization owner makes one under Settings > Organization > Admin keys."
    )


@pytest.mark.parametrize(
    ("connector", "secret", "says"),
    [
        (OPENAI, "sk-" + "a1" * 24, "an old OpenAI user key"),
        (OPENAI, CLAUDE_ADMIN, "an Anthropic Console admin key"),
        (OPENAI, "AIza" + "a" * 35, "a Google API key"),
        (OPENAI, "sk-or-v1-" + "0f" * 32, "an OpenRouter key"),
        (OPENAI, "tt_live_abc", "a TokenTra key"),
        (OPENAI, "", "No key was given"),
        (OPENAI, "sk-admin-ключ", "characters that no key has"),
        (ANTHROPIC, ADMIN, "an OpenAI admin key"),
        (ANTHROPIC, "sk-ant-oat01-abc", "a token of a Claude subscription"),
        (ANTHROPIC, "sk-ant-ort01-abc", "a token of a Claude subscription"),
        (ANTHROPIC, "ABSKabcdef", "an Amazon Bedrock API key"),
        (ANTHROPIC, "AKIA" + "A" * 16, "the id of an AWS access key"),
        (ANTHROPIC, "ya29.abc", "a short-lived Google access token"),
    ],
)
def test_b46_other_providers_keys_are_recognised(connector, secret: str, says: str):
    wrong = connector.recognise(key(secret))

    assert wrong is not None
    assert says in wrong.message
    assert "TokenTra needs an admin key" in wrong.message
    assert not secret or secret not in wrong.message


@pytest.mark.parametrize(
    ("connector", "secret"),
    [
        (OPENAI, ADMIN),
        (OPENAI, "sk-admin-x"),
        (OPENAI, "some-new-kind-of-key"),
        (ANTHROPIC, CLAUDE_ADMIN),
        (ANTHROPIC, "sk-ant-api01-abc"),
        (ANTHROPIC, "sk-ant-api03-abc"),
        (ANTHROPIC, "unknown"),
    ],
)
def test_every_doubt_is_left_to_the_live_probe(connector, secret: str):
    assert connector.recognise(key(secret)) is None


@pytest.mark.parametrize(
    ("connector", "secret", "outcome"),
    [
        (OPENAI, "sk-admin-nobody-0000000000000000", "invalid_credentials"),
        (OPENAI, KEYS["openai.deleted"], "invalid_credentials"),
        (OPENAI, KEYS["openai.user"], "wrong_key_kind"),
        (OPENAI, KEYS["openai.management_only"], "missing_scope"),
        (ANTHROPIC, "sk-ant-admin01-nobody-00000000000", "invalid_credentials"),
        (ANTHROPIC, "sk-ant-api03-nobody-00000000000", "wrong_key_kind"),
        (ANTHROPIC, "sk-ant-api01-nobody-00000000000", "invalid_credentials"),
    ],
)
def test_keys_that_can_read_nothing_are_refused_by_the_probe(fake: FakeProvider, connector, secret: str, outcome: str):
    with calling(connector) as client, pytest.raises(ConnectorError) as error:
        connector.identify(client, key(secret), now=NOW)

    assert error.value.outcome == outcome


@pytest.mark.parametrize("status", [401, 403])
def test_a_project_key_is_told_apart_under_both_codes(fake: FakeProvider, status: int):
    fake.world.openai.settings.scope_status = status
    with calling(OPENAI) as client, pytest.raises(ConnectorError) as error:
        OPENAI.identify(client, key(KEYS["openai.project"]), now=NOW)

    assert error.value.outcome is Outcome.WRONG_KEY_KIND


def test_one_refused_probe_does_not_refuse_the_key(fake: FakeProvider):
    fake.script([{"match": {"path": "costs"}, "do": {"action": "status", "status": 500}}])
    with calling(OPENAI) as client:
        account = OPENAI.identify(client, key(KEYS["openai"]), now=NOW)

    assert [(check.endpoint, check.outcome) for check in account.checks if not check.ok] == [
        ("costs", Outcome.PROVIDER_DOWN)
    ]


@pytest.mark.parametrize("connector", [OPENAI, ANTHROPIC], ids=lambda each: each.key)
@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"action": "status", "status": 503}, "provider_down"),
        ({"action": "html"}, "provider_down"),
        ({"action": "rate_limited", "retry_after": 30}, "rate_limited"),
        ({"action": "redirect"}, "unexpected"),
    ],
)
def test_a_provider_that_is_away_is_not_a_bad_key(fake: FakeProvider, connector, fault, outcome: str):
    fake.script([{"match": {}, "do": fault}])
    with calling(connector) as client, pytest.raises(ConnectorError) as error:
        connector.identify(client, key(KEYS[connector.key]), now=NOW)

    assert error.value.outcome == outcome
    assert not error.value.permanent

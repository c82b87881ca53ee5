"""Whatever looks like a secret is masked before it is written."""

import io
import logging
from time import process_time

import pytest

from tokentra.lib.masking import MASK, MaskSecrets, marks_secret, mask
from tokentra.lib.secret import Secret

CANARIES = {
    "openai admin": "sk-admin-canary_0123456789abcdef-T3BlbkFJ",
    "openai project": "sk-proj-canary0123456789abcdef",
    "openai service account": "sk-svcacct-canary0123456789abcdef",
    "openai user": "sk-" + "canary" * 8,
    "anthropic admin": "sk-ant-admin01-canary0123456789abcdefAA",
    "anthropic enterprise": "sk-ant-api01-canary0123456789abcdefAA",
    "anthropic workspace": "sk-ant-api03-canary0123456789abcdefAA",
    "anthropic subscription": "sk-ant-oat01-canary0123456789abcdefAA",
    "anthropic refresh": "sk-ant-ort01-canary0123456789abcdefAA",
    "openrouter": "sk-or-v1-" + "0123456789abcdef" * 4,
    "google key": "AIza" + "SyCanary0123456789abcdefghijklmnopq"[:35],
    "google token": "ya29.canary-0123456789abcdef",
    "aws id": "AKIACANARYCANARY2345",
    "aws temporary id": "ASIACANARYCANARY2345",
    "bedrock": "ABSKcanary0123456789abcdefABCD==",
    "ours": "tt_live_canary0123456789abcdefghijklmnopqrstuv",
    "ours for tests": "tt_test_canary0123456789abcdefghijklmnopqrstuv",
    "invitation link": "tt_invite_canary0123456789-abcdefghijklmnopqrs_tuv",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJjYW5hcnkiOiJjYW5hcnkifQ.c2lnbmF0dXJl",
}
SENTENCES = ("{}", "it was {}.", '{{"key": "{}"}}', "a={}&b=1", "({})", "'{}'", "…{}…", "key:{},")


@pytest.mark.parametrize("sentence", SENTENCES)
@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_b68_every_kind_of_key_is_masked_in_any_text(canary: str, sentence: str):
    masked = mask(sentence.format(canary))

    assert canary not in masked
    assert "anary" not in masked
    assert MASK in masked


@pytest.mark.parametrize(
    "line",
    [
        "Authorization: Bearer plain-looking-canary",
        "authorization: Basic Y2FuYXJ5OmNhbmFyeQ==",
        "{'x-api-key': 'canary-without-a-shape'}",
        '"X-Api-Key": "canary-without-a-shape"',
        "(b'x-api-key', b'canary-without-a-shape')",
        "api-key=canary-without-a-shape",
        "x-goog-api-key: canary",
        "sent with bearer canary.without-shape~1/2=",
        "Cookie: sessionid=canary",
        "Cookie: a=1; sessionid=canary; b=2",
        "x-amz-security-token: canary/without+a=shape",
        'Authorization: Digest username="canary", realm="a b", nonce="canary", response="canary", qop=auth',
        '{"Authorization": "Digest username=\\"canary\\", response=\\"canary\\""}',
        "Authorization: AWS4-HMAC-SHA256 Credential=canary/s3, SignedHeaders=host;x-amz-date, Signature=canary",
        "Authorization: Negotiate canary==",
        "Authorization: Unknown id=1, mac=canary",
        "Authorization: canary",
        "OPENAI_API_KEY=canary",
        "OpenAI(api_key='canary', max_retries=2)",
        "https://acme.example/?access_token=canary&page=2",
        "aws_secret_access_key = canary",
        "client_secret: canary",
        "password=canary",
    ],
)
def test_e14_headers_that_carry_secrets_are_masked_whatever_their_value(line: str):
    for turned in (line, line.lower(), line.upper()):
        assert "canary" not in mask(turned).lower()
        assert "y2fuyxj5" not in mask(turned).lower()


def test_what_stands_behind_a_secret_stays():
    lines = {
        'Authorization: Digest username="canary", nonce=canary refused': f"Authorization: Digest {MASK} refused",
        '{"openaiApiKey": "canary", "model": "x"}': f'{{"openaiApiKey": "{MASK}", "model": "x"}}',
        "OpenAI(api_key='canary', max_retries=2)": f"OpenAI(api_key='{MASK}', max_retries=2)",
        "Cookie: a=canary; b=canary\nAccept: text": f"Cookie: {MASK}\nAccept: text",
    }

    assert {line: mask(line) for line in lines} == lines
    assert [mask(masked) for masked in lines.values()] == list(lines.values())


@pytest.mark.parametrize(
    "name", ["api_key", "apiKey", "API_KEY", "openai_api_key", "openaiApiKey", "X-Api-Key", "Secret"]
)
def test_b42_a_name_that_marks_a_secret_is_known_however_it_is_spelled(name: str):
    assert marks_secret(name)


@pytest.mark.parametrize("name", ["api_key_id", "api_key_name", "monkey", "secretary", "cookie_count", "tokens"])
def test_a_name_that_tells_of_something_else_marks_none(name: str):
    assert not marks_secret(name)


@pytest.mark.parametrize(
    "long",
    [
        "authorization: " + "a " * 20_000,
        "authorization: x" + ", a=b" * 20_000,
        'authorization: a="' + "b" * 100_000,
        "authorization" + " " * 100_000,
        "authorization: a;" + "b;" * 50_000,
        "authorization: a" + (" " * 500 + ", ") * 100,
        "api_key: " * 10_000,
        "secret-" * 10_000,
    ],
    ids=range(8),
)
def test_a_long_text_is_masked_in_no_time(long: str):
    before = process_time()

    mask(long)

    assert process_time() - before < 1


def test_a_private_key_is_masked_whole_even_when_it_was_cut():
    pem = "-----BEGIN PRIVATE KEY-----\nMIIcanary\nmore\n-----END PRIVATE KEY-----"

    assert mask(f"before {pem} after") == f"before {MASK} after"
    assert "canary" not in mask(pem[:40])


def test_what_a_provider_half_masks_itself_is_masked_whole():
    assert mask("Incorrect API key provided: sk-admin-ab***************wxyz.").count("wxyz") == 0


@pytest.mark.parametrize(
    "harmless",
    [
        "task-admin-page is not a key",
        "model gpt-5-mini-2025-08-07 in proj_x by key_y",
        "0190f5c8-7e2a-7d1e-9a55-6f0d2b8a4c11",
        "the risk-averse sk- prefix",
        "Missing scopes: api.usage.read",
        "group_by=api_key_id is not available for this time range",
        "bearer of bad news",
        "wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ apikey_01Rj2N8SVvo6BePZj99NhmiT",
    ],
)
def test_ordinary_words_stay(harmless: str):
    assert mask(harmless) == harmless


@pytest.mark.parametrize("canary", CANARIES.values(), ids=CANARIES)
def test_masking_twice_is_masking_once(canary: str):
    once = mask(f"Authorization: Bearer {canary} and {canary}")

    assert mask(once) == once


@pytest.fixture
def log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(MaskSecrets())
    logger = logging.getLogger("tests.masking")
    logger.propagate, logger.handlers = False, [handler]
    yield logger, stream
    logger.handlers, logger.propagate = [], True


def test_e14_log_lines_tracebacks_and_stacks_are_masked(log):
    logger, stream = log
    secret = CANARIES["openai admin"]

    logger.error("with %s and %s", secret, {"x-api-key": secret})
    try:
        raise ValueError(f"refused {secret}")
    except ValueError:
        logger.exception("failed", stack_info=True)

    assert "canary" not in stream.getvalue()
    assert "ValueError: refused [masked]" in stream.getvalue()


def test_what_somebody_sent_forges_no_line_of_the_log(log):
    logger, stream = log
    forged = "x\n2026-11-26 12:00:00,000 INFO accounts.login_log: login of root\r\x1b[2Kgone\u2028more"

    logger.warning("refused %s", forged)
    try:
        raise ValueError(forged)
    except ValueError:
        logger.exception("failed")

    lines = stream.getvalue().splitlines()
    assert [line for line in lines if line[:1] != " "] == [
        "refused x",
        "failed",
        "Traceback (most recent call last):",
    ]
    assert not {"\r", "\x1b", "\u2028"} & set(stream.getvalue())
    assert "login of root" in stream.getvalue()


def test_a_line_that_cannot_be_formatted_is_still_written_and_still_masked(log):
    logger, stream = log

    logger.error("one %s too many %s", *[CANARIES["ours"]])
    logger.error("a secret %s", Secret(CANARIES["ours"]))

    assert "canary" not in stream.getvalue()
    assert stream.getvalue().count("cannot be written") == 2

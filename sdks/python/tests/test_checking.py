"""`python -m tokentra_sdk check`: what is in the way is named."""

import time
from email.utils import formatdate
from importlib import metadata

import pytest

from taking import allowed, refused
from tokentra_sdk import __main__, checking

KEY = "tt_test_generated"


@pytest.fixture(autouse=True)
def _environment(monkeypatch, tokentra, tmp_path):
    monkeypatch.setenv("TOKENTRA_URL", tokentra.url)
    monkeypatch.setenv("TOKENTRA_API_KEY", KEY)
    monkeypatch.setenv("TOKENTRA_SPOOL_DIR", str(tmp_path / "spool"))


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*more):
        monkeypatch.setattr("sys.argv", ["tokentra_sdk", "check", *more])
        return __main__.main(), capsys.readouterr().out

    return run


def test_all_is_well(run, tokentra):
    code, said = run()

    assert code == 0, said
    assert said.count("ok ") == 6
    assert "Events arrive." in said
    assert KEY not in said
    for library in ("openai", "anthropic", "boto3", "google-genai", "mistralai", "cohere", "pinecone"):
        assert f"{library} {metadata.version(library)}" in said
    [event] = tokentra.wait(1)
    assert (event["provider"], event["cost"], event["purpose"]) == (
        "tokentra",
        {"amount": "0", "currency": "USD"},
        "test",
    )


def test_nothing_is_set(run, monkeypatch):
    monkeypatch.delenv("TOKENTRA_URL")

    assert "FAIL Set-up: Set TOKENTRA_URL" in run()[1]


@pytest.mark.parametrize(
    ("check", "verdict", "code", "said"),
    [
        ("", allowed, 0, "ok   Check before calls: answers in "),
        ("", allowed, 0, "this program does not ask (TOKENTRA_CHECK)"),
        ("1", lambda question: allowed(question, delayMs=2500), 0, "and slows them by 2.5 s; without an answer"),
        ("closed", refused, 0, "     Check before calls: The budget “Globex” is used up. Here, without an answer calls are not"),
        ("", lambda _: (500, {}), 0, "     Check before calls: The check answered 500."),
        ("open", lambda _: (500, {}), 1, "FAIL Check before calls: The check answered 500."),
    ],
)  # fmt: skip
def test_the_check_before_calls(run, tokentra, monkeypatch, check, verdict, code, said):
    monkeypatch.setenv("TOKENTRA_CHECK", check)
    tokentra.verdict = verdict

    ended, printed = run()

    assert said in printed
    assert ended == code
    assert tokentra.questions == [{"provider": "tokentra", "model": "test-event", "estimatedCost": "0"}]


def test_nobody_is_there(run):
    code, said = run("--url", "http://127.0.0.1:9")

    assert code == 1
    assert "FAIL Address: http://127.0.0.1:9 cannot be reached" in said


def test_the_key_is_refused(run, tokentra):
    tokentra.fail(403, body=b'{"error": {"code": "key_scope", "message": "This key may not ingest."}}')

    assert "FAIL Test event: The server answered 403. This key may not ingest." in run()[1]


def test_it_is_no_tokentra(run, tokentra):
    tokentra.faults.append((200, {}, b"<html>"))

    assert "FAIL Test event: What answers at TOKENTRA_URL is not TokenTra." in run()[1]


def test_the_disk_cannot_be_used(run, tmp_path):
    (tmp_path / "spool").write_text("a file")

    assert "FAIL Disk" in run()[1]


@pytest.mark.parametrize(
    ("ahead", "is_good", "said"),
    [
        (0, True, "right."),
        (90, True, "s ahead of"),
        (-90, True, "s behind the"),
        (700, False, "Set this machine's clock"),
    ],
)
def test_the_clock(ahead, is_good, said):
    found = checking.clock_of(formatdate(time.time() - ahead, usegmt=True))

    assert (found.is_good, said in found.sentence) == (is_good, True)


def test_a_server_without_a_clock():
    assert checking.clock_of(None) is None

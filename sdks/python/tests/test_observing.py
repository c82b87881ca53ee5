"""`observe`: clients that are made after it report by themselves, whenever their library is imported."""

import subprocess
import sys
from pathlib import Path

import openai
import pytest

import tokentra_sdk
from tokentra_sdk import context, default, instrumenting

QUESTION = [{"role": "user", "content": "The secret question"}]
SOURCES = str(Path(__file__).resolve().parent.parent / "src")


@pytest.fixture(autouse=True)
def _undone(monkeypatch):
    monkeypatch.setattr(default, "_default", None)
    monkeypatch.setattr(instrumenting, "_sdk", None)
    finders = list(sys.meta_path)
    with context.request_scope():
        yield
    sys.meta_path[:] = finders


def ask(models):
    client = openai.OpenAI(api_key="none", base_url=f"{models.url}/v1")
    return client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)


def test_a_client_that_is_made_later_reports(tokentra, models, tmp_path):
    tokentra_sdk.observe(tokentra.url, "tt_test_generated", spool_directory=tmp_path)
    ask(models)

    assert tokentra_sdk.flush(5)
    assert len(tokentra.events) == 1


def test_it_can_be_left_to_wrap(tokentra, models, tmp_path):
    tokentra_sdk.observe(tokentra.url, "tt_test_generated", spool_directory=tmp_path, instrument=False)
    ask(models)

    assert tokentra_sdk.stats()["recorded"] == 0


def test_observing_again_leads_earlier_clients_there(tokentra, models, tmp_path):
    from taking import taking

    with taking() as first:
        tokentra_sdk.observe(first.url, "tt_test_generated", spool_directory=tmp_path)
        client = openai.OpenAI(api_key="none", base_url=f"{models.url}/v1")
        tokentra_sdk.observe(tokentra.url, "tt_test_generated", spool_directory=tmp_path)
        client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION)
        assert tokentra_sdk.flush(5)

    assert (len(first.events), len(tokentra.events)) == (0, 1)


@pytest.mark.parametrize("order", ["observe, import", "import, observe"])
def test_the_library_may_be_imported_before_or_after(order, tokentra, models, tmp_path):
    observe = f"import tokentra_sdk\ntokentra_sdk.observe({tokentra.url!r}, 'tt_test_generated', spool_directory={str(tmp_path)!r})"
    steps = {"observe": observe, "import": "import openai"}
    program = "\n".join(
        [
            *(steps[step] for step in order.split(", ")),
            f"client = openai.OpenAI(api_key='none', base_url='{models.url}/v1')",
            "client.chat.completions.create(model='m', messages=[])",
            "import importlib.resources, inspect",
            "assert inspect.getsource(openai)",
            "assert type(openai.__spec__.loader).__module__ != 'tokentra_sdk.instrumenting'",
        ]
    )
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": SOURCES}, timeout=60)

    assert len(tokentra.events) == 1


def test_what_is_no_client_is_left_alone_and_said(caplog, sdk):
    thing = object()

    assert sdk.wrap(thing) is thing
    assert "no client that can be wrapped" in caplog.text

"""What the README says works: its examples run, one after another, as a reader would run them."""

import importlib
import re
import sys
from pathlib import Path

import pytest

import tokentra_sdk
from tokentra_sdk import context, default, instrumenting

README = Path(__file__).resolve().parent.parent / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def configured(monkeypatch, tokentra, models, tmp_path):
    monkeypatch.setenv("TOKENTRA_URL", tokentra.url)
    monkeypatch.setenv("TOKENTRA_API_KEY", "tt_test_generated")
    monkeypatch.setenv("TOKENTRA_SPOOL_DIR", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{models.url}/v1")
    monkeypatch.setattr(default, "_default", None)
    monkeypatch.setattr(instrumenting, "_sdk", None)
    for name, value in {
        "ANTHROPIC_API_KEY": "none",
        "ANTHROPIC_BASE_URL": models.url,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_ENDPOINT_URL": models.url,
        "GEMINI_API_KEY": "none",
        "MISTRAL_API_KEY": "none",
        "CO_API_KEY": "none",
        "PINECONE_API_KEY": "none",
    }.items():
        monkeypatch.setenv(name, value)
    for module, kind, argument, place in (
        ("google.genai.client", "Client", "http_options", {"base_url": models.url}),
        ("mistralai.client", "Mistral", "server_url", f"{models.url}/mistral"),
        ("cohere.client_v2", "ClientV2", "base_url", models.url),
        ("pinecone.index", "Index", "host", models.url),
    ):
        found = getattr(importlib.import_module(module), kind)
        monkeypatch.setattr(found, "__init__", led_to(found.__init__, argument, place))
    with context.request_scope():
        yield


def led_to(init, argument, place):
    """These libraries are not led to another address by the environment."""

    def make(self, *args, **kwargs):
        init(self, *args, **{**kwargs, argument: place})

    return make


def test_the_examples_run_and_report_what_they_say(configured, tokentra):
    space = {}
    for example in EXAMPLES:
        exec(example, space)
    assert tokentra_sdk.flush(5)
    assert space["tokentra"].flush(5)

    events = sorted(tokentra.events.values(), key=lambda event: event["id"])
    asked, others = events[:4], events[4:]
    assert [event.get("customerId") for event in asked] == [None] + ["customer-7"] * 3
    assert (events[1]["feature"], events[1]["team"], events[1]["tags"]) == ("search", "core", {"plan": "gold"})
    assert (events[2]["agent"], events[3]["tool"]) == ("planner", "browser")
    assert events[3]["parentId"] == events[2]["id"]
    assert events[2]["runId"] == events[3]["runId"]
    assert [event.get("customerId") for event in others[:2]] == ["customer-8", None]
    assert [(event["provider"], event["status"], event["usageSource"]) for event in others[2:8]] == [
        (provider, "ok", "reported") for provider in ("anthropic", "aws", "google", "mistral", "cohere", "pinecone")
    ]
    assert others[8]["tokens"] == {"input": 900, "cacheRead": 100, "output": 45}


def test_every_argument_and_variable_is_in_it():
    import inspect

    text = README.read_text()
    arguments = list(inspect.signature(tokentra_sdk.TokenTra).parameters)
    assert [name for name in arguments if f"`{name}`" not in text] == []
    sources = "".join(path.read_text() for path in Path(tokentra_sdk.__file__).parent.rglob("*.py"))
    assert [name for name in set(re.findall(r"TOKENTRA_[A-Z_]+", sources)) if name not in text] == []
    assert [name for name in context.FIELDS if f"`{name}`" not in text] == []


@pytest.mark.skipif(sys.version_info < (3, 10), reason="it cannot name its own modules")
def test_it_needs_nothing_but_python():
    sources = Path(tokentra_sdk.__file__).parent
    imported = {
        name
        for path in sources.rglob("*.py")
        for name in re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.M)
    }
    assert imported - set(sys.stdlib_module_names) - {"tokentra_sdk"} == set()

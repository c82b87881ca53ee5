"""The documents say everything that is public, and nothing that is not there."""

import re
from pathlib import Path

import pytest
from django.urls import get_resolver

from accounts.journal import Event
from accounts.permissions import Role
from providers.connectors import CONNECTORS
from providers.models import Status
from tests.test_isolation_walk import routes
from tokentra.config import Config
from tokentra.schedule import beat_schedule
from usage.rows import Basis, Ledger

ROOT = Path(__file__).resolve().parent.parent
DOCS = {path.name: path.read_text() for path in [*(ROOT / "docs").glob("*.md"), *ROOT.glob("*.md")]}
VARIABLES = [
    str(field.alias or name.upper()) for name, field in Config.model_fields.items() if name != "secrets_are_generated"
]


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_variable_is_in_the_example_and_in_the_operators_page(variable):
    assert re.search(rf"^#? ?{variable}=", (ROOT / ".env.example").read_text(), re.M), ".env.example"
    assert f"`{variable}`" in DOCS["operations.md"]


@pytest.mark.parametrize("word", [*Role.values, *Status.values, *(b.value for b in Basis), *(e.value for e in Ledger)])
def test_every_word_of_the_product_is_in_the_glossary(word):
    assert re.search(rf"\b{word}\b", DOCS["glossary.md"], re.I)


@pytest.mark.parametrize("event", list(Event))
def test_every_event_of_the_journal_is_described(event):
    assert f"`{event.value}`" in DOCS["glossary.md"]


@pytest.mark.parametrize("provider", CONNECTORS)
def test_every_connector_has_its_place_in_the_guide(provider):
    assert f"`{provider}`" in DOCS["add-a-provider.md"]


def test_every_scheduled_task_is_in_the_operators_page():
    missing = [name for name in beat_schedule() if f"`{name}`" not in DOCS["operations.md"]]

    assert missing == []


def test_every_command_is_in_the_operators_page():
    commands = [
        path.stem
        for app in ("tokentra", "accounts", "usage", "providers", "sdk_keys", "budgets", "onboarding")
        for path in (ROOT / app / "management/commands").glob("[a-z]*.py")
    ]
    missing = [name for name in commands if f"manage.py {name}" not in DOCS["operations.md"]]

    assert missing == []


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{name}: {target}"
        for name, text in DOCS.items()
        for target in re.findall(r"\]\(((?!https?:|#|mailto:)[^)#]+)", text)
        if not ((ROOT / "docs" if (ROOT / "docs" / name).exists() else ROOT) / target).exists()
    ]

    assert broken == []


def test_a_document_names_no_page_that_is_not_there():
    paths = {"/" + route.path for route in routes(get_resolver().url_patterns)}
    known = {re.sub(r"<[^>]+>", "*", path) for path in paths}
    named = {
        (name, found)
        for name, text in DOCS.items()
        for found in re.findall(
            r"`(/(?:api|settings|usage|dashboard|providers|optimization|signup|login)[a-z/-]*)`", text
        )
    }

    assert [each for each in sorted(named) if each[1] not in known and f"{each[1]}/" not in known] == []

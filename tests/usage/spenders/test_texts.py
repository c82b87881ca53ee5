"""What senders write is text on every page and in every file of measured spend (reliability B43)."""

import csv

import pytest
from django.urls import reverse

from tests.answers import body_of
from tests.usage.spenders.test_customers import call
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event
from usage.measuring import choosing_tags, tracking
from usage.spenders.words import href

pytestmark = pytest.mark.django_db

SCRIPT, FORMULA, TURNED = "<script>alert(1)</script>", "=cmd|'/C calc'!A0", "\u202egnp.exe"
NAMES = ("customerId", "userId", "feature", "team", "agent", "prompt", "tool", "environment", "project", "costCenter")


@pytest.fixture
def told(acme, alice, alices, send):
    with organization_scope(acme.pk):
        choosing_tags.choose("note", by=acme.memberships.get(user=alice))
    tracking.forget()
    for text in (SCRIPT, FORMULA, TURNED):
        says = dict.fromkeys(NAMES, text)
        send(call(model=text, runId=text, errorCode=text, status="error", tags={"note": text, text[:9]: text}, **says))


LISTS = [
    reverse("usage:customers"),
    reverse("usage:agents"),
    *(reverse("usage:measured", args=[each]) for each in ("team", "model", "tag:note")),
]


def pages(acme):
    with organization_scope(acme.pk):
        call = Event.objects.get(run=SCRIPT)
    return [
        *LISTS,
        *(href(name, SCRIPT) for name in ("customer", "agent", "team", "tag:note")),
        reverse("usage:run", args=[SCRIPT]),
        reverse("usage:call", args=[f"{call.day}", call.id]),
        *("/runs/", "/dashboard/measured/", "/usage/measured/?group=customer&group=model", "/attribution/tags/"),
        f"/dashboard/?customer={SCRIPT}",
    ]


def test_b43_a_name_is_text_on_every_page(acme, alices, told):
    for path in pages(acme):
        answer = alices.get(path)

        assert answer.status_code == 200, path
        assert "<script>alert" not in answer.text, path


def test_b43_a_name_is_no_formula_in_any_file(alices, told):
    for path in [*(f"{each.rstrip('/')}.csv" for each in LISTS), "/usage/measured.csv?group=customer&group=model"]:
        cells = [cell for row in csv.reader(body_of(alices.get(path)).splitlines()) for cell in row]

        assert SCRIPT in cells or f"openai/{SCRIPT}" in cells, path
        assert not [cell for cell in cells if cell.startswith("=")], path

"""The attribution page: from unallocated spend to a rule to a statement."""

from decimal import Decimal

import pytest

from accounts.models import AuditLine
from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tests.usage.pages.accounts_read import two_settled_days
from tokentra.lib.tenancy import organization_scope
from usage.allocation_rules import AllocationRule


def body(answer) -> str:
    return " ".join((b"".join(answer.streaming_content) if answer.streaming else answer.content).decode().split())


def assign(browser: Browser, center: str, *, dimension: str = "project", value: str = "proj_a"):
    return browser.post("/attribution/rules/", {"dimension": dimension, "value": value, "cost_center": center})


def rules(organization) -> list[tuple[str, str, str]]:
    with organization_scope(organization.pk):
        return list(AllocationRule.objects.owned_by(organization).values_list("dimension", "value", "cost_center"))


def statement(browser: Browser) -> dict[str, Decimal]:
    lines = b"".join(browser.get("/attribution/statement/?period=month").streaming_content).decode().splitlines()
    return {cells[0]: Decimal(cells[1]) for cells in (line.split(",") for line in lines[1:])}


def test_from_unallocated_spend_to_a_statement(acme, alices):
    two_settled_days(acme)
    page = body(alices.get("/attribution/"))
    assert "Three steps to a statement" in page
    assert page.index("Search") < page.index("Support")  # the dearest first, by their names

    assert assign(alices, "Customer care").status_code == 302

    page = body(alices.get("/attribution/"))
    assert "Three steps to a statement" not in page
    assert statement(alices) == {
        "Customer care": Decimal("0.65"),
        "Unallocated": Decimal("3.35"),
        "Total": Decimal("4.00"),
    }


def test_a_key_counts_before_its_project_and_a_second_rule_moves_it(acme, alices):
    two_settled_days(acme)
    assign(alices, "Care")
    assign(alices, "Search team", dimension="api_key", value="key_1")
    assert statement(alices) == {
        "Search team": Decimal("0.50"), "Care": Decimal("0.15"), "Unallocated": Decimal("3.35"), "Total": Decimal("4.00"),
    }  # fmt: skip

    assign(alices, "Care", dimension="api_key", value="key_1")
    assert statement(alices)["Care"] == Decimal("0.65")
    assert len(rules(acme)) == 2


def test_removing_a_rule_gives_its_spend_back(acme, alices):
    two_settled_days(acme)
    assign(alices, "Care")
    with organization_scope(acme.pk):
        rule = AllocationRule.objects.owned_by(acme).get()

    alices.post(f"/attribution/rules/{rule.pk}/remove/")

    assert rules(acme) == []
    assert statement(alices)["Unallocated"] == Decimal("4.00")
    with organization_scope(acme.pk):
        assert AuditLine.objects.owned_by(acme).filter(action="allocation_rule_removed").exists()


@pytest.mark.parametrize("center", ["", "two\nlines", "x" * 101, "Ac\u202eme"])
def test_b9_a_cost_centre_is_a_name(center, acme, alices):
    two_settled_days(acme)

    answer = assign(alices, center)

    assert answer.status_code == 422
    assert "No rule was made" in body(answer)
    assert f'value="{" ".join(center.split())}"' in body(answer), "what was typed stays beside its project"
    assert rules(acme) == []


def test_b43_a_cost_centre_is_no_formula_in_the_file(acme, alices):
    two_settled_days(acme)
    assign(alices, "=1+1")

    assert "'=1+1" in statement(alices)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.VIEWER])
def test_others_read_and_change_nothing(role, acme, alices):
    two_settled_days(acme)
    assign(alices, "Care")
    reader = Browser(make.member(acme, "reader@acme.example", role))

    page = body(reader.get("/attribution/"))
    assert "Care" in page
    assert "Assign" not in page
    assert assign(reader, "Mine", value="proj_b").status_code == 403


def test_finance_makes_rules(acme):
    finance = Browser(make.member(acme, "fin@acme.example", Role.FINANCE))

    assert assign(finance, "Care").status_code == 302
    assert rules(acme) == [("project", "proj_a", "Care")]


def test_b13_rules_of_another_organization_are_not_there(acme, elsewhere, mallory, alices):
    two_settled_days(acme)
    assign(alices, "Care")
    with organization_scope(acme.pk):
        rule = AllocationRule.objects.owned_by(acme).get()

    assert Browser(mallory).post(f"/attribution/rules/{rule.pk}/remove/").status_code == 404
    assert "Care" not in body(Browser(mallory).get("/attribution/"))
    assert len(rules(acme)) == 1


def test_it_takes_a_bounded_number_of_queries(acme, alices, django_assert_max_num_queries):
    two_settled_days(acme)
    assign(alices, "Care")
    alices.get("/attribution/")

    with django_assert_max_num_queries(16):
        alices.get("/attribution/?by=api_key")

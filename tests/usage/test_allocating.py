"""Rules and statements: the most specific rule decides, and a statement adds up to the last digit."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as some

from usage.allocating import SPECIFIC, center_of, statement
from usage.figures import Figures

KEYS = {"api_key": "key_1", "project": "proj_1", "model": "gpt-5", "provider": "openai"}


def test_the_most_specific_rule_decides():
    rules = {("provider", "openai"): "IT", ("model", "gpt-5"): "Research"}
    assert center_of(KEYS, rules) == "Research"

    rules |= {("project", "proj_1"): "Support"}
    assert center_of(KEYS, rules) == "Support"

    rules |= {("api_key", "key_1"): "Search"}
    assert center_of(KEYS, rules) == "Search"
    assert center_of(KEYS | {"api_key": "key_2"}, rules) == "Support"


def test_what_no_rule_names_is_unallocated():
    assert center_of(KEYS, {}) == ""
    assert center_of(KEYS | {"project": ""}, {("project", ""): "Nobody"}) == ""


amounts = some.decimals(min_value=-10, max_value=1000, places=12)
groups = some.lists(some.tuples(some.sampled_from("abc"), some.sampled_from("xy"), amounts), max_size=30)
rules = some.dictionaries(
    some.tuples(some.sampled_from(SPECIFIC), some.sampled_from("abcxy")), some.sampled_from(["A", "B"]), max_size=6
)


@given(groups, rules)
def test_a_statement_adds_up_to_the_last_digit(told, table):
    figures = [
        Figures(keys={"api_key": key, "project": project, "model": "", "provider": "openai"}, cost=cost, computed=cost)
        for key, project, cost in told
    ]

    made = statement(figures, table)

    parts = [each.figures.cost for each in (*made.lines, made.unallocated)]
    assert sum(parts, Decimal(0)) == made.total.cost == sum((cost for *_, cost in told), Decimal(0))
    assert all(each.center for each in made.lines)
    assert len({each.center for each in made.lines}) == len(made.lines)

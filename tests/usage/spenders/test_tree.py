"""Calls of a run under one another, whatever their senders name as parents."""

from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

import pytest

from usage.spenders.tree import DEEPEST, grown


@dataclass
class Call:
    id: UUID
    ref: str | None
    parent: str | None
    above: UUID | None = None
    amount: Decimal | None = Decimal(1)
    is_parent: bool | None = None
    currency: str | None = None


def calls(*pairs, **more):
    return [Call(UUID(int=place), name, parent, **more) for place, (name, parent) in enumerate(pairs)]


def drawn(nodes):
    return [(node.call.ref, node.depth, node.below, int(node.cost)) for node in nodes]


def test_each_call_stands_under_its_parent_in_the_order_of_time():
    nodes = grown(calls(("plan", None), ("search", "plan"), ("answer", None), ("read", "search"), ("write", "plan")))

    assert drawn(nodes) == [
        ("plan", 0, 3, 4),
        ("search", 1, 1, 2),
        ("read", 2, 0, 1),
        ("write", 1, 0, 1),
        ("answer", 0, 0, 1),
    ]


def test_a_parent_may_come_after_its_child_or_never():
    assert drawn(grown(calls(("child", "late"), ("late", None), ("orphan", "nobody")))) == [
        ("late", 0, 1, 2),
        ("child", 1, 0, 1),
        ("orphan", 0, 0, 1),
    ]


def test_a_call_below_what_is_no_call_stands_under_the_next_call_above():
    answer, search, read = calls(("answer", None), ("search", "a web request"), ("read", "search"))
    search.above = answer.id

    assert drawn(grown([answer, search, read])) == [("answer", 0, 2, 3), ("search", 1, 1, 2), ("read", 2, 0, 1)]


@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "a")],
        [("a", "b"), ("b", "a")],
        [("a", "c"), ("b", "a"), ("c", "b"), ("d", "c")],
        [("a", None), ("a", None), ("b", "a")],
    ],
)
def test_circles_and_doubles_lose_no_call_and_end(pairs):
    nodes = grown(calls(*pairs))

    assert sorted(node.call.id for node in nodes) == [UUID(int=place) for place in range(len(pairs))]
    assert nodes[0].depth == 0


def test_events_of_different_days_that_share_an_id_are_both_there():
    twins = [Call(UUID(int=1), None, None), Call(UUID(int=1), None, None)]

    assert len(grown(twins)) == 2


def test_other_currencies_are_not_added_to_dollars():
    root, child = calls(("root", None), ("child", "root"))
    child.currency = "EUR"

    assert drawn(grown([root, child]))[0] == ("root", 0, 1, 1)


def test_a_parent_that_carries_the_usage_of_its_children_is_not_added():
    root, child = calls(("root", None), ("child", "root"))
    root.is_parent = True

    assert drawn(grown([root, child])) == [("root", 0, 1, 1), ("child", 1, 0, 1)]


def test_a_long_chain_is_drawn_to_a_depth_and_counted_whole():
    nodes = grown(calls(*((f"{n}", f"{n - 1}") for n in range(1_000))))

    assert nodes[0].below == 999
    assert nodes[-1].depth == 999
    assert max(node.indent for node in nodes) == DEEPEST


def test_a_parent_is_named_by_its_uuid_where_it_has_no_other_name():
    parent = Call(UUID(int=7), None, None)

    assert drawn(grown([parent, Call(UUID(int=8), "b", str(UUID(int=7)))]))[1] == ("b", 1, 0, 1)

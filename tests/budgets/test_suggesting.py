"""An amount that goes by the past: what nine in ten periods stayed within, growth added, rounded up."""

from decimal import Decimal

import pytest

from budgets.rules.suggesting import suggest


def of(*totals: float) -> list[Decimal]:
    return [Decimal(str(total)) for total in totals]


def test_of_one_period_or_of_nothing_spent_nothing_follows():
    assert suggest(of(100)) is None
    assert suggest(of(0, 0, 0)) is None


@pytest.mark.parametrize(
    ("totals", "usual", "growth", "amount"),
    [
        (of(100, 100, 100), 100, 0, 100),
        (of(100, 110, 120), 118, 10, 130),
        (of(120, 110, 100), 118, 0, 120),  # what shrinks may grow again
        (of(1, 2), Decimal("1.9"), 1, Decimal("2.9")),
        (of(0.001, 0.001), Decimal("0.001"), 0, Decimal("0.01")),
    ],
)
def test_growth_is_added_and_what_shrinks_is_not_taken_off(totals, usual, growth, amount):
    found = suggest(totals)

    assert (found.usual, found.growth, found.amount, found.periods) == (usual, growth, amount, len(totals))


def test_weeks_are_made_months_of():
    found = suggest(of(10, 10), times=Decimal(4))

    assert (found.usual, found.amount, found.is_of_weeks) == (40, 40, True)

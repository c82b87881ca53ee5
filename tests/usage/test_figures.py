"""Figures added up one by one, of which thousands may bring names of their own."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as some

from usage.figures import Figures, total

named = some.dictionaries(some.sampled_from(["EUR", "CHF", "JPY"]), some.integers(-5, 5).map(Decimal))
figures = some.builds(
    Figures,
    cost=some.integers(-5, 5).map(Decimal),
    other_currencies=named,
    units=named,
    requests=some.none() | some.integers(0, 5),
    unpriced_tokens=some.integers(0, 5),
)


@given(some.lists(figures, max_size=6))
def test_they_come_to_what_each_two_of_them_add_up_to(told: list[Figures]):
    whole = total(told)

    assert whole == sum(told, Figures())
    assert [*whole.other_currencies] == sorted(whole.other_currencies)

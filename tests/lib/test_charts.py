"""What charts show: series, colours, ticks."""

from decimal import Decimal

import pytest

from tokentra.lib.charts import (
    OTHER_COLOUR,
    Chart,
    Part,
    Series,
    Slot,
    axis,
    colours,
    rank,
    stacked,
    tick_labels,
)

NAMES = [f"model-{letter}" for letter in "abcdefghijkl"]


def chart(count: int) -> Chart:
    series = [Series(name, name, [Decimal(100 - at), Decimal(1)]) for at, name in enumerate(NAMES[:count])]
    return stacked("spend", "Spend", [Slot("1 Nov"), Slot("2 Nov", state="unsettled")], series)


def test_twelve_series_become_six_and_other_and_nothing_is_lost():
    twelve = chart(12)

    assert [one.name for one in twelve.series] == [*NAMES[:6], "Other (6)"]
    assert twelve.series[-1].colour == OTHER_COLOUR
    assert twelve.totals == [sum(100 - at for at in range(12)), 12]


def test_seven_series_are_shown_because_an_other_of_one_helps_nobody():
    assert len(chart(7).series) == 7
    assert "Other" not in chart(7).series[-1].name


def test_a_name_keeps_its_colour_when_others_are_filtered_away():
    everything = colours(NAMES[:6], ranking=NAMES)

    assert colours([NAMES[4]], ranking=NAMES)[NAMES[4]] == everything[NAMES[4]]


def test_a_name_outside_the_ranking_takes_a_colour_that_nobody_here_has():
    given = colours(["newcomer", NAMES[0]], ranking=NAMES)

    assert given[NAMES[0]] == 1
    assert given["newcomer"] == 2


def test_more_names_than_colours_share_the_colour_of_other():
    assert list(colours(NAMES).values())[8:] == [OTHER_COLOUR] * 4


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        ("0", "603.12", ["$0", "$200", "$400", "$600", "$800"]),
        ("0", "0.000384", ["$0", "$0.0001", "$0.0002", "$0.0003", "$0.0004"]),
        ("0", "9.2", ["$0", "$2.50", "$5.00", "$7.50", "$10.00"]),
        ("0", "45000", ["$0", "$20K", "$40K", "$60K"]),
        ("0", "3900000", ["$0", "$1M", "$2M", "$3M", "$4M"]),
        ("-120", "113", ["\N{MINUS SIGN}$100", "$0", "$100", "$200"]),
    ],
)
def test_ticks_are_round_and_hold_every_value(low: str, high: str, labels: list[str]):
    scale = axis(Decimal(low), Decimal(high), whole=False)

    assert tick_labels(scale, "usd") == labels
    assert scale.low <= Decimal(low)
    assert scale.high >= Decimal(high)


def test_a_small_credit_needs_no_whole_step_below_zero():
    scale = axis(Decimal(-12), Decimal(342), whole=False)

    assert scale.low == -25
    assert tick_labels(scale, "usd") == ["$0", "$100", "$200", "$300", "$400"]


def test_counts_have_no_half_ticks():
    assert tick_labels(axis(Decimal(0), Decimal(3), whole=True), "count") == ["0", "1", "2", "3"]


def test_a_chart_of_nothing_is_empty_and_still_has_an_axis():
    bare = stacked("spend", "Spend", [Slot("1 Nov")], [])

    assert bare.is_empty
    assert tick_labels(bare.axis, "usd", bare=True) == ["$0", "", "", "", ""]
    assert bare.states == set()


def test_the_payload_draws_and_leaves_words_to_the_table():
    payload = chart(2).payload

    assert payload["states"] == ["", "unsettled"]
    assert payload["series"] == [{"colour": 1, "values": [100.0, 1.0]}, {"colour": 2, "values": [99.0, 1.0]}]
    assert (payload["low"], payload["high"]) == (0, 200)


def test_a_composition_is_ranked_with_shares_of_the_whole():
    rows = rank([Part(name, name, Decimal(12 - at)) for at, name in enumerate(NAMES)])

    assert [row.name for row in rows][:2] == NAMES[:2]
    assert rows[-1].name == "Other (6)"
    assert sum(row.share or 0 for row in rows) == pytest.approx(1)
    assert rows[0].width == f"{Decimal(12) / 21 * 100:.2f}"


def test_a_composition_of_nothing_has_no_shares():
    assert rank([]) == []
    assert rank([Part("a", "A", Decimal(0))])[0].share is None

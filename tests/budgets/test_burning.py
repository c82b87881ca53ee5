"""A burn-down as it is drawn: points, heights and words."""

from datetime import date, timedelta
from decimal import Decimal

from budgets.burning import BurnDown
from budgets.forecasting import Heading

DAYS = [date(2026, 11, 2) + timedelta(days=n) for n in range(4)]


def burning(*used: str, course: tuple[tuple[str, str, str], ...] = (), thresholds: tuple[int, ...] = (80, 100, 150)):
    """Of 100 dollars; the last day of `used` is today, from which on `course` goes."""
    today = len(used) - 1
    return BurnDown(
        days=DAYS,
        used=dict(zip(DAYS, map(Decimal, used), strict=False)),
        limit=Decimal(100),
        thresholds=thresholds,
        course={DAYS[today + n]: Heading(*map(Decimal, each), days=9) for n, each in enumerate(course)},
        today=DAYS[today],
        unit="usd",
    )


def test_what_is_left_goes_down_from_the_limit_day_by_day():
    burn = burning("10", "40")

    assert burn.left == [90, 50]
    assert burn.actual == "M0 0.0L100 100.0L200 500.0"
    assert [mark.label for mark in burn.lines] == ["80%"]
    assert burn.lines[0].at == "20.00"
    assert burn.used_up == "0.00"


def test_what_is_foreseen_sets_out_from_yesterday_and_its_band_opens():
    burn = burning("10", "10", course=(("20", "25", "30"), ("30", "45", "70"), ("40", "60", "100")))

    assert burn.foreseen == "M100 100.0L200 250.0L300 450.0L400 600.0"
    assert burn.band == "M100 100.0L200 200.0L300 300.0L400 400.0L400 1000.0L300 700.0L200 300.0Z"


def test_more_than_there_was_is_drawn_below_zero_and_a_wide_band_squeezes_nothing():
    over = burning("10", "130")
    assert (over.left, over.axis.low) == ([90, -40], -50)
    assert over.used_up == "33.33"

    ahead = burning("10", "130", course=(("140", "200", "300"),))
    assert ahead.axis.low == -125  # three times as far as it is by now, at most
    wide = burning("10", "10", course=(("20", "30", "9000"),))
    assert wide.axis.low == -100
    assert wide.band.endswith("L200 1000.0Z")


def test_each_day_says_what_is_left_or_foreseen():
    burn = burning("10", "10.5", course=(("20", "25", "30"), ("30", "45", "120")))

    said = [row.sentence for row in burn.rows]

    assert said == [
        "Mon 2 Nov: $90.00 left",
        "Tue 3 Nov: $79.50 left so far",
        "Wed 4 Nov: $55.00 left as foreseen, in four of five cases \N{MINUS SIGN}$20.00 to $70.00",
    ]
    assert [at for at, _ in burn.columns] == ["0.000", "25.000", "50.000"]

"""How figures are written for people."""

from decimal import Decimal

import pytest

from tokentra.lib import money


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("4832.47", "$4,832.47"),
        ("0", "$0.00"),
        ("0.01", "$0.01"),
        ("0.0064", "$0.0064"),
        ("0.00999", "$0.01"),
        ("0.000001234", "$0.0000012"),
        ("999999.99", "$999,999.99"),
        ("999999.996", "$1.00M"),
        ("1240000.47", "$1.24M"),
        ("123456789", "$123M"),
        ("9999999999.99", "$10.0B"),
        ("-5", "\N{MINUS SIGN}$5.00"),
        ("-0.0064", "\N{MINUS SIGN}$0.0064"),
    ],
)
def test_dollars_have_cents_below_a_million_and_two_digits_below_a_cent(value: str, text: str):
    assert money.dollars(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.0064123000", "$0.0064123"),
        ("4832.470000", "$4,832.47"),
        ("5", "$5.00"),
        ("1240000.4711", "$1,240,000.4711"),
        ("-0.5", "\N{MINUS SIGN}$0.50"),
    ],
)
def test_b62_exact_dollars_keep_every_digit_and_at_least_the_cents(value: str, text: str):
    assert money.exact_dollars(Decimal(value)) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (9_999, "9,999"),
        (45_231, "45.2K"),
        (999_950, "1.00M"),
        (12_345_678, "12.3M"),
        (124_000_000, "124M"),
        (5_000_000_000_000, "5.00T"),
    ],
)
def test_tokens_have_three_significant_digits_from_ten_thousand_on(value: int, text: str):
    assert money.tokens(value) == text


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        ("0.68", "68%"),
        ("0.0999", "10%"),
        ("0.0451", "4.5%"),
        ("0.0004", "<0.1%"),
        ("0", "0%"),
        ("12.34", "1,234%"),
        ("0.9949", "99%"),
        ("0.9980", "99.8%"),
        ("0.9996", ">99.9%"),
        ("1", "100%"),
        ("1.004", "100%"),
        ("-0.12", "\N{MINUS SIGN}12%"),
    ],
)
def test_a_share_is_never_a_false_zero_nor_a_false_hundred(ratio: str, text: str):
    assert money.percent(Decimal(ratio)) == text


def test_what_is_not_there_is_a_dash_and_never_zero():
    for write in (money.dollars, money.exact_dollars, money.tokens, money.exact, money.percent):
        assert write(None) == money.DASH


def test_other_currencies_wear_their_code():
    assert money.money(Decimal("12.3"), "EUR") == "12.30 EUR"
    assert money.money(Decimal("12.3")) == "$12.30"

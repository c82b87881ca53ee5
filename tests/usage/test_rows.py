from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.usage.accounts_of import billed, used
from usage.rows import Ledger, Tokens, UsageRow

OTHERS: dict[str, Any] = {
    "ledger": Ledger.MEASURED,
    "endpoint": "usage.embeddings",
    "start": datetime(2026, 11, 10, 10, tzinfo=UTC),
    "seconds": 60,
    "provider": "anthropic",
    "model": "o3",
    "project": "proj_x",
    "api_key": "key_x",
    "user": "user_x",
    "service_tier": "flex",
    "batch": True,
    "context_window": "0-200k",
    "line_item": "o3, input",
    "kind": "unit",
    "currency": "EUR",
    "extra": (("inference_geo", "us"),),
}
AMOUNTS: dict[str, Any] = {
    "tokens": Tokens(output=7),
    "units": (("web_search", Decimal(2)),),
    "requests": None,
    "amount": Decimal("1.5"),
}


def test_every_field_is_either_identity_or_amount():
    assert {*OTHERS, *AMOUNTS} == set(UsageRow.__dataclass_fields__)


@pytest.mark.parametrize("name", OTHERS)
def test_another_dimension_is_another_row(name: str):
    row = used()

    assert replace(row, **{name: OTHERS[name]}).key() != row.key()


@pytest.mark.parametrize("name", AMOUNTS)
def test_another_amount_is_the_same_row(name: str):
    row = used()

    assert replace(row, **{name: AMOUNTS[name]}).key() == row.key()


def test_the_same_bucket_of_two_connections_is_two_rows():
    one, other = uuid4(), uuid4()

    assert used().key(one) != used().key(other)
    assert used().key(one) == used().key(one)


def test_a_key_does_not_depend_on_the_process_that_makes_it():
    assert used().key(UUID(int=1)) == UUID("f714d559-ed4d-8694-9a85-69e58d6b683d")


def test_the_order_of_further_dimensions_says_nothing():
    one, other = ("geo", "us"), ("product", "api")

    assert used(extra=(one, other)).key() == used(extra=(other, one)).key()


def test_rows_are_added_by_class_and_unit():
    both = used(tokens=Tokens(input=2, output=3, reasoning=1), units=(("images", Decimal(1)),)).plus(
        used(tokens=Tokens(input=5, audio_in=1), units=(("images", Decimal(2)), ("seconds", Decimal("0.5"))))
    )

    assert both.tokens == Tokens(input=7, output=3, audio_in=1, reasoning=1)
    assert dict(both.units) == {"images": Decimal(3), "seconds": Decimal("0.5")}


@pytest.mark.parametrize(("one", "other", "together"), [(1, 2, 3), (None, 2, 2), (2, None, 2), (None, None, None)])
def test_what_is_unknown_adds_nothing(one, other, together):
    assert used(requests=one).plus(used(requests=other)).requests == together


def test_reasoning_is_a_part_of_output_and_not_added_to_it():
    assert Tokens(output=10, reasoning=4).total == 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"start": datetime(2026, 11, 10)},  # noqa: DTZ001  # this is what must be refused
        {"start": datetime(2026, 11, 10, tzinfo=timezone(timedelta(hours=1)))},
        {"seconds": 0},
        {"amount": Decimal("NaN")},
        {"amount": Decimal("-Infinity")},
        {"kind": "fee"},
    ],
)
def test_a_row_that_makes_no_sense_cannot_be_made(wrong: dict[str, Any]):
    with pytest.raises(ValueError, match="UsageRow"):
        replace(billed("1"), **wrong)

"""Columns come to the database as they were, whatever stands in a text."""

from datetime import UTC, date, datetime
from decimal import Decimal
from json import loads

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from tests.usage.measuring.conftest import event
from usage.measuring.arrays import array, counts, documents

LETTERS = [
    "",
    "NULL",
    "null",
    "{",
    "}",
    ",",
    '"',
    "\\",
    "\\\\",
    '\\"',
    "\\n",
    "\n",
    "\t",
    "\r\n",
    "\x01\x1f\x7f",
    " a ",
    "ä",
    "😀",
    "\u2028",
]
TEXTS = st.lists(
    st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8), min_size=1
)


def read(written, kind):
    """What the database finds in it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM unnest(%s::{kind}[])", [written.decode()])
        return [value for (value,) in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.parametrize("text", LETTERS)
def test_a_text_comes_as_it_was(text):
    column = [None, text, f"{text}a{text}", "plain"]

    assert read(array(column), "text") == column
    assert [told and loads(told) for told in read(documents([None, {text or "empty": text}]), "jsonb")] == [
        None,
        {text or "empty": text},
    ]


@pytest.mark.django_db
@given(column=TEXTS)
def test_texts_come_as_they_were(column):
    written = array(column)

    assert (written is None) == (set(column) == {None})
    assert written is None or read(written, "text") == column


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("bigint", [1, None, 2**63 - 1, 0]),
        ("numeric", [Decimal("0.000000000001"), None, Decimal("123456789012.5"), Decimal("1E+3")]),
        ("boolean", [True, None, False]),
        ("date", [date(2026, 11, 29), None]),
        ("timestamptz", [datetime(2026, 11, 29, 12, 0, 0, 123456, tzinfo=UTC), None]),
    ],
)
def test_other_values_come_as_they_were(kind, column):
    assert read(array(column), kind) == column


@pytest.mark.parametrize("column", [[None], [None] * 3])
def test_what_tells_nothing_is_null(column):
    assert (array(column), documents(column)) == (None, None)


@pytest.mark.parametrize(("column", "written"), [([0, 0], None), ([0, 3], b"{null,3}"), ([1, 2], b"{1,2}")])
def test_counts_of_zero_tell_nothing(column, written):
    assert counts(column) == written


@pytest.mark.django_db
def test_what_is_sent_again_says_the_same(send, held):
    said = [event(id=f"letters {place}", feature=text, tags={"a": text}) for place, text in enumerate(LETTERS)]

    assert (send(*said).accepted, send(*said).duplicates, len(held())) == (len(LETTERS),) * 3

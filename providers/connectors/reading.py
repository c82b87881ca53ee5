"""Reads single values out of a provider's answer, and says which rows are senseless. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import Any

from providers.connectors.base import ConnectorError, Outcome

MOST_TOKENS = 2**63 - 1
LONGEST_TEXT = 256
WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)
LARGEST = Decimal(10) ** 20
PLACES = Decimal(1).scaleb(-18)
EARLIEST = re.compile(
    r"(?i)(?:earliest|not be before|not before|(?:no|not be|not) earlier than|on or after)\b[^.;]{0,60}?"
    r"(?<!\d)(20\d\d-[01]\d-[0-3]\d)(?!\d)"
)


class BadRow(ConnectorError):
    """A row that makes no sense; its text says why, for the list. Outside of a row it ends the call."""

    def __init__(self, why: str) -> None:
        super().__init__(Outcome.UNEXPECTED, f"The provider gave an unexpected answer: {why}.")
        self.why = why

    def __str__(self) -> str:
        return self.why


def count(row: Mapping[str, Any], name: str) -> int:
    """A whole number from zero on; absent and null are zero."""
    value = row.get(name)
    if value is None:
        return 0
    if isinstance(value, Decimal) and value.is_finite() and abs(value) < LARGEST and value == int(value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRow(f"{name} is not a whole number")
    if not 0 <= value <= MOST_TOKENS:
        raise BadRow(f"{name} is {'negative' if value < 0 else 'impossibly large'}")
    return value


def optional_count(row: Mapping[str, Any], name: str) -> int | None:
    return None if row.get(name) is None else count(row, name)


def quantity(row: Mapping[str, Any], name: str) -> Decimal | None:
    """Any finite number, also as text; None when it is absent."""
    value = row.get(name)
    return None if value is None else _decimal(value, name)


def amount(value: object, *, shift: int = 0) -> Decimal:
    """Money as it was sent, moved by `shift` decimal places, exact to the 18 that we store; null is zero."""
    if value is None:
        return Decimal(0)
    moved = WIDE.scaleb(_decimal(value, "amount"), shift)
    return moved.quantize(PLACES, context=WIDE) if _places(moved) > 18 else moved


def currency(value: object) -> str:
    if value is None or value == "":
        return "USD"
    if not isinstance(value, str) or len(value) != 3 or not value.isascii() or not value.isalpha():
        raise BadRow("the currency is not one")
    return value.upper()


def text(row: Mapping[str, Any], name: str) -> str:
    """A label; "" for null and absent. Numbers and truths become text, so that nothing unknown is lost."""
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, str) and value.isascii() and len(value) <= LONGEST_TEXT and "\0" not in value:
        return value  # nearly all of a million labels
    if isinstance(value, (dict, list)):
        raise BadRow(f"{name} is not a text")
    clean = str(value).replace("\0", "\ufffd").encode(errors="replace").decode()
    return clean if len(clean) <= LONGEST_TEXT else clean[: LONGEST_TEXT - 1] + "…"


def flag(row: Mapping[str, Any], name: str) -> bool:
    return row.get(name) in (True, "true", "True")


def unix_time(row: Mapping[str, Any], name: str) -> datetime:
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRow(f"{name} is not a time")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise BadRow(f"{name} is not a time") from None


def iso_time(row: Mapping[str, Any], name: str) -> datetime:
    value = row.get(name)
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        at = None
    if at is None:
        raise BadRow(f"{name} is not a time")
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def moments(start: datetime, end: datetime, *, seconds: int) -> list[datetime]:
    """The starts of all buckets of a window."""
    step = timedelta(seconds=seconds)
    return [start + number * step for number in range(max((end - start) // step, 0))]


def day_after(now: datetime) -> datetime:
    """The UTC midnight that follows; nothing after it can have been used yet."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def earliest_in(said: str) -> date | None:
    """The first day that a refusal names as such; any other date may be the one that we asked for."""
    found = EARLIEST.search(said)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def _decimal(value: object, name: str) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, (str, int, Decimal)) and not isinstance(value, bool) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite():
        raise BadRow(f"{name} is not a number")
    if abs(number) >= LARGEST:
        raise BadRow(f"{name} is impossibly large")
    return number if number else Decimal(0)


def _places(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0

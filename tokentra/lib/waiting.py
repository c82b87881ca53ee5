"""How long a server asks to be left alone, in whichever way it says so."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_WAIT = timedelta(hours=1)


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> timedelta | None:
    """How long we are asked to wait, in milliseconds, seconds or by a date or reset time; at most an hour.

    A date is compared with the clock of the server that sent it, as far as it tells what that says.
    """
    now = now or _date(headers.get("date", "")) or datetime.now(UTC)
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(ValueError, OverflowError):
            return _bounded(timedelta(seconds=float(headers.get(name, "")) * unit))
    for name in ("retry-after", "anthropic-ratelimit-requests-reset"):
        if at := _date(headers.get(name, "")):
            return _bounded(at - now)
    return None


def _date(text: str) -> datetime | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(ValueError, TypeError, OverflowError):
            at = parse(text)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None


def _bounded(wait: timedelta) -> timedelta:
    return min(max(wait, timedelta(0)), LONGEST_WAIT)

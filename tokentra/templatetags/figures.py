"""Filters that write figures and moments for people."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tokentra.lib import money

register = template.Library()


def for_people(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """A figure that is not there stays a dash, also when the template does not know the variable."""
    return lambda value: write(None if value == "" else value)


for name in ("dollars", "exact_dollars", "tokens", "exact", "percent", "duration"):
    register.filter(name, for_people(getattr(money, name)))


@register.filter
def in_currency(amount: Any, currency: str) -> str:
    return money.money(amount, currency)


@register.filter
def ago(moment: datetime | None) -> str:
    """`3 minutes ago`, `in 2 hours`: one unit, rounded down; the exact time belongs in `{% local_time %}`."""
    if not moment:
        return money.DASH
    seconds = (timezone.now() - moment).total_seconds()
    size = abs(seconds)
    if size < 45:
        return "just now" if seconds >= 0 else "in a moment"
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if size >= length or unit == "minute":
            count = max(1, int(size // length))
            break
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{words} ago" if seconds >= 0 else f"in {words}"


@register.filter
def day(value: date | None) -> str:
    """`18 Nov`, with the year when it is another one."""
    if not value:
        return money.DASH
    this_year = value.year == timezone.now().year
    return f"{value.day} {value:%b}" if this_year else f"{value.day} {value:%b %Y}"


@register.simple_tag
def local_time(moment: datetime | None, style: str = "datetime") -> SafeString | str:
    """A moment in UTC, which the browser rewrites to the person's zone: datetime, time, date or ago."""
    if moment is None:
        return money.DASH
    moment = moment.astimezone(UTC)
    whole = f"{moment.day} {moment:%b %Y, %H:%M} UTC"
    time = f"{moment:%H:%M} UTC"
    shown = {"time": time, "date": day(moment), "ago": ago(moment)}.get(style, f"{day(moment)}, {time}")
    return format_html(
        '<local-time data-style="{}"><time datetime="{}" title="{}">{}</time></local-time>',
        style,
        moment.isoformat(timespec="seconds"),
        whole,
        shown,
    )

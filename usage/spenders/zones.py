"""What a page says of days that are not, or not yet, those of the organization's zone."""

from datetime import date

from accounts.models import Organization
from usage.spenders.spans import Span
from usage.zone_changes import ZoneChange


def note(organization: Organization, span: Span) -> str:
    """As far as it is so of the days of a span; read inside the organization's scope."""
    changes = list(ZoneChange.objects.owned_by(organization).order_by("first_day", "pk"))
    stayed = [(each, each.first_day) for each in changes if each.first_day]
    begins = [None, *(first_day for _, first_day in stayed)]
    sentences = [
        former(change, since, first_day)
        for since, (change, first_day) in zip(begins, stayed, strict=False)
        if since != first_day and span.first_day < first_day
    ]
    return " ".join([*sentences, *(under_way(each, span) for each in changes if each.due_at)]).strip()


def former(change: ZoneChange, since: date | None, end: date) -> str:
    days = f"Days before {said(end)}" if since is None else f"Days from {said(since)} to before {said(end)}"
    return f"{days} are those of {place(change.former)}: their single calls were no longer kept when the zone changed."


def under_way(change: ZoneChange, span: Span) -> str:
    was = f"The time zone was changed from {place(change.former)} to {place(change.zone)}."
    if change.next_day is None:
        return f"{was} Days become those of the new zone in a moment, the newest first."
    if span.first_day > change.next_day:
        return ""
    return (
        f"{was} Days up to {said(change.next_day)} are still those of the former zone; they follow, the newest first."
    )


def place(zone: str) -> str:
    return zone.replace("_", " ")


def said(day: date) -> str:
    return f"{day:%-d %b %Y}"

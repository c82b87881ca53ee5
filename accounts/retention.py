"""For how long events are kept one by one: each organization says, and what may still be sent is always kept."""

from datetime import date, timedelta

from django.conf import settings

WEEK = timedelta(days=7)


def kept_from(today: date, event_days: int) -> date:
    """The first UTC day whose events are kept. What may still be sent is kept for as long as it may be."""
    return today - max(timedelta(days=event_days), settings.OLDEST_EVENT + WEEK)

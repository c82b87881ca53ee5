"""How fine sums by hour are. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)


def grain(zone: ZoneInfo, now: datetime) -> timedelta:
    """Hours, or quarters of one while the zone is not whole hours away from UTC (decisions.md 3)."""
    offset = now.astimezone(zone).utcoffset() or timedelta(0)
    return QUARTER if offset % HOUR else HOUR

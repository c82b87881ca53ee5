"""When a person hears of something: not in their quiet hours, and once a day if they want a digest. Pure."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def is_quiet(at: time, quiet_from: time | None, quiet_until: time | None) -> bool:
    """Whether a time of day lies in quiet hours, which may go over midnight; equal ends are no hours at all."""
    if quiet_from is None or quiet_until is None or quiet_from == quiet_until:
        return False
    if quiet_from < quiet_until:
        return quiet_from <= at < quiet_until
    return at >= quiet_from or at < quiet_until


def after_quiet(now: datetime, zone: ZoneInfo, quiet_from: time | None, quiet_until: time | None) -> datetime:
    """Now, or the end of the quiet hours that now lies in."""
    local = now.astimezone(zone)
    if quiet_until is None or not is_quiet(local.time(), quiet_from, quiet_until):
        return now
    return next_at(now, zone, quiet_until)


def next_at(now: datetime, zone: ZoneInfo, at: time) -> datetime:
    """The next moment at which the zone's clocks show this time; where they jump over it, just after."""
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, at, zone).astimezone(now.tzinfo)
        if moment > now:
            return moment
        day += DAY

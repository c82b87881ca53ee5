"""When somebody is written to who is stuck, or whose trial ends. Pure: no Django, the clock is an argument."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
GUIDED_FOR = timedelta(days=14)  # who is stuck for longer is left alone
MORNING, EVENING = 8, 20


class Letter(StrEnum):
    """Each is written to a person once for each of their organizations, in this order."""

    NO_PROVIDER = "no_provider"
    NO_DATA = "no_data"
    TRIAL_3_DAYS = "trial_3_days"
    TRIAL_1_DAY = "trial_1_day"


GUIDANCE = (Letter.NO_PROVIDER, Letter.NO_DATA)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person and their organization stand at one moment, as far as letters depend on it."""

    joined_at: datetime
    can_connect: bool = False
    takes_guidance: bool = False  # their address is proved and they have not switched such letters off
    connected_at: datetime | None = None  # of the oldest connection that is not disconnected
    has_data: bool = False
    trial_ends_at: datetime | None = None  # for those who decide about the plan
    hears_of_trial: bool = False
    written: Mapping[Letter, datetime] = field(default_factory=dict)

    def takes(self, letter: Letter) -> bool:
        return self.takes_guidance if letter in GUIDANCE else self.hears_of_trial


def span(letter: Letter, standing: Standing) -> tuple[datetime, datetime] | None:
    """From when until when a letter has its place; None when there is no occasion for it, or it was written."""
    if letter in standing.written:
        return None
    if letter in GUIDANCE:
        begins = stuck_since(letter, standing)
        return (begins, standing.joined_at + GUIDED_FOR) if begins else None
    if standing.trial_ends_at is None:
        return None
    ends = standing.trial_ends_at
    return (ends - 3 * DAY, ends - DAY) if letter is Letter.TRIAL_3_DAYS else (ends - DAY, ends)


def stuck_since(letter: Letter, standing: Standing) -> datetime | None:
    """No provider after a day; no data after two, a day after connecting and a day after the letter before."""
    if not standing.can_connect or standing.has_data:
        return None
    if letter is Letter.NO_PROVIDER:
        is_past = standing.connected_at or Letter.NO_DATA in standing.written  # the later letter says it as well
        return None if is_past else standing.joined_at + DAY
    before = [standing.connected_at, standing.written.get(Letter.NO_PROVIDER)]
    return max([standing.joined_at + 2 * DAY, *(at + DAY for at in before if at)])


def due(standing: Standing, now: datetime) -> Letter | None:
    """The letter that is written now."""
    for letter in Letter:
        place = span(letter, standing)
        if place and place[0] <= now < place[1] and standing.takes(letter):
            return letter
    return None


def is_still_due(letter: Letter, standing: Standing, now: datetime) -> bool:
    """Whether a letter that was written, and could not be sent until now, would be written now."""
    others = {each: at for each, at in standing.written.items() if each is not letter}
    place = span(letter, replace(standing, written=others))
    return bool(place and place[0] <= now < place[1]) and standing.takes(letter)


def next_look(standing: Standing, now: datetime) -> datetime | None:
    """When something may be due next; a letter that is not taken now is thought of again a day later."""
    places = [place for letter in Letter if (place := span(letter, standing)) and now < place[1]]
    return min((begins if begins > now else now + DAY for begins, _ in places), default=None)


def daytime(now: datetime, zone: str) -> datetime:
    """This moment between eight and eight there, else the next morning."""
    local = now.astimezone(ZoneInfo(zone))
    if MORNING <= local.hour < EVENING:
        return now
    morning = local.replace(hour=MORNING, minute=0, second=0, microsecond=0, fold=0)
    return (morning if local.hour < MORNING else morning + DAY).astimezone(UTC)

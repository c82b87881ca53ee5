"""What the days to come will probably cost, with a band that says how sure that is. Pure.

Habit (weekdays) is taken out, what is left is followed as a level that forgets single odd days and believes
lasting changes, and its drift is carried on, damped. How wide the band is comes from how far the same rule was
off on the days that are known, and from what is usual where those are few.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import median

from budgets.rules import weekdays
from budgets.rules.weekdays import WEEK

FEWEST_DAYS = 3  # of which one has to cost something; before that nothing is known
LONGEST = 120  # days that are looked at
FOLLOWS, FOLLOWS_CHANGE = 0.14, 0.7  # how much of what is new the level believes each day
ODD = 2.5  # how many usual deviations one day may pull the level
LASTING = 4  # that many odd days in a row are a change
DRIFTS, STEEPEST = 0.03, 0.05  # how much of each day's change the drift believes, and the steepest that it hears
DAMPED = 0.85  # what is left of the drift a day later
USUAL_NOISE, LEAST_NOISE, NOISE_FOLLOWS = 0.25, 0.03, 0.08
NORMAL = 1.2533  # from a mean deviation to a standard one
EIGHTY = 1.2816  # standard deviations on either side of the middle, for four fifths
PRIOR_ERRORS = 10.0  # weight of what is usual, in days of one's own experience
OVERLAP = 0.3  # forecasts of neighbouring days share most of their luck
ORIGINS = 70  # days ago from which on one's own errors count
LEVEL_DOUBT, CHANGE_A_DAY = 0.2, 0.03


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the days to come add up to: as likely above `mid` as below; in four of five cases within the band."""

    low: Decimal
    mid: Decimal
    high: Decimal
    days: int  # how many known days it rests on


def forecast(daily: Sequence[Decimal], *, days_left: int, first_weekday: int) -> Forecast | None:
    """The sum of the `days_left` days that follow on `daily`, which are whole days in order without a gap.

    `first_weekday` is that of the first of `daily`, 0 for Monday. What has been spent already is not in it:
    the end of a month is what it cost until yesterday plus this. None when too little is known to say anything.
    """
    known = daily[-LONGEST:]
    first_weekday = (first_weekday + len(daily) - len(known)) % WEEK
    if len(known) < FEWEST_DAYS or not any(known):
        return None
    if days_left <= 0:
        return Forecast(Decimal(0), Decimal(0), Decimal(0), len(known))
    days = [max(float(amount), 0.0) for amount in known]
    by = weekdays.factors(days, first_weekday)
    path = followed(weekdays.adjusted(days, first_weekday, by))
    ahead = Ahead(days, path, by, first_weekday)
    mid = ahead.sum_from(len(days), days_left)
    centre, spread = ahead.errors(days_left)
    middle = mid * math.exp(centre)
    return Forecast(
        _money(middle * math.exp(-EIGHTY * spread)),
        _money(middle),
        _money(middle * math.exp(EIGHTY * spread)),
        len(known),
    )


@dataclass(frozen=True, slots=True)
class State:
    """What one knew at the end of a day: the ordinary day's cost, by how much it drifts a day, how noisy it is."""

    level: float
    drift: float
    noise: float


def followed(ordinary: Sequence[float]) -> list[State]:
    """The state before the first of these days, after it, and so on to the last."""
    level = median(ordinary[:WEEK]) or sum(ordinary[:WEEK]) / len(ordinary[:WEEK])
    state = State(level, 0.0, USUAL_NOISE)
    states, streak = [state], 0
    for amount in ordinary:
        off = amount / state.level - 1 if state.level > 0 else float(amount > 0)
        odd = ODD * state.noise
        side = (off > odd) - (off < -odd)
        streak = streak + side if side * streak > 0 else side
        state = moved(state, amount, off=off, odd=odd, lasts=abs(streak) >= LASTING)
        states.append(state)
    return states


def moved(state: State, amount: float, *, off: float, odd: float, lasts: bool) -> State:
    """After one more day: a single odd one pulls a little, one that repeats itself is believed."""
    pull = FOLLOWS_CHANGE * off if lasts else FOLLOWS * max(-odd, min(odd, off))
    level = state.level * (1 + pull) if state.level > 0 else amount * FOLLOWS_CHANGE
    noise = state.noise + NOISE_FOLLOWS * (min(abs(off), 2 * odd) * NORMAL - state.noise)
    change = math.log1p(max(-STEEPEST, min(STEEPEST, pull)))
    return State(level, state.drift + DRIFTS * (change - state.drift), max(noise, LEAST_NOISE))


@dataclass(frozen=True, slots=True)
class Ahead:
    """Looks forward from any of the known days."""

    days: Sequence[float]
    states: Sequence[State]
    by: Sequence[float]
    first_weekday: int

    def sum_from(self, place: int, length: int) -> float:
        """What the `length` days from `place` on would cost, as it was seen the evening before."""
        state = self.states[place]
        weekday = (self.first_weekday + place) % WEEK
        weeks, rest = divmod(length, WEEK)
        ordinary = weeks * sum(self.by) + sum(self.by[(weekday + ahead) % WEEK] for ahead in range(rest))
        return state.level * math.exp(state.drift * carried(length)) * ordinary

    def errors(self, length: int) -> tuple[float, float]:
        """The middle of the logarithm of what came to what was foreseen, and its spread."""
        count = len(self.days)
        foreseen = [
            math.log(came / seen)
            for place in range(max(WEEK, count - length - ORIGINS), count - length + 1)
            if (came := sum(self.days[place : place + length])) > 0 and (seen := self.sum_from(place, length)) > 0
        ]
        usual = usual_spread(self.states[-1].noise, length)
        weight = len(foreseen) / (1 + length * OVERLAP)
        own = quantile([abs(error) for error in foreseen], 0.8) / EIGHTY if foreseen else 0.0
        spread = math.sqrt((weight * own**2 + PRIOR_ERRORS * usual**2) / (weight + PRIOR_ERRORS))
        centre = weight / (weight + PRIOR_ERRORS) * median(foreseen) if foreseen else 0.0
        return centre, spread


def carried(length: int) -> float:
    """How many days' drift the middle of `length` days to come has behind it."""
    total = carry = 0.0
    for step in range(1, length + 1):
        carry += DAMPED**step
        total += carry
    return total / length


def usual_spread(noise: float, length: int) -> float:
    """How far off one is over a length: each day's luck evens out, what changes meanwhile does not."""
    return math.sqrt(noise**2 * (1 / length + LEVEL_DOUBT) + CHANGE_A_DAY**2 * length)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _money(value: float) -> Decimal:
    return Decimal(repr(value))

"""When something becomes useful: the facts it depends on, and the kinds of conditions over them. Pure: no Django."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

from accounts.plans import ORDER
from accounts.plans import Plan as Plans

DASHBOARD_VIEWS, SDK_REQUESTS = "dashboard_views", "sdk_requests"


@dataclass(frozen=True, slots=True)
class Facts:
    """What is true of an organization, and of one person in it, at one moment."""

    now: datetime
    since: datetime  # when the organization began
    ours: Mapping[str, datetime] = field(default_factory=dict)  # events that happened here, by anybody
    mine: Mapping[str, datetime] = field(default_factory=dict)  # events of this person
    counts: Mapping[str, int] = field(default_factory=dict)
    read_since: date | None = None  # the first day that a provider has told us of
    used_since: date | None = None  # the first day with any use on it
    plan: str = ORDER[0]
    plans_are_enforced: bool = False


class Condition(Protocol):
    @property
    def trigger(self) -> str:
        """What is stored beside an unlock."""

    def holds(self, facts: Facts) -> bool: ...


@dataclass(frozen=True, slots=True)
class Action:
    """Somebody here did it; colleagues need not do it again."""

    event: str

    @property
    def trigger(self) -> str:
        return self.event

    def holds(self, facts: Facts) -> bool:
        return self.event in facts.ours


@dataclass(frozen=True, slots=True)
class NotYet:
    """Nobody here did it."""

    event: str

    @property
    def trigger(self) -> str:
        return f"no {self.event}"

    def holds(self, facts: Facts) -> bool:
        return self.event not in facts.ours


@dataclass(frozen=True, slots=True)
class Either:
    """One of them is enough."""

    conditions: tuple["Condition", ...]

    @property
    def trigger(self) -> str:
        return " or ".join(each.trigger for each in self.conditions)

    def holds(self, facts: Facts) -> bool:
        return any(each.holds(facts) for each in self.conditions)

    def of_those(self, facts: Facts) -> "Condition":
        """The first that holds."""
        return next((each for each in self.conditions if each.holds(facts)), self)


@dataclass(frozen=True, slots=True)
class Count:
    metric: str
    threshold: int

    @property
    def trigger(self) -> str:
        return f"{self.metric} reached {self.threshold}"

    def holds(self, facts: Facts) -> bool:
        return facts.counts.get(self.metric, 0) >= self.threshold


@dataclass(frozen=True, slots=True)
class Days:
    """So many days of history were read, or have passed since sign-up; without any use neither says a thing."""

    days: int

    @property
    def trigger(self) -> str:
        return "a day of figures" if self.days == 1 else f"{self.days} days of figures"

    def holds(self, facts: Facts) -> bool:
        if facts.used_since is None:
            return False
        starts = [facts.since.astimezone(UTC).date(), facts.read_since or facts.used_since]
        return (facts.now.astimezone(UTC).date() - min(starts)).days >= self.days


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan includes it. While plans are not enforced `holds` is no news, so nothing is celebrated."""

    minimum: str

    @property
    def trigger(self) -> str:
        return f"plan {self.minimum}"

    def holds(self, facts: Facts) -> bool:
        return not facts.plans_are_enforced or ORDER.index(Plans(facts.plan)) >= ORDER.index(Plans(self.minimum))


def trigger_of(condition: Condition, facts: Facts) -> str:
    """What is stored beside an unlock: which of several it was."""
    return condition.of_those(facts).trigger if isinstance(condition, Either) else condition.trigger


def is_over(condition: Condition, facts: Facts) -> bool:
    """Whether the plan that included it has ended since, as after a trial."""
    return isinstance(condition, Plan) and not condition.holds(facts)


def is_news(condition: Condition, facts: Facts) -> bool:
    """Whether it holds because of something that happened, which can be recorded and celebrated."""
    return condition.holds(facts) and (facts.plans_are_enforced or not isinstance(condition, Plan))

"""What a rule has done since it was enabled: the feature's calls with either model, before and since. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from usage.routing.history import DAYS, Asked
from usage.routing.rule import RoutingRule
from usage.rules.families import undated
from usage.spenders.sums import Sums

FEWEST_CALLS = 100  # with a price, before and since: an average of fewer says little


@dataclass(frozen=True, slots=True)
class Effect:
    """`asked` and `used` are calls since with the one and the other model; `before` holds both models' calls."""

    since: date
    before: Sums
    asked: Sums
    used: Sums

    @property
    def after(self) -> Sums:
        return self.asked + self.used

    @property
    def is_enough(self) -> bool:
        return min(self.before.priced, self.after.priced) >= FEWEST_CALLS

    @property
    def change(self) -> Decimal | None:
        """Of the cost of a call: -0.4 is 40% less."""
        before, after = self.before.average, self.after.average
        return after / before - 1 if self.is_enough and before and after is not None else None

    @property
    def words(self) -> str:
        """Which way a call's cost went; its size stands beside it."""
        if self.change is None or self.change == 0:
            return "as before"
        return "less" if self.change < 0 else "more"

    @property
    def size(self) -> Decimal:
        return abs(self.change or Decimal(0))


def asked_of(rule: RoutingRule, enabled_on: date, today: date) -> tuple[Asked, Asked]:
    """The thirty days before the day on which it was enabled, and at most the last thirty after that mixed day."""
    window = timedelta(days=DAYS)
    since = max(enabled_on + timedelta(days=1), today - window + timedelta(days=1))
    return Asked(rule.feature, enabled_on - window, enabled_on), Asked(rule.feature, since, today + timedelta(days=1))


def effect_of(rule: RoutingRule, since: date, before: Mapping[str, Sums], after: Mapping[str, Sums]) -> Effect:
    model, use_model = f"{rule.provider}/{rule.model}", f"{rule.provider}/{rule.use_model}"
    both = of_model(before, model) + of_model(before, use_model)
    return Effect(since, both, of_model(after, model), of_model(after, use_model))


def of_model(held: Mapping[str, Sums], model: str) -> Sums:
    """Answers name a version where the program named none."""
    return sum((each for name, each in held.items() if model in (name, undated(name))), Sums())

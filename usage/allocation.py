"""Giving spend to cost centres: what has none yet, the rules, and the statement that they make."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import Organization, User
from accounts.plans import Feature
from tokentra.lib.periods import Period
from usage import stats
from usage.allocating import SPECIFIC, Rules, Statement, statement
from usage.allocation_rules import AllocationRule
from usage.figures import Figures, Question
from usage.forms import LABELS
from usage.names import Names

OFFERED = 20
BY = ("project", "api_key", "model")  # what people give to cost centres, as the page offers it


@dataclass(frozen=True, slots=True)
class Unallocated:
    """Spend of one project, key or model that no rule names."""

    dimension: str
    value: str
    name: str
    cost: Decimal
    share: Decimal | None


@dataclass(frozen=True, slots=True)
class RuleShown:
    rule: AllocationRule
    label: str
    name: str


class Allocation:
    """Everything of the page for one period, read inside the organization's scope in a handful of queries."""

    def __init__(self, organization: Organization, period: Period, *, by: str = "project") -> None:
        organization.require(Feature.EVERY_DIMENSION)
        self.organization, self.period = organization, period
        self.by = by if by in BY else "project"
        self.names = Names(organization)

    @cached_property
    def rules(self) -> list[AllocationRule]:
        return list(AllocationRule.objects.owned_by(self.organization).order_by("cost_center", "dimension", "value"))

    @cached_property
    def table(self) -> Rules:
        return {(rule.dimension, rule.value): rule.cost_center for rule in self.rules}

    @cached_property
    def named(self) -> dict[str, tuple[str, ...]]:
        """The values of each dimension that rules name."""
        named = {name: tuple(rule.value for rule in self.rules if rule.dimension == name) for name in SPECIFIC}
        return {name: values for name, values in named.items() if values}

    @cached_property
    def groups(self) -> list[Figures]:
        """What no rule names is told apart by nothing."""
        return list(stats.folded(self.organization, Question(self.period, tuple(self.named)), self.named))

    @cached_property
    def statement(self) -> Statement:
        return statement(self.groups, self.table)

    @cached_property
    def unallocated(self) -> list[Unallocated]:
        """What to give to a cost centre next, the dearest first. Spend that has no such id cannot be given by it."""
        without = self.named | {self.by: (*self.named.get(self.by, ()), "")}
        question = Question(self.period, (self.by,), order="-cost", without=without)
        [(dearest, _)] = stats.ranked(self.organization, question, most=OFFERED)
        whole = self.statement.total.cost
        return [
            Unallocated(
                self.by, key, self.names.shown(self.by, key), each.amount, each.amount / whole if whole else None
            )
            for each in dearest
            for key in each.keys
        ]

    @property
    def shown_rules(self) -> list[RuleShown]:
        return [
            RuleShown(rule, LABELS[rule.dimension], self.names.shown(rule.dimension, rule.value)) for rule in self.rules
        ]

    @property
    def centers(self) -> list[str]:
        return sorted({rule.cost_center for rule in self.rules}, key=str.casefold)


def for_file(organization: Organization, period: Period) -> Statement:
    """The statement of a month, to be a file. Raises NotInPlan."""
    organization.require(Feature.CSV)
    return Allocation(organization, period).statement


def allocate(organization: Organization, dimension: str, value: str, center: str, *, by: User, now: datetime) -> None:
    """Give a project, key, model or provider to a cost centre, inside the scope; a second time moves it.

    Raises NotInPlan.
    """
    organization.require(Feature.EVERY_DIMENSION)
    rule, is_new = AllocationRule.objects.update_or_create(
        organization=organization,
        dimension=dimension,
        value=value,
        defaults={"cost_center": center},
        create_defaults={"cost_center": center, "created_by": by, "created_at": now},
    )
    if is_new:
        journal.record(Event.ALLOCATION_RULE_CREATED, by, organization, dimension=dimension)
    audit.note("allocation_rule_set", organization, by, about=rule, dimension=dimension, value=value, center=center)


def release(rule: AllocationRule, *, by: User) -> None:
    """Take a rule away, inside the scope; its spend is unallocated again unless a wider rule names it."""
    told = {"dimension": rule.dimension, "value": rule.value, "center": rule.cost_center}
    audit.note("allocation_rule_removed", rule.organization, by, about=rule, **told)
    rule.delete()

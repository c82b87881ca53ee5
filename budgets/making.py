"""A budget is made, changed, archived and taken up again, inside the scope; each leaves a line in the audit log."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from accounts import audit, journal
from accounts.journal import Event
from accounts.models import Organization, User
from accounts.plans import Feature
from budgets import calls, looking, reach, scopes
from budgets.alerting import firing
from budgets.alerting.models import Alert, What
from budgets.models import Budget, Department, Ledger, Mode, Unit
from budgets.rules import thresholds
from budgets.rules.periods import Every
from tokentra.lib.problems import Problem
from usage.names import Names

MOST = 500  # active ones of an organization
UNTELLABLE = (
    "A call does not tell before it is billed that it counts here. Slow or refuse calls by provider and model, by "
    "project, by API key, or by what your code measured; or let this budget notify."
)
# periods that are kept and thresholds that were told hold for these alone
FIXED = ("ledger", "scope", "each", "department", "unit", "every", "anchor", "months")


@dataclass(frozen=True)
class Wanted:
    """What somebody says of a budget."""

    name: str
    amount: Decimal
    ledger: str = Ledger.COUNTED
    scope: Mapping[str, list[str]] = field(default_factory=dict)
    each: str = ""
    department: Department | None = None
    unit: str = Unit.USD
    every: str = Every.MONTH
    anchor: date | None = None
    months: int = 1
    thresholds: tuple[int, ...] = thresholds.DEFAULT
    forecast_at: int | None = None
    mode: str = Mode.NOTIFY

    @property
    def dimensions(self) -> set[str]:
        """All by which it is told apart."""
        of = {*self.scope, *([self.each] if self.each else [])}
        return of | {self.department.dimension} if self.department else of

    @property
    def columns(self) -> dict[str, Any]:
        """As the row has them: scopes in one form, so that equal ones are equal."""
        scope = {name: sorted(set(values)) for name, values in sorted(self.scope.items())}
        custom = self.every == Every.CUSTOM
        return {
            **{each.name: getattr(self, each.name) for each in fields(self)},
            "scope": scope,
            "anchor": self.anchor if custom else None,
            "months": self.months if custom else 1,
            "thresholds": sorted(set(self.thresholds)),
            "forecast_at": None if self.each or self.every == Every.DAY else self.forecast_at,
        }


def make(organization: Organization, wanted: Wanted, *, by: User | None, now: datetime, anyway: bool = False) -> Budget:
    """Raises a Problem for a scope that no table tells apart, or, unless `anyway`, that no figure ever had."""
    refuse_beyond_plan(organization, wanted.every)
    organization.lock()
    refuse_untellable(wanted)
    refuse_unreachable(organization, wanted, anyway=anyway)
    refuse_too_many(organization)
    budget = Budget.objects.create(
        organization=organization, **wanted.columns, created_by=by, created_at=now, changed_at=now
    )
    audit.note("budget_created", organization, by, about=budget, **told(budget))
    journal.record(Event.BUDGET_CREATED, by, organization, budget=str(budget.pk), period=budget.every)
    looking.look_soon(organization)
    return budget


def change(budget: Budget, wanted: Wanted, *, by: User | None, now: datetime, version: int) -> Budget:
    """Raises a Problem for another scope, unit or period, and where it was changed since `version` was read."""
    organization = budget.organization
    refuse_beyond_plan(organization, wanted.every)
    refuse_another(budget, wanted)
    refuse_untellable(wanted)
    looking.settle(budget, now)
    mine = Budget.objects.owned_by(organization).filter(pk=budget.pk, version=version)
    if not mine.update(**wanted.columns, changed_at=now, version=version + 1):
        sentence = "Somebody changed this budget meanwhile. Look at it again, then repeat your change."
        raise Problem(409, "changed_meanwhile", sentence)
    was = told(budget)
    budget.refresh_from_db()
    audit.note("budget_changed", organization, by, about=budget, **told(budget), was=was)
    looking.look_soon(organization)
    return budget


def refuse_beyond_plan(organization: Organization, every: str = Every.MONTH) -> None:
    """Raises NotInPlan. What was made on a larger plan goes on as it is: a ceiling never falls in silence."""
    organization.require(Feature.BUDGETS)
    if every != Every.MONTH:
        organization.require(Feature.EVERY_PERIOD)


def archive(budget: Budget, *, by: User | None, now: datetime) -> bool:
    """It keeps its past periods and is held against nothing any more; False where it was archived already."""
    mine = Budget.objects.owned_by(budget.organization).active().filter(pk=budget.pk)
    looking.settle(budget, now)
    if not mine.update(archived_at=now, changed_at=now):
        return False
    standing = Alert.objects.owned_by(budget.organization).standing().filter(crossing__budget=budget)
    for alert in standing:
        firing.resolve(alert, What.RESOLVED, "The budget was archived.", now=now, by=by)
    audit.note("budget_archived", budget.organization, by, about=budget, **told(budget))
    looking.look_soon(budget.organization)
    return True


def restore(budget: Budget, *, by: User | None, now: datetime) -> bool:
    """Raises a Problem where there are too many; periods that ended while it was archived stay out."""
    budget.organization.lock()
    mine = Budget.objects.owned_by(budget.organization).filter(pk=budget.pk, archived_at__isnull=False)
    if not mine.exists():
        return False
    refuse_beyond_plan(budget.organization, budget.every)
    refuse_too_many(budget.organization)
    mine.update(archived_at=None, restored_at=now, changed_at=now)
    audit.note("budget_restored", budget.organization, by, about=budget, **told(budget))
    looking.look_soon(budget.organization)
    return True


def refuse_untellable(wanted: Wanted) -> None:
    if wanted.mode != Mode.NOTIFY and not calls.can_be_told(wanted.ledger, wanted.dimensions):
        raise Problem(422, "invalid_field", UNTELLABLE, fields={"mode": [UNTELLABLE]})


def refuse_another(budget: Budget, wanted: Wanted) -> None:
    others = [name for name in FIXED if wanted.columns[name] != getattr(budget, name)]
    if others:
        sentence = "What a budget counts and when it begins anew stay. Archive it and create another."
        raise Problem(422, "another_budget", sentence, fields={name: [sentence] for name in others})


def refuse_too_many(organization: Organization) -> None:
    if Budget.objects.owned_by(organization).active().count() >= MOST:
        raise Problem(422, "too_many_budgets", f"An organization has up to {MOST} budgets. Archive one first.")


def refuse_unreachable(organization: Organization, wanted: Wanted, *, anyway: bool) -> None:
    try:
        scopes.where(wanted.ledger, wanted.dimensions)
    except scopes.BadScope as reason:
        raise Problem(422, "invalid_field", str(reason), fields={"scope": [str(reason)]}) from None
    missing = [] if anyway else reach.unknown(organization, wanted.ledger, wanted.scope)
    if missing:
        dimension, value = missing[0]
        shown = Names(organization).shown(dimension, value)
        sentence = (
            f"Nothing with the {scopes.label(dimension).lower()} “{shown}” has been used so far, so this budget would "
            "stay at zero. Check how it is written, or create it anyway."
        )
        raise Problem(422, "scope_never_matches", sentence, fields={"scope": [sentence]})


def told(budget: Budget) -> dict[str, Any]:
    return {
        "name": budget.name,
        "amount": f"{budget.amount.normalize():f}",
        "unit": budget.unit,
        "period": budget.every,
        "scope": budget.scope,
        "each": budget.each,
        "mode": budget.mode,
    }

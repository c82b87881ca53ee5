"""Everything that the page of routing says, read inside the organization's scope in a handful of queries."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property, partial
from zoneinfo import ZoneInfo

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from usage.ingest import overrides_of
from usage.names import provider_name
from usage.pricing import Pricer
from usage.routing import history
from usage.routing.effect import Effect, asked_of, effect_of
from usage.routing.rule import RoutingRule
from usage.rules.evidence import Price
from usage.rules.families import undated
from usage.rules.routing import Call, Comparison, FeatureUse, Proposal, compare, propose

SHOWN = 20


@dataclass(frozen=True)
class Proposed:
    """A proposal with its place on the page."""

    proposal: Proposal

    @property
    def title(self) -> str:
        call = self.proposal.call
        return f"{call.feature}: {self.proposal.use_model} for {call.model}"

    @property
    def line(self) -> str:
        call = self.proposal.call
        return f"{provider_name(call.provider)}, {money.dollars(self.proposal.cost)} in {history.DAYS} days"

    @property
    def confidence(self) -> str:
        return f"{self.proposal.confidence.capitalize()} confidence"

    @property
    def tokens_each(self) -> tuple[int, int]:
        """In and out, of a call on average."""
        tokens, calls = self.proposal.tokens, self.proposal.calls
        return (tokens.total - tokens.output) // calls, tokens.output // calls


@dataclass(frozen=True)
class RuleShown:
    rule: RoutingRule
    effect: Effect | None

    @property
    def provider(self) -> str:
        return provider_name(self.rule.provider)

    @property
    def basis(self) -> str:
        """What it was proposed on, in words."""
        told = self.rule.basis
        if not told:
            return "Made by hand"
        calls, cost = money.exact(int(told["calls"])), money.dollars(Decimal(told["cost"]))
        return f"Proposed on {calls} calls, {cost}"


class Board:
    def __init__(self, organization: Organization, now: datetime) -> None:
        self.organization, self.now = organization, now
        self.zone = ZoneInfo(organization.timezone)
        self.today = self.day_of(now)

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    @cached_property
    def uses(self) -> list[FeatureUse]:
        return history.uses(self.organization, self.today)

    @cached_property
    def rules(self) -> list[RoutingRule]:
        mine = RoutingRule.objects.owned_by(self.organization).select_related("changed_by")
        return list(mine.order_by("feature", "provider", "model"))

    @cached_property
    def price(self) -> Price:
        return partial(Pricer(overrides_of(self.organization.pk)).amount, at=self.now)

    @cached_property
    def all_proposals(self) -> list[Proposal]:
        """Those for which there is no rule yet; none where the plan has no recommendations."""
        if not self.organization.can(Feature.RECOMMENDATIONS):
            return []
        has = {Call(rule.feature, rule.provider, rule.model) for rule in self.rules}
        return [each for each in propose(self.uses, self.price) if each.call not in has]

    def comparison(self, call: Call, use_model: str) -> Comparison | None:
        return compare(replace(call, model=undated(call.model)), use_model, self.uses, self.price)

    @property
    def proposals(self) -> list[Proposed]:
        return [Proposed(each) for each in self.all_proposals[:SHOWN]]

    def basis_of(self, call: Call, use_model: str) -> dict[str, str]:
        """The figures behind a proposal, to be kept with its rule; nothing for a rule that was made by hand."""
        for each in self.all_proposals:
            if each.call == call and each.use_model == use_model:
                figures = {"cost": each.cost, "cost_then": each.cost_then, "low": each.low, "high": each.high}
                counts = {"calls": each.calls, "days": each.days, "tokens": each.tokens.total}
                told = {name: f"{value:f}" for name, value in figures.items()}
                told |= {name: str(value) for name, value in counts.items()}
                return told | {"until": self.today.isoformat(), "confidence": each.confidence}
        return {}

    @property
    def shown_rules(self) -> list[RuleShown]:
        asked = {
            rule.pk: asked_of(rule, self.day_of(rule.enabled_at), self.today) for rule in self.rules if rule.enabled_at
        }
        held = history.sums_by_model(self.organization, [each for both in asked.values() for each in both])
        effects = {
            rule.pk: effect_of(rule, after.first, held[before], held[after])
            for rule in self.rules
            if rule.pk in asked
            for before, after in [asked[rule.pk]]
        }
        return [RuleShown(rule, effects.get(rule.pk)) for rule in self.rules]

    def only_feature(self, provider: str, model: str) -> str:
        """The one whose calls ask for this model; "" where there are none, or several."""
        found = {use.call.feature for use in self.uses if (use.call.provider, use.call.model) == (provider, model)}
        return found.pop() if len(found) == 1 else ""

    @property
    def features(self) -> list[str]:
        return sorted({use.call.feature for use in self.uses})

    @property
    def providers(self) -> list[str]:
        return sorted({use.call.provider for use in self.uses} | {"openai", "anthropic"})

    @property
    def models(self) -> list[str]:
        return sorted({use.call.model for use in self.uses})

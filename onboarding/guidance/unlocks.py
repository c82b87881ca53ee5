"""Features that become useful with what an organization does, declared in the order in which that happens.

An unlock decides what is shown first, never what is allowed.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from accounts.journal import Event
from onboarding.guidance.conditions import SDK_REQUESTS, Action, Condition, Count, Days, Either, Facts, Plan, is_news


@dataclass(frozen=True, slots=True)
class Next:
    """Something to do with a feature; `view` is where. Whoever has one of the features `until` has done it."""

    label: str
    view: str
    until: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Feature:
    """`needs` completes "Becomes useful when …". The page of a feature with a `view` waits under "More" until then."""

    id: str
    name: str
    description: str
    icon: str
    condition: Condition
    needs: str
    celebration: str
    next_steps: tuple[Next, ...]
    view: str = ""
    until_then: str = ""  # what its page says before


FEATURES = (
    Feature(
        "basic_dashboard", "Cost dashboard", "What you spend on AI, at a glance", "chart-bar",
        Action(Event.SIGNUP_COMPLETED),
        needs="your organization exists",
        celebration="Your dashboard is ready!",
        next_steps=(
            Next(
                "Connect a provider to see your data", "providers:list",
                until=frozenset(("provider_insights", "cost_attribution")),  # the data of a provider, or of their code
            ),
        ),
    ),
    Feature(
        "provider_insights", "Provider insights", "Spend by provider, model, project and key", "plug-connected",
        Action(Event.PROVIDER_CONNECTION_COMPLETED),
        needs="a provider is connected",
        celebration="Provider connected! Its newest figures come first.",
        next_steps=(Next("Explore the Usage page", "usage:explorer"), Next("See how far reading is", "providers:list")),
    ),
    Feature(
        "cost_attribution", "Cost attribution", "Whose spend it is, by customer, feature and cost centre", "sitemap",
        Either((Action(Event.SDK_FIRST_REQUEST), Days(1))),  # a provider's projects and keys will do as well
        needs="your code has reported a call, or a day of your use is here",
        celebration="There is spend to attribute! Calls, projects and keys each say whose it is.",
        next_steps=(
            Next("Give spend to a cost centre", "usage:attribution"),
            Next("See costs by customer", "usage:customers"),
            Next("See costs by project and key", "usage:explorer"),
        ),
        view="usage:attribution",
        until_then="It gives the spend of projects, keys and models to cost centres, and makes a statement of each "
        "month that adds up exactly.",
    ),
    Feature(
        "smart_routing", "Smart routing", "Cheaper models for the calls that can do with one", "arrows-split-2",
        Count(SDK_REQUESTS, 1_000),
        needs="your code has reported 1,000 calls",
        celebration="Smart routing has enough of your calls to look at!",
        next_steps=(
            Next("Look at what is proposed", "usage:routing"),
            Next("See costs by feature", "usage:explorer_of_measured"),
        ),
        view="usage:routing",
        until_then="It looks for features whose short calls could go to a cheaper model, and keeps the rules that "
        "your programs follow when they opt in.",
    ),
    Feature(
        "optimization_engine", "Optimization", "Ways to spend less, with the evidence for each", "bulb",
        Days(7),
        needs="seven days of your use are here",
        celebration="Optimization has enough of your use to look at!",
        next_steps=(Next("Review suggestions", "usage:optimization"),),
        view="usage:optimization",
        until_then="Its rules look for patterns in your own calls: which models answer short questions, how often "
        "prompts repeat, what could wait for a batch.",
    ),
    Feature(
        "advanced_alerts", "Advanced alerts", "Days that are unlike their kind, and where a period is heading", "bell",
        Plan("pro"),
        needs="your plan includes it",
        celebration="Advanced alerting is now available!",
        next_steps=(
            Next("See what is watched for", "alerts:rules"),
            Next("Choose where alerts are sent", "alerts:channels"),
        ),
    ),
)  # fmt: skip
BY_ID = {feature.id: feature for feature in FEATURES}
BY_VIEW = {feature.view: feature for feature in FEATURES if feature.view}


def unlocked(facts: Facts, recorded: Collection[str], features: Iterable[Feature] = FEATURES) -> set[str]:
    """What is useful now: once recorded it stays, and what holds counts before it is recorded."""
    return {feature.id for feature in features if feature.id in recorded or feature.condition.holds(facts)}


def with_what_is_left(feature: Feature, has: Collection[str]) -> Feature:
    """Without the next steps that somebody who has these features took already."""
    return replace(feature, next_steps=tuple(step for step in feature.next_steps if step.until.isdisjoint(has)))


def news(facts: Facts, recorded: Collection[str], features: Iterable[Feature] = FEATURES) -> list[Feature]:
    """What has become useful since it was last looked at."""
    return [feature for feature in features if feature.id not in recorded and is_news(feature.condition, facts)]

"""Tours through a page, declared step by step. A step points at what carries its `data-tour` name. Pure: no Django."""

from dataclasses import dataclass

from accounts.journal import Event
from onboarding.guidance.conditions import Action, Condition, Facts


@dataclass(frozen=True, slots=True)
class Step:
    """A `wide` one points at what stands behind a menu on a phone, and is left out there."""

    id: str
    target: str
    title: str
    content: str
    side: str = "bottom"
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Tour:
    id: str
    name: str
    view: str
    offer: str
    steps: tuple[Step, ...]
    arguments: tuple[str, ...] = ()  # of the view's address
    condition: Condition | None = None  # none: as soon as there are figures
    needs: str = "It needs figures to point at. Connect a provider, or look around in the sample workspace."
    offered_as: str = "New here? Take the tour."

    def is_due(self, facts: Facts) -> bool:
        """Its steps are about figures, so there have to be some."""
        return facts.used_since is not None and (self.condition is None or self.condition.holds(facts))

    @property
    def step_ids(self) -> frozenset[str]:
        return frozenset(step.id for step in self.steps)


TOURS = (
    Tour(
        "dashboard_intro",
        "Tour of the dashboard",
        "usage:dashboard",
        "About a minute, and you can leave at any step.",
        (
            Step(
                "welcome", "page-head", "Welcome to TokenTra",
                "This page shows what your organization spends on AI. Here you see how complete the figures are, and "
                "choose their period.",
            ),
            Step(
                "total_spend", "total-spend", "Your spend",
                "All connected providers together. The chip says whether a figure is billed or computed, and “See the "
                "rows” leads to what is behind it.",
            ),
            Step(
                "spend_chart", "spend-chart", "Spend over time",
                "One bar for each day, split by model or provider. Point at a bar for its parts, or press it to see "
                "that day's rows.",
                side="top",
            ),
            Step(
                "model_breakdown", "cost-by-model", "Cost by model",
                "Which models your money goes to, the largest first. A name leads to its days.",
                side="top",
            ),
            Step(
                "navigation", "navigation", "Find your way",
                "Usage holds the rows behind every figure. Providers shows what is read of each account, and how far.",
                side="right",
            ),
            Step(
                "help", "help", "Help is here",
                "Take this tour again, bring back your checklist, or read how things work.",
                side="right", wide=True,
            ),
        ),
    ),
    Tour(
        "sdk_attribution",
        "Tour of attribution by your own code",
        "usage:measured",
        "Three steps: from calls that arrive to whose they are.",
        (
            Step(
                "intro", "dimensions", "Your calls arrive",
                "Your code reports each model call. Here their cost is added up by what they say: customer, feature, "
                "team, agent and more.",
            ),
            Step(
                "attribution_example", "attribution-example", "Say whose a call is",
                "A name on a call is all it takes. Calls without one are counted as nobody's.",
                side="top",
            ),
            Step(
                "view_breakdown", "attribution-breakdown", "See who causes it",
                "Each name stands here with its cost, calls and models, and has a page of its own.",
                side="top",
            ),
        ),
        arguments=("feature",),
        condition=Action(Event.SDK_FIRST_REQUEST),
        needs="It needs a call that your own code reported. Set up a program under Settings, API keys.",
        offered_as="Your code's calls are here.",
    ),
    Tour(
        "budgets_alerts",
        "Tour of budgets",
        "budgets:list",
        "Three steps: what a budget is, how to make one, when you hear of it.",
        (
            Step(
                "intro", "page-head", "Keep spend within bounds",
                "A budget says what a period may cost. It is held against the same figures as your dashboard.",
            ),
            Step(
                "create_budget", "create-budget", "Create your first budget",
                "A month of the whole organization takes a name and an amount. It can also be of a team, a customer, "
                "a model or any other value.",
            ),
            Step(
                "alert_thresholds", "alert-thresholds", "Hear of it in time",
                "At 50, 80 and 100 percent, or at percentages of your own, each once in a period.",
                side="top",
            ),
        ),
        offered_as="New to budgets?",
    ),
)  # fmt: skip
BY_ID = {tour.id: tour for tour in TOURS}

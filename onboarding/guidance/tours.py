"""Tours through a page, declared step by step. A step points at what carries its `data-tour` name. Pure: no Django."""

from dataclasses import dataclass


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
)  # fmt: skip
BY_ID = {tour.id: tour for tour in TOURS}

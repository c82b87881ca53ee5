"""Short hints beside the thing they explain, each shown when its condition holds and until it is dismissed."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from accounts.journal import Event
from onboarding.guidance.conditions import DASHBOARD_VIEWS, Action, Condition, Count, Facts, NotYet
from onboarding.guidance.unlocks import Next


@dataclass(frozen=True, slots=True)
class Tip:
    """`target` is a `data-tour` name on one of `views`. `until` makes it needless; without, only dismissing does.

    A tip that `counts_ways` says how many savings were found, and is not shown when there are none.
    """

    id: str
    target: str
    views: tuple[str, ...]
    title: str
    content: str
    condition: Condition | None = None  # none: from the first visit on
    feature: str = ""  # that has to be useful already
    until: Event | None = None
    link: Next | None = None
    counts_ways: bool = False


FIGURES = ("usage:dashboard", "usage:explorer")

TIPS = (
    Tip(
        "date_range_tip", "date-range", FIGURES, "Change the period",
        "Look at the last 7, 30 or 90 days, or at a range of your own.",
    ),
    Tip(
        "export_tip", "export", FIGURES, "Take the figures with you",
        "Export what this page shows as CSV, for your finance team or a spreadsheet.",
        condition=Count(DASHBOARD_VIEWS, 3),
    ),
    Tip(
        "add_attribution_tip", "attribution-empty", ("usage:customers",), "Add attribution",
        "Tag calls with feature, team, customer or user, and their cost stands under each name.",
        condition=Action(Event.SDK_FIRST_REQUEST),
    ),
    Tip(
        "allocate_spend_tip", "unallocated", ("usage:attribution",), "Say whose spend this is",
        "Owners, admins and finance name a cost centre beside a project, key or model. It counts there in every "
        "month, past ones too.",
        condition=NotYet(Event.ALLOCATION_RULE_CREATED),
    ),
    Tip(
        "optimization_available", "nav-optimization", FIGURES, "New in Optimization",
        "We found {ways} to reduce your AI costs.",
        feature="optimization_engine",
        until=Event.OPTIMIZATION_FIRST_VIEW,
        link=Next("See suggestions", "usage:optimization"),
        counts_ways=True,
    ),
)  # fmt: skip
BY_ID = {tip.id: tip for tip in TIPS}


def waiting(
    view: str, facts: Facts, *, useful: Collection[str], dismissed: Collection[str], tips: Iterable[Tip] = TIPS
) -> Iterator[Tip]:
    """Those that could be shown on a page now, the first one first. They explain figures, so there have to be some."""
    for tip in tips:
        is_over = tip.id in dismissed or (tip.until is not None and tip.until in facts.mine)
        is_due = tip.condition is None or tip.condition.holds(facts)
        if (
            view in tip.views
            and facts.used_since
            and is_due
            and not is_over
            and (not tip.feature or tip.feature in useful)
        ):
            yield tip


def in_words(ways: int) -> str:
    return "a way" if ways == 1 else f"{ways} ways"

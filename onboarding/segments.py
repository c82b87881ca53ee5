"""Which segment and path a person's answers lead to: one table, read from the top. Pure: no Django.

`VERSION` is stored beside each placement; a change of these rules raises it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

VERSION = 1
SALES_FROM = 50_000  # US dollars a month
BANDS = {
    "startup": frozenset({"solo", "2-10", "11-50"}),
    "midmarket": frozenset({"51-200", "201-1000"}),
    "enterprise": frozenset({"1000+"}),
}
FAMILIES = {
    "technical": frozenset({"engineering", "platform_devops"}),
    "finops": frozenset({"finops_finance"}),
    "executive": frozenset({"cto_vp", "founder_ceo", "engineering_manager"}),
    "other": frozenset({"other"}),
}
SPEND_FROM = {  # the least that somebody who chose this band spends, in US dollars a month
    "under_100": 0,
    "100_1000": 100,
    "1000_10000": 1_000,
    "10000_50000": 10_000,
    "50000_100000": 50_000,
    "over_100000": 100_000,
}


class Segment(StrEnum):
    STARTUP_TECHNICAL = "startup_technical"
    STARTUP_BUSINESS = "startup_business"
    MIDMARKET_TECHNICAL = "midmarket_technical"
    MIDMARKET_FINOPS = "midmarket_finops"
    MIDMARKET_BUSINESS = "midmarket_business"
    ENTERPRISE_TECHNICAL = "enterprise_technical"
    ENTERPRISE_FINOPS = "enterprise_finops"
    ENTERPRISE_EXECUTIVE = "enterprise_executive"
    ENTERPRISE_BUSINESS = "enterprise_business"
    AGENCY = "agency"


class Path(StrEnum):
    QUICK_CONNECT = "quick_connect"
    SDK_FIRST = "sdk_first"
    GUIDED_TOUR = "guided_tour"
    SALES_ASSISTED = "sales_assisted"


class Tier(StrEnum):
    UNDER_10K = "under_10k"
    TO_100K = "to_100k"
    OVER_100K = "over_100k"


GRID = {
    "startup": {
        "technical": (Segment.STARTUP_TECHNICAL, Path.SDK_FIRST),
        "finops": (Segment.STARTUP_BUSINESS, Path.GUIDED_TOUR),
        "executive": (Segment.STARTUP_BUSINESS, Path.GUIDED_TOUR),
        "other": (Segment.STARTUP_BUSINESS, Path.GUIDED_TOUR),
    },
    "midmarket": {
        "technical": (Segment.MIDMARKET_TECHNICAL, Path.SDK_FIRST),
        "finops": (Segment.MIDMARKET_FINOPS, Path.GUIDED_TOUR),
        "executive": (Segment.MIDMARKET_BUSINESS, Path.GUIDED_TOUR),
        "other": (Segment.MIDMARKET_BUSINESS, Path.GUIDED_TOUR),
    },
    "enterprise": {
        "technical": (Segment.ENTERPRISE_TECHNICAL, Path.SDK_FIRST),
        "finops": (Segment.ENTERPRISE_FINOPS, Path.GUIDED_TOUR),
        "executive": (Segment.ENTERPRISE_EXECUTIVE, Path.SALES_ASSISTED),
        "other": (Segment.ENTERPRISE_BUSINESS, Path.GUIDED_TOUR),
    },
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What a placement depends on; empty where unanswered."""

    size: str = ""
    role: str = ""
    spend: str = ""
    goals: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    segment: Segment | None
    path: Path
    tier: Tier | None


def place(answers: Answers, *, has_sales: bool, sales_from: int = SALES_FROM) -> Placement:
    """`has_sales`: whether the operator has somebody to talk to; without, nobody is sent there."""
    segment, path = segment_of(answers)
    spends = SPEND_FROM.get(answers.spend)
    if spends is not None and spends >= sales_from and has_sales:
        path = Path.SALES_ASSISTED
    elif set(answers.goals) == {"exploring"}:
        path = Path.QUICK_CONNECT
    elif path is Path.SALES_ASSISTED and not has_sales:
        path = Path.GUIDED_TOUR
    return Placement(segment, path, tier_of(spends))


def segment_of(answers: Answers) -> tuple[Segment | None, Path]:
    if "client_billing" in answers.goals:
        return Segment.AGENCY, Path.GUIDED_TOUR
    band = next((name for name, sizes in BANDS.items() if answers.size in sizes), None)
    family = family_of(answers.role)
    if band is None or family is None:
        return None, Path.QUICK_CONNECT
    return GRID[band][family]


def family_of(role: str) -> str | None:
    return next((name for name, roles in FAMILIES.items() if role in roles), None)


def tier_of(spends: int | None) -> Tier | None:
    if spends is None:
        return None
    return Tier.UNDER_10K if spends < 10_000 else Tier.TO_100K if spends < 100_000 else Tier.OVER_100K

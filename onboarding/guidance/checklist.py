"""What gets somebody started: declared items, whose they are, in which order. Completion comes from facts."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.journal import Event
from accounts.permissions import Permission
from onboarding.guidance.conditions import Facts
from onboarding.segments import Path


@dataclass(frozen=True, slots=True)
class Item:
    """`event` completes it: anybody's in the organization, or for a `personal` one the person's own."""

    id: str
    title: str
    description: str
    icon: str
    event: Event
    view: str
    action: str
    category: str
    permission: Permission = Permission.SEE_COSTS
    personal: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose checklist it is."""

    path: Path
    goals: Collection[str]
    may: Collection[Permission]
    is_asked: bool  # some questions are theirs to answer
    is_solo: bool = False


ITEMS = (
    Item(
        "complete_profile", "Complete your profile", "A few short questions about you and how you use AI", "user",
        Event.QUESTIONNAIRE_COMPLETED, "onboarding:resume", "Complete profile", "setup", personal=True,
    ),
    Item(
        "connect_provider", "Connect an AI provider", "Read usage and bills from your own account", "plug-connected",
        Event.PROVIDER_CONNECTION_COMPLETED, "providers:list", "Connect a provider", "setup",
        Permission.MANAGE_CONNECTIONS,
    ),
    Item(
        "setup_sdk", "Report your own calls", "See cost by customer, feature and team", "code",
        Event.SDK_FIRST_REQUEST, "onboarding:sdk", "Set up a program", "setup",
        Permission.MANAGE_OWN_KEYS, optional=True,
    ),
    Item(
        "view_insights", "Review your cost breakdown", "See where your AI spend is going", "chart-bar",
        Event.DASHBOARD_DATA_LOADED, "usage:dashboard", "View dashboard", "optimize",
    ),
    Item(
        "set_budget", "Set a budget", "Say what a month may cost, and hear of it in time", "target-arrow",
        Event.BUDGET_CREATED, "budgets:list", "Create budget", "optimize", Permission.MANAGE_BUDGETS,
    ),
    Item(
        "configure_alert", "Configure an alert", "Get notified about unusual spending", "bell",
        Event.ALERT_CREATED, "alerts:rules", "Set up an alert", "optimize", Permission.MANAGE_BUDGETS,
    ),
    Item(
        "invite_team", "Invite your team", "See the same figures together", "users",
        Event.TEAM_INVITE_SENT, "accounts:team", "Invite your team", "team", Permission.MANAGE_PEOPLE,
    ),
)  # fmt: skip
BY_ID = {item.id: item for item in ITEMS}

# what a path begins with; whatever it does not name keeps the order above
FIRST: Mapping[Path, tuple[str, ...]] = {
    Path.QUICK_CONNECT: ("connect_provider", "view_insights"),
    Path.SDK_FIRST: ("setup_sdk", "connect_provider"),
    Path.GUIDED_TOUR: (),
    Path.SALES_ASSISTED: (),
}
# what a goal asks for; an item that more of a person's goals ask for comes earlier
WANTED: Mapping[str, tuple[str, ...]] = {
    "visibility": ("connect_provider", "view_insights"),
    "cost_reduction": ("connect_provider", "view_insights"),
    "cost_allocation": ("connect_provider", "setup_sdk", "view_insights"),
    "model_optimization": ("connect_provider", "view_insights"),
    "client_billing": ("connect_provider", "setup_sdk", "invite_team"),
    "compliance": ("connect_provider", "invite_team"),
    "budgets_alerts": ("connect_provider", "set_budget", "configure_alert"),
    "exploring": (),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An item in somebody's list; the lowest priority comes first."""

    item: Item
    completed: bool
    priority: int


@dataclass(frozen=True, slots=True)
class Checklist:
    """Optional items stand in the list and outside the count."""

    entries: tuple[Entry, ...]

    @property
    def counted(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.item.optional]

    @property
    def completed_count(self) -> int:
        return sum(entry.completed for entry in self.counted)

    @property
    def total_count(self) -> int:
        return len(self.counted)

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all of it."""
        return 100 * self.completed_count // self.total_count if self.total_count else 100

    @property
    def is_complete(self) -> bool:
        return self.completed_count == self.total_count

    @property
    def next(self) -> Entry | None:
        """What to do next; an optional item only once the others are done."""
        waiting = [entry for entry in self.entries if not entry.completed]
        return min(waiting, key=lambda entry: (entry.item.optional, entry.priority), default=None)


def of(reader: Reader, facts: Facts, items: Iterable[Item] = ITEMS) -> Checklist:
    theirs = (as_for(reader, item) for item in items if is_theirs(reader, item))
    mine = sorted(theirs, key=lambda item: rank(reader, item))
    return Checklist(tuple(Entry(item, is_done(item, facts), place) for place, item in enumerate(mine, 1)))


def as_for(reader: Reader, item: Item) -> Item:
    """Whom their answers lead to the SDK begins with it, so for them it counts."""
    begins_with_it = item.id == "setup_sdk" and reader.path is Path.SDK_FIRST
    return replace(item, optional=False) if begins_with_it else item


def is_theirs(reader: Reader, item: Item) -> bool:
    if item.permission not in reader.may:
        return False
    nobody_asks = item.id == "complete_profile" and not reader.is_asked
    nobody_to_invite = item.id == "invite_team" and reader.is_solo
    return not nobody_asks and not nobody_to_invite


def is_done(item: Item, facts: Facts) -> bool:
    done: Mapping[str, datetime] = facts.mine if item.personal else facts.ours
    return item.event in done


def rank(reader: Reader, item: Item) -> tuple[int, int]:
    """By path, then by how many goals ask for it; equals keep the declared order."""
    first = FIRST[reader.path]
    asked_for = sum(item.id in WANTED[goal] for goal in reader.goals)
    return (first.index(item.id) if item.id in first else len(first), -asked_for)

"""The sidebar: each entry is shown when its page exists and the member may open it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.permissions import Permission
from onboarding.guidance.doors import MEASURED, open_features


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    icon: str
    view: str
    permission: Permission = Permission.SEE_COSTS
    covers: tuple[str, ...] = ()  # other views of the same place, by the start of their names
    least_workspaces: int = 0  # of the person's own, sample workspaces left out
    feature: str = ""  # it waits under "More" until this is useful or was opened early


@dataclass(frozen=True, slots=True)
class Group:
    label: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    icon: str
    href: str
    is_current: bool

    @property
    def key(self) -> str:
        """What tours and tips point at."""
        return f"nav-{self.label.lower().replace(' ', '-')}"


SETTINGS = (
    "accounts:settings",
    "accounts:audit",
    "accounts:sign_on",
    "accounts:plan",
    "accounts:delete_",
    "accounts:profile",
    "accounts:team",
    "accounts:email",
    "accounts:security",
    "sdk_keys:",
    "usage:own_prices",
    "usage:new_own_price",
    "usage:end_own_price",
    "account_",
    "usersessions",
)

ATTRIBUTION = ("usage:measured", "usage:summed_tags", "usage:add_summed_tag")

GROUPS = (
    Group(
        "See",
        (
            Entry("Clients", "briefcase", "usage:clients", least_workspaces=2),
            Entry("Dashboard", "layout-dashboard", "usage:dashboard", covers=("usage:summary",)),
            Entry("Usage", "chart-bar", "usage:explorer", covers=("usage:explorer_of_measured",)),
            Entry("Attribution", "sitemap", "usage:attribution", covers=ATTRIBUTION, feature="cost_attribution"),
            Entry("Customers", "users", "usage:customers", covers=("usage:customer",), feature=MEASURED),
            Entry("Agents", "robot", "usage:agents", covers=("usage:agent",), feature=MEASURED),
            Entry("Runs", "route", "usage:runs", covers=("usage:run", "usage:call"), feature=MEASURED),
        ),
    ),
    Group(
        "Improve",
        (
            Entry("Optimization", "bulb", "usage:optimization", feature="optimization_engine"),
            Entry("Routing", "arrows-split-2", "usage:routing", feature="smart_routing"),
        ),
    ),
    Group(
        "Control",
        (
            Entry("Budgets", "target-arrow", "budgets:list", covers=("budgets:",)),
            Entry("Alerts", "bell", "alerts:list", covers=("alerts:",)),
        ),
    ),
    Group(
        "Set up",
        (
            Entry("Providers", "plug-connected", "providers:list", covers=("providers:",)),
            Entry("Settings", "settings", "accounts:settings", covers=SETTINGS),
        ),
    ),
)


MORE = "More"


def groups_for(request: HttpRequest | None) -> list[tuple[str, list[Link]]]:
    """The groups this member sees, without empty ones. What is not useful yet waits at the end."""
    if request is None or getattr(request, "membership", None) is None:
        return []
    is_open = open_features(request)
    waiting = [entry for group in GROUPS for entry in group.entries if entry.feature and entry.feature not in is_open]
    placed = [(group.label, [entry for entry in group.entries if entry not in waiting]) for group in GROUPS]
    shown = [(label, list(links(entries, request))) for label, entries in [*placed, (MORE, waiting)]]
    return [(label, entries) for label, entries in shown if entries]


def links(entries: Iterable[Entry], request: HttpRequest) -> Iterator[Link]:
    membership = getattr(request, "membership", None)
    workspaces = sum(not each.organization.is_sample for each in getattr(request, "memberships", ()))
    match = getattr(request, "resolver_match", None)
    here = match.view_name if match else ""
    for entry in entries:
        if membership is None or not membership.may(entry.permission) or workspaces < entry.least_workspaces:
            continue
        try:
            href = reverse(entry.view)
        except NoReverseMatch:  # its page is not built yet
            continue
        yield Link(entry.label, entry.icon, href, here == entry.view or here.startswith(entry.covers))

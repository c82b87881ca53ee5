"""The sidebar: each entry is shown when its page exists and the member may open it."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from accounts.permissions import Permission


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    icon: str
    view: str
    permission: Permission = Permission.SEE_COSTS
    covers: tuple[str, ...] = ()  # other views of the same place, by the start of their names
    least_workspaces: int = 0  # of the person's own, sample workspaces left out


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


SETTINGS = (
    "accounts:settings",
    "accounts:profile",
    "accounts:team",
    "accounts:email",
    "accounts:security",
    "account_",
    "usersessions",
)

GROUPS = (
    Group(
        "See",
        (
            Entry("Clients", "briefcase", "usage:clients", least_workspaces=2),
            Entry("Dashboard", "layout-dashboard", "usage:dashboard", covers=("usage:summary",)),
            Entry("Usage", "chart-bar", "usage:explorer"),
            Entry("Attribution", "sitemap", "usage:attribution"),
        ),
    ),
    Group("Improve", (Entry("Optimization", "bulb", "usage:optimization"),)),
    Group(
        "Set up",
        (
            Entry("Providers", "plug-connected", "providers:list", covers=("providers:",)),
            Entry("Settings", "settings", "accounts:settings", covers=SETTINGS),
        ),
    ),
)


def groups_for(request: HttpRequest | None) -> list[tuple[str, list[Link]]]:
    """The groups this member sees, without empty ones."""
    shown = [(group.label, list(links(group, request))) for group in GROUPS]
    return [(label, entries) for label, entries in shown if entries]


def links(group: Group, request: HttpRequest | None) -> Iterator[Link]:
    membership = getattr(request, "membership", None)
    workspaces = sum(not each.organization.is_sample for each in getattr(request, "memberships", ()))
    match = getattr(request, "resolver_match", None)
    here = match.view_name if match else ""
    for entry in group.entries:
        if membership is None or not membership.may(entry.permission) or workspaces < entry.least_workspaces:
            continue
        try:
            href = reverse(entry.view)
        except NoReverseMatch:  # its page comes with a later issue
            continue
        yield Link(entry.label, entry.icon, href, here == entry.view or here.startswith(entry.covers))

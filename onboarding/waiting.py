"""What somebody can do while the first figures are on their way. A card is there when its page is."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse

from accounts.models import Membership
from accounts.permissions import Permission
from onboarding.segments import Segment


@dataclass(frozen=True, slots=True)
class Card:
    title: str
    line: str
    icon: str
    view: str
    permission: Permission = Permission.SEE_COSTS
    segments: frozenset[str] = frozenset()  # for people of these only; empty: for everybody

    @property
    def href(self) -> str:
        return reverse(self.view)


CARDS = (
    Card(
        "Create a client workspace",
        "One for each client; figures never mix.",
        "briefcase",
        "accounts:new_organization",
        segments=frozenset({Segment.AGENCY}),
    ),
    Card(
        "Allocate your costs",
        "From unallocated spend to a statement for each cost centre.",
        "sitemap",
        "usage:attribution",
        segments=frozenset({Segment.MIDMARKET_FINOPS, Segment.ENTERPRISE_FINOPS}),
    ),
    Card("Read the docs", "What each figure means, and how to read it.", "book", "guide:contents"),
    Card(
        "Set up the SDK",
        "See cost by feature, team and customer.",
        "code",
        "onboarding:sdk",
        Permission.MANAGE_OWN_KEYS,
    ),
    Card(
        "Invite your team",
        "They see the same figures, as far as their role allows.",
        "user-plus",
        "accounts:team",
        Permission.MANAGE_PEOPLE,
    ),
    Card(
        "Add a provider",
        "Accounts of several providers stand side by side.",
        "plug",
        "providers:list",
        Permission.MANAGE_CONNECTIONS,
    ),
)


def cards(membership: Membership, segment: str) -> Iterator[Card]:
    for card in CARDS:
        if not membership.may(card.permission) or (card.segments and segment not in card.segments):
            continue
        try:
            reverse(card.view)
        except NoReverseMatch:  # its page comes with a later part of the product
            continue
        yield card

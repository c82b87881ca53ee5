"""The keys page: each key with its state, who made it and whether they are still here."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from accounts.models import Membership
from accounts.permissions import Permission
from sdk_keys.ending import GRACE
from sdk_keys.finding import keys_of
from sdk_keys.misplacing import NOTED_FOR
from sdk_keys.models import ApiKey, KeyState

TONES = {
    KeyState.WORKS: ("good", "circle-check"),
    KeyState.ENDING: ("warn", "clock"),
    KeyState.EXPIRED: ("neutral", ""),
    KeyState.REVOKED: ("neutral", ""),
}
WORKING = {KeyState.WORKS, KeyState.ENDING}


@dataclass(frozen=True, slots=True)
class Row:
    key: ApiKey
    state: KeyState
    maker: str
    has_left: bool
    is_misplaced: bool
    follower: ApiKey | None = None  # what works in its place once it ends

    @property
    def ends_alone(self) -> bool:
        """It was to be replaced, and what was to replace it is over before it is."""
        return self.state is KeyState.ENDING and self.follower is None

    @property
    def label(self) -> str:
        return "Ends" if self.ends_alone else str(self.state.label)

    @property
    def replaced_by(self) -> ApiKey | None:
        return self.follower or self.key.replaced_by

    @property
    def tone(self) -> str:
        return TONES[self.state][0]

    @property
    def icon(self) -> str:
        return TONES[self.state][1]

    @property
    def works(self) -> bool:
        return self.state in WORKING

    @property
    def dialog(self) -> str:
        return f"revoke-{self.key.pk}"

    @property
    def question(self) -> str:
        return f"Revoke “{self.key.name}” ({self.key.masked})"

    @property
    def can_be_replaced(self) -> bool:
        return self.state is KeyState.WORKS


def follower(key: ApiKey, later: Mapping[UUID | None, ApiKey], *, now: datetime) -> ApiKey | None:
    """The first of those that replaced it, and one another, that works; whoever made it."""
    while then := later.get(key.replaced_by_id):
        if then.state(now) in WORKING:
            return then
        key = then
    return None


def everything(member: Membership, *, now: datetime) -> dict[str, Any]:
    """What the page says, inside the organization's scope: keys that work, those that ended, those to replace."""
    keys = list(keys_of(member).select_related("created_by", "replaced_by"))
    here = set(member.organization.memberships.values_list("user_id", flat=True))
    made_since = ApiKey.objects.owned_by(member.organization).filter(created_at__gte=now - GRACE)
    later: dict[UUID | None, ApiKey] = {}
    if any(key.state(now) is KeyState.ENDING for key in keys):
        later = {key.pk: key for key in made_since}
    rows = [
        Row(
            key=key,
            state=key.state(now),
            maker=(key.created_by.full_name or key.created_by.email) if key.created_by else "a deleted account",
            has_left=key.created_by_id not in here,
            is_misplaced=key.misplaced_at is not None and key.misplaced_at > now - NOTED_FOR,
            follower=follower(key, later, now=now),
        )
        for key in keys
    ]
    working = [row for row in rows if row.works]
    return {
        "working": working,
        "ended": [row for row in rows if not row.works],
        "misplaced": [row for row in working if row.is_misplaced],
        "line": "All of the organization." if member.may(Permission.MANAGE_KEYS) else "Those that you made.",
    }

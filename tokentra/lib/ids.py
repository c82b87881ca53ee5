"""Identifiers: every row of ours is named by a UUID that sorts by the time it was made."""

from uuid import UUID

import uuid_utils.compat


def uuid7() -> UUID:
    return UUID(int=uuid_utils.compat.uuid7().int)

"""Bodies of the key routes, exactly as programs send and read them."""

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from pydantic import AwareDatetime, Field, field_validator

from accounts.api_shapes import Camel, Strict
from accounts.naming import clean_name
from accounts.permissions import Scope
from sdk_keys.models import LONGEST, ApiKey, Environment

WRITTEN = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


class KeyBody(Strict):
    name: str = Field(max_length=60)
    scopes: list[Scope] = Field(default=[Scope.INGEST], min_length=1, max_length=len(Scope))
    environment: Environment = Environment.LIVE
    expires_at: AwareDatetime | None = None

    @field_validator("name")
    @classmethod
    def is_a_name(cls, value: str) -> str:
        try:
            name = clean_name(value)
        except ValidationError as wrong:
            raise ValueError(wrong.messages[0]) from None
        if not name:
            raise ValueError("Give the key a name that says where it is used.")
        return name

    @field_validator("expires_at", mode="before")
    @classmethod
    def is_written_out(cls, value: Any) -> Any:
        """A number would be taken for seconds since 1970."""
        if value is not None and not (isinstance(value, str) and WRITTEN.match(value)):
            raise ValueError("Write the moment with its zone, as 2031-01-31T23:59:59Z.")
        return value

    @field_validator("expires_at")
    @classmethod
    def is_ahead(cls, value: datetime | None) -> datetime | None:
        if value is None:
            return None
        now = timezone.now()
        if value <= now:
            raise ValueError("Choose a moment that is still to come.")
        if value > now + LONGEST:
            years = "Choose a moment within the next 100 years"
            raise ValueError(f"{years}, or leave it out: then the key works until it is revoked.")
        return value.astimezone(UTC)


class KeyShape(Camel):
    id: UUID
    name: str
    prefix: str
    last_four: str
    scopes: list[str]
    environment: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKey(KeyShape):
    key: str


class KeyList(Camel):
    items: list[KeyShape]


def shown(key: ApiKey) -> dict[str, Any]:
    return {name: getattr(key, name) for name in KeyShape.model_fields}

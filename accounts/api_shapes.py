"""Bodies of the authentication routes, exactly as programs send and read them."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.core.exceptions import ValidationError
from ninja import Schema
from pydantic import ConfigDict, Field, field_validator
from pydantic.alias_generators import to_camel

from accounts.naming import clean_name


class Camel(Schema):
    """An answer with the contract's names."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class Strict(Schema):
    """A body with the contract's names, in which nothing else may stand."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")


class UtmParams(Schema):
    model_config = ConfigDict(extra="forbid")

    utm_source: str = Field("", max_length=256)
    utm_medium: str = Field("", max_length=256)
    utm_campaign: str = Field("", max_length=256)
    utm_term: str = Field("", max_length=256)
    utm_content: str = Field("", max_length=256)


class SignupBody(Strict):
    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)
    full_name: str = ""
    organization_name: str = ""
    referral_source: str = Field("", max_length=256)
    utm_params: UtmParams = Field(default_factory=lambda: UtmParams.model_validate({}))
    auth_provider: str = "email"

    @field_validator("full_name", "organization_name", mode="before")
    @classmethod
    def is_absent(cls, value: Any) -> Any:
        return "" if value is None else value

    @field_validator("full_name", "organization_name")
    @classmethod
    def is_a_name(cls, value: str) -> str:
        try:
            return clean_name(value)
        except ValidationError as wrong:
            raise ValueError(wrong.messages[0]) from None

    @field_validator("auth_provider")
    @classmethod
    def is_email(cls, value: str) -> str:
        if value != "email":
            raise ValueError("Only email sign-up works by JSON; other ways need a browser.")
        return value


class SignupAnswer(Camel):
    success: Literal[True] = True
    user_id: UUID
    organization_id: UUID
    email_verification_required: bool
    verification_token: str | None = None
    next_step: str = "/onboarding/company"
    token: str | None = None
    api_key: str | None = None


class VerifyBody(Strict):
    verification_token: str = Field(max_length=64)
    code: str = Field(max_length=16)


class VerifyAnswer(Camel):
    token: str
    api_key: str | None = None


class LoginBody(Strict):
    email: str = Field(max_length=254)
    password: str = Field(max_length=1000)


class SecondStepBody(Strict):
    mfa_token: str = Field(max_length=64, examples=["0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p"])
    code: str = Field(max_length=16, examples=["123456"])


class LoginAnswer(Camel):
    token: str
    expires_at: datetime


class Place(Camel):
    id: UUID
    name: str
    plan: str
    role: str
    timezone: str
    currency: str

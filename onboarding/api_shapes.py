"""Bodies of the onboarding routes, exactly as programs send and read them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from accounts.api_shapes import Camel, Place, Strict
from sdk_keys.api_shapes import KeyShape


class Onboarding(Camel):
    status: Literal["not_started", "in_progress", "completed", "dismissed"]
    step: Literal["company", "ai_usage", "goals", "team", "connect", "sdk", "dashboard"]


class Person(Camel):
    id: UUID
    email: str
    full_name: str
    member_since: datetime
    onboarding: Onboarding


class Me(Camel):
    user: Person
    organization: Place | None
    api_keys: list[KeyShape]


class ProfileBody(Strict):
    """Any subset; what is not sent stays as it was, and null takes an answer back."""

    user_role: str | None = None
    company_name: str | None = None
    company_size: str | None = None
    company_website: str | None = None
    industry: str | None = None
    acquisition_channel: str | None = None
    monthly_ai_spend: str | None = None
    ai_providers: list[str] | None = None
    use_cases: list[str] | None = None
    goals: list[str] | None = None
    other: dict[str, str] = Field(default_factory=dict)
    skipped_steps: list[str] = Field(default_factory=list)
    team_invites: list[str] = Field(default_factory=list, max_length=100)


class Profile(Camel):
    user_role: str | None
    company_name: str | None
    company_size: str | None
    company_website: str | None
    industry: str | None
    acquisition_channel: str | None
    monthly_ai_spend: str | None
    ai_providers: list[str]
    use_cases: list[str]
    goals: list[str]
    other: dict[str, str]
    segment: str | None
    recommended_path: str
    completed: bool
    completed_at: datetime | None
    skipped_steps: list[str]
    current_step: str


class Invited(Camel):
    email: str
    status: str  # of the invitation; `member` or `refused` where there is none, with the reason
    reason: str | None = None
    link: str | None = None  # only where no mail is sent, so that the one who invites can pass it on


class ProfileAnswer(Camel):
    success: Literal[True] = True
    segment: str | None
    recommended_path: str
    next_step: str
    invites: list[Invited] = Field(default_factory=list)

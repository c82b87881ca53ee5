"""Which steps a person really sees, in order, and where they stand among them. Pure: no Django."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from onboarding.questions import SCREENS, About, Kind, Question
from onboarding.segments import Path


class Came(StrEnum):
    """How a person came to be in an organization; it decides what they are asked."""

    FOUNDED = "founded"  # by signing up, or as the first owner that an operator made
    INVITED = "invited"
    ANOTHER = "another"  # they have an organization already and made this one beside it


CONTACT, SDK, CONNECT, DASHBOARD = "contact", "sdk", "connect", "dashboard"
DONE = DASHBOARD


@dataclass(frozen=True, slots=True)
class Traveller:
    """What the steps depend on."""

    came: Came
    path: Path
    manages: bool  # may write the company's answers, invite and connect
    has_sales: bool = False
    is_solo: bool = False
    is_connected: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a step stands: `number` of `total`, counted over what this person sees."""

    number: int
    total: int
    before: str | None
    after: str

    @property
    def words(self) -> str:
        return f"Step {self.number} of {self.total}"


def asked(traveller: Traveller, questions: Collection[Question]) -> tuple[Question, ...]:
    """Of a screen's questions, those that this person is asked."""
    return tuple(question for question in questions if is_asked(traveller, question))


def is_asked(traveller: Traveller, question: Question) -> bool:
    if traveller.came is Came.ANOTHER:
        return False
    if question.about is About.PERSON:
        return True
    is_theirs = traveller.manages and traveller.came is Came.FOUNDED
    return is_theirs and not (question.kind is Kind.EMAILS and traveller.is_solo)


def steps(traveller: Traveller) -> tuple[str, ...]:
    """Every step that this person sees, the dashboard left out: it is where all of them lead."""
    keys = [screen.key for screen in SCREENS if asked(traveller, screen.questions)]
    if traveller.path is Path.SALES_ASSISTED and traveller.has_sales and traveller.manages:
        keys.append(CONTACT)
    if traveller.path is Path.SDK_FIRST and traveller.manages:
        keys.append(SDK)
    if traveller.manages and not traveller.is_connected:
        keys.append(CONNECT)
    return tuple(keys)


def place(traveller: Traveller, step: str) -> Place | None:
    """None for a step that this person does not see."""
    seen = steps(traveller)
    if step not in seen:
        return None
    at = seen.index(step)
    after = seen[at + 1] if at + 1 < len(seen) else DASHBOARD
    return Place(at + 1, len(seen), seen[at - 1] if at else None, after)


def resume(traveller: Traveller, dealt_with: Collection[str]) -> str:
    """Where somebody goes on: at the first of their steps that was neither done nor skipped."""
    return next((step for step in steps(traveller) if step not in dealt_with), DASHBOARD)

"""The people behind a number of the funnel: the same relation, narrowed by what the number's link says."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import QueryDict

from accounts.journal import Event
from onboarding.funnel import Ask, rows
from onboarding.funnel_sql import PEOPLE
from onboarding.funnel_steps import BY_KEY, SIGNUP, STEPS, TARGETS, By
from onboarding.funnel_tables import name_of

PAGE = 50
MOST = 100_000
EVER = datetime(1970, 1, 1, tzinfo=UTC)
HEADERS = ("Person", "Organization", "Furthest step", "State", *(step.label for step in STEPS), "Last seen",
           "Segment", "Path", "Source", "Journal")  # fmt: skip
EQUAL = (*By, "state", *(target.key for target in TARGETS if target.above))  # columns that a link may fix
WORDS = {
    "dropped": "dropped off",
    "on_way": "still on the way",
    "activated": "at first data",
    "yes": "target met",
    "no": "target not met",
    "recent": "too recent to judge",
}


@dataclass(frozen=True, slots=True)
class Person:
    organization_id: UUID
    user_id: UUID
    email: str
    organization: str
    segment: str
    path: str
    source: str
    state: str
    furthest: str
    signup: datetime
    questionnaire: datetime | None
    provider: datetime | None
    data: datetime | None
    active_at: datetime

    @property
    def times(self) -> tuple[datetime | None, ...]:
        return self.signup, self.questionnaire, self.provider, self.data, self.active_at

    @property
    def furthest_label(self) -> str:
        return BY_KEY[self.furthest].label

    @property
    def state_label(self) -> str:
        return WORDS[self.state].capitalize()

    @property
    def segment_label(self) -> str:
        return name_of(By.SEGMENT, self.segment)

    @property
    def path_label(self) -> str:
        return name_of(By.PATH, self.path)


COLUMNS = ", ".join(field.name for field in fields(Person))


class Crowd:
    """Narrowed by the URL: a column's value, a step that was reached or not, an event of the organization."""

    def __init__(self, ask: Ask, query: QueryDict) -> None:
        self.ask = ask
        self.filters = {name: value for name in EQUAL if (value := query.get(name, ""))}
        for name in ("reached", "missed"):
            if (key := query.get(name, "")) in BY_KEY:
                self.filters[name] = key
        if (event := query.get("has", "")) in {each.value for each in Event}:
            self.filters["has"] = event
        self.is_invited = query.get("invited") == "1"

    @property
    def params(self) -> dict[str, Any]:
        values = {f"is_{name}": value.replace("\x00", "") for name, value in self.filters.items()}
        since = EVER if self.is_invited else self.ask.params["since"]  # theirs was there already
        return self.ask.params | values | {"invited": self.is_invited, "since": since}

    @property
    def where(self) -> str:
        conditions = ["TRUE"]
        for name, value in self.filters.items():
            if name in EQUAL:
                conditions.append(f"{name}::text = %(is_{name})s")
            elif name == "has":
                conditions.append(
                    "EXISTS (SELECT FROM accounts_milestone m WHERE m.organization_id = people.organization_id "
                    "AND m.user_id IS NULL AND m.event = %(is_has)s)"
                )
            elif value != SIGNUP.key:
                conditions.append(f"{value} IS {'NOT NULL' if name == 'reached' else 'NULL'}")
        return " AND ".join(conditions)

    def count(self) -> int:
        sql = f"{PEOPLE} SELECT count(*) FROM people WHERE {self.where}"  # noqa: S608  # columns of ours, values as parameters
        found: int = next(rows(sql, self.params))[0]
        return found

    def people(self, *, page: int = 1, most: int = PAGE) -> Iterator[Person]:
        """The newest first."""
        sql = (
            f"{PEOPLE} SELECT {COLUMNS} FROM people WHERE {self.where} "  # noqa: S608  # as above
            "ORDER BY signup DESC, user_id LIMIT %(most)s OFFSET %(skip)s"
        )
        for row in rows(sql, self.params | {"most": most, "skip": (page - 1) * most}):
            yield Person(*row)

    @property
    def words(self) -> list[str]:
        """What the list is narrowed to."""
        told = ["Signed up through an invitation"] if self.is_invited else []
        for name, value in self.filters.items():
            if name in ("reached", "missed", "furthest"):
                verb = {"reached": "Reached", "missed": "Did not reach", "furthest": "Furthest step"}[name]
                told.append(f"{verb}: {BY_KEY[value].label if value in BY_KEY else value}")
            elif name == "has":
                told.append(f"Organization has {value}")
            else:
                label = next((target.label for target in TARGETS if target.key == name), name.capitalize())
                told.append(f"{label}: {WORDS.get(value, value)}")
        return told

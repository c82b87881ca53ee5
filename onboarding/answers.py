"""Reading and writing what was answered: the company's answers in one row, a person's in their journey."""

from collections.abc import Iterable, Mapping
from typing import Any

from accounts import organizations
from accounts.models import Organization, User
from onboarding.models import CompanyAnswers, Journey
from onboarding.questions import OTHER, About, Kind, Question, questions

ON_ORGANIZATION = {"company_name": "name", "company_website": "website", "industry": "industry"}
STORED = tuple(question for question in questions() if question.kind is not Kind.EMAILS)

Values = Mapping[str, Any]
"""By the questions' names: a text, a value, a list of values; empty where unanswered. `<name>_other` is what was
typed behind "Other"."""


def company_of(organization: Organization) -> CompanyAnswers:
    """An organization's answers; a row that is not stored yet when there are none."""
    found = CompanyAnswers.objects.owned_by(organization).first()
    return found or CompanyAnswers(organization=organization)


def held_company_of(organization: Organization) -> CompanyAnswers:
    """The same, stored and held for this transaction."""
    CompanyAnswers.objects.get_or_create(organization=organization)
    found = CompanyAnswers.objects.owned_by(organization).select_for_update(no_key=True, of=("self",)).get()
    found.organization = organization
    return found


def read(journey: Journey, company: CompanyAnswers) -> dict[str, Any]:
    """Everything that is known of this person and their company."""
    values: dict[str, Any] = {}
    for question in STORED:
        holder, column = place_of(question, journey, company)
        values[question.name] = getattr(holder, column)
        if question.has_other and (typed := others(question, journey, company).get(question.name)):
            values[f"{question.name}_other"] = typed
    return values


def write(journey: Journey, company: CompanyAnswers, given: Values, *, by: User) -> None:
    """Store what was given and leave the rest as it was. Only the caller knows who may write the company's answers."""
    changed: list[str] = []
    is_about_company = False
    for question in STORED:
        typed = given.get(f"{question.name}_other")
        if question.name not in given and typed is None:
            continue
        holder, column = place_of(question, journey, company)
        value = given.get(question.name, getattr(holder, column))
        if column == "name" and not value:
            continue  # an organization always has a name
        if holder is company.organization and getattr(holder, column) != value:
            changed.append(column)
        setattr(holder, column, value)
        keep_other(question, others(question, journey, company), value, typed)
        is_about_company |= question.about is About.COMPANY
    if changed:
        organizations.changed(company.organization, changed, by=by)
    if is_about_company:
        company.save()


def place_of(question: Question, journey: Journey, company: CompanyAnswers) -> tuple[Any, str]:
    """The row and the column where an answer stands."""
    if question.name in ON_ORGANIZATION:
        return company.organization, ON_ORGANIZATION[question.name]
    return (company if question.about is About.COMPANY else journey), question.name


def others(question: Question, journey: Journey, company: CompanyAnswers) -> dict[str, str]:
    held: dict[str, str] = (company if question.about is About.COMPANY else journey).other
    return held


def keep_other(question: Question, held: dict[str, str], value: Any, typed: str | None) -> None:
    """`typed` None leaves what was typed before, as long as "Other" stays chosen."""
    chosen = value if isinstance(value, list) else [value]
    if typed is None:
        typed = held.get(question.name, "")
    if question.has_other and typed and OTHER in chosen:
        held[question.name] = typed
    else:
        held.pop(question.name, None)


def is_answered(names: Iterable[Question], values: Values) -> bool:
    return all(values.get(question.name) for question in names if question.kind is not Kind.EMAILS)

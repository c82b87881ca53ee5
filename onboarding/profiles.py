"""The profile as programs read and write it: any part of it at a time."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts import invitations
from accounts.invitations import Invited
from accounts.limits import headers_of
from accounts.naming import clean_name
from accounts.permissions import Permission, Role
from onboarding import journeys
from onboarding.answers import STORED
from onboarding.api_shapes import ProfileBody
from onboarding.forms import LONGEST_TYPED, field_of
from onboarding.journeys import Travel
from onboarding.questions import BY_KEY, TEAM_INVITES, About, Kind, Question, Screen
from onboarding.segments import Path
from onboarding.steps import CONNECT, CONTACT
from tokentra.lib.problems import Problem

NEXT_STEPS = {
    Path.QUICK_CONNECT: "/onboarding/providers/",
    Path.GUIDED_TOUR: "/onboarding/providers/",
    Path.SDK_FIRST: "/onboarding/sdk/",
    Path.SALES_ASSISTED: "/onboarding/contact/",
}


def shown(travel: Travel) -> dict[str, Any]:
    """Every key, with null where a question is unanswered."""
    journey, values = travel.journey, travel.values
    answers = {each.name: values[each.name] or ([] if each.kind is Kind.MANY else None) for each in STORED}
    typed = {each.key: values[f"{each.name}_other"] for each in STORED if values.get(f"{each.name}_other")}
    return answers | {
        "other": typed,
        "segment": journey.segment or None,
        "recommended_path": journey.path,
        "completed": journey.questionnaire_completed_at is not None,
        "completed_at": journey.questionnaire_completed_at,
        "skipped_steps": journey.skipped_steps,
        "current_step": CONNECT if journey.step == CONTACT else journey.step,
    }


def saved(travel: Travel, body: ProfileBody, *, now: datetime) -> dict[str, Any]:
    """Store what was sent. Raises `Problem`: 422 for what no question offers, 403 for answers of another's to give."""
    sent = body.model_dump(exclude_unset=True)
    for name in ("skipped_steps", "team_invites", "other"):
        sent.pop(name, None)
    given = checked(sent, body.other)
    may_not = [each.key for each in STORED if each.name in given and each.about is About.COMPANY and not travel.manages]
    if may_not:
        sentence = f"Only owners and admins answer for the company. Leave out: {', '.join(may_not)}."
        raise Problem(403, "role_too_small", sentence)
    unknown = [step for step in body.skipped_steps if step not in BY_KEY]
    if unknown:
        raise invalid({"skippedSteps": [f"{unknown[0]} is not a step. Steps are: {', '.join(BY_KEY)}."]})
    journeys.write(travel, given)
    for screen in BY_KEY.values():
        if screen.key in body.skipped_steps:
            journeys.skip(travel, screen.key, now=now)
        elif touches(screen, given):
            journeys.note_answered(travel, screen, now=now)
    invites = invited(travel, body.team_invites, now=now)
    journeys.moved(travel, now=now)
    return {
        "success": True,
        "segment": travel.journey.segment or None,
        "recommended_path": travel.journey.path,
        "next_step": NEXT_STEPS[Path(travel.journey.path)],
        "invites": invites,
    }


def checked(sent: dict[str, Any], typed: dict[str, str]) -> dict[str, Any]:
    """What was sent as the questions' own values; 422 that names every option that is not offered."""
    by_name, by_key = {each.name: each for each in STORED}, {each.key: each for each in STORED}
    given: dict[str, Any] = {}
    wrong: dict[str, list[str]] = {}
    for name, value in sent.items():
        question = by_name[name]
        try:
            given[name] = field_of(question).clean(value if value is not None else [] if is_many(question) else "")
        except ValidationError as refusal:
            wrong[question.key] = list(refusal.messages)
    for key, text in typed.items():
        about = by_key.get(key)
        if about is None or not about.has_other:
            wrong[f"other.{key}"] = ["No question of this name takes a text of its own."]
        elif len(text) > LONGEST_TYPED:
            wrong[f"other.{key}"] = [f"Use at most {LONGEST_TYPED} characters."]
        else:
            try:
                given[f"{about.name}_other"] = clean_name(text)
            except ValidationError as refusal:
                wrong[f"other.{key}"] = list(refusal.messages)
    if wrong:
        raise invalid(wrong)
    return given


def is_many(question: Question) -> bool:
    return question.kind is Kind.MANY


def touches(screen: Screen, given: dict[str, Any]) -> bool:
    """Whether any of a screen's questions was really answered."""
    return any(given.get(question.name) for question in screen.questions)


def invited(travel: Travel, addresses: list[str], *, now: datetime) -> list[dict[str, Any]]:
    """Ask the addresses in; 403 for somebody whose role does not include it, 429 when none may be asked now.

    A link is known in this moment only. Where mail carries it, nobody else needs it; where nothing is mailed, whoever
    invites passes it on.
    """
    if not addresses:
        return []
    if not travel.membership.may(Permission.MANAGE_PEOPLE):
        raise Problem(403, "role_too_small", f"Only owners and admins invite. Leave out: {TEAM_INVITES.key}.")
    done = invitations.invite(travel.organization, addresses, Role.MEMBER, by=travel.user)
    if many := invitations.stopped(done):
        sentence = f"{many} Nothing was saved: send it all again then, or without {TEAM_INVITES.key} now."
        raise Problem(429, "too_many_invitations", sentence, headers=headers_of(many))
    journeys.note_answered(travel, BY_KEY["team"], now=now)
    return [told(each) for each in done]


def told(each: Invited) -> dict[str, Any]:
    said = {"email": each.email, "status": each.status}
    said |= {"reason": each.reason} if each.reason else {}
    return said | ({"link": each.link} if each.link and not settings.MAIL_IS_CONFIGURED else {})


def invalid(fields: dict[str, list[str]]) -> Problem:
    named = ", ".join(sorted(fields))
    return Problem(422, "invalid_field", f"Correct these fields and send it again: {named}.", fields=fields)

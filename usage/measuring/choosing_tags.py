"""An organization chooses tags that its events are added up by, as they are by customer or feature."""

from datetime import timedelta

from django.db import connection
from django.db.models.functions import Now

from accounts import audit
from accounts.models import Membership
from accounts.plans import Feature
from tokentra.lib.problems import Problem
from usage.measured import MeasuredDay, SummedTag, TagValue
from usage.measuring import catching_up
from usage.measuring.dimensions import dimension_of
from usage.measuring.shape import LONGEST_TAG, is_content

MOST_CHOSEN = 10
UNKNOWN_FOR = timedelta(seconds=10)  # processes that do not know of a tag yet go by what they know for three


def choose(name: str, *, by: Membership) -> SummedTag:
    """Add up by this tag from now on, and what is kept of the past; raises a Problem for a name that cannot be.

    Inside the organization's scope. Raises NotInPlan.
    """
    by.organization.require(Feature.EVERY_DIMENSION)
    name = name.strip()
    if sentence := why_not(name):
        raise Problem(422, "invalid_field", sentence, fields={"name": [sentence]})
    by.organization.lock()
    mine = SummedTag.objects.owned_by(by.organization)
    if (held := mine.filter(name=name).first()) is not None:
        return held
    if mine.count() >= MOST_CHOSEN:
        sentence = f"Up to {MOST_CHOSEN} tags are added up. Leave one off first."
        raise Problem(422, "too_many_tags", sentence, fields={"name": [sentence]})
    tag = SummedTag.objects.create(organization=by.organization, name=name, due_at=Now() + UNKNOWN_FOR)
    audit.note("tag_summed", by.organization, by.user, about=tag, name=name)
    return tag


def why_not(name: str) -> str:
    """Why calls cannot be added up by a tag of this name, "" where they can."""
    if not name or len(name) > LONGEST_TAG or "\0" in name:
        return f"A tag's name has 1 to {LONGEST_TAG} characters."
    if is_content(name):
        return f"Nothing is stored under the name {name}, since texts of people and models come with it. Take another."
    return ""


def leave_off(tag: SummedTag, *, by: Membership) -> None:
    """Its sums go; the tags of events stay. Inside the organization's scope."""
    organization = tag.organization
    held = SummedTag.objects.owned_by(organization).select_for_update(of=("self",)).filter(pk=tag.pk)
    if not held:  # somebody else left it off meanwhile
        return
    with connection.cursor() as cursor:  # whoever adds up by it now comes before
        catching_up.alone(cursor, organization.pk)
    audit.note("tag_left_off", organization, by.user, about=tag, name=tag.name)
    for other in ("", *dimension_of(tag.dimension).crossed_with):
        MeasuredDay.objects.owned_by(organization).of(tag.dimension, other).delete()
    TagValue.objects.owned_by(organization).filter(name=tag.name).delete()
    tag.delete()

"""What whoever guesses at passwords here would try first: the product's name, the site's, the organization's."""

import re
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts.models import Membership, User
from accounts.naming import organization_name
from tokentra.lib.tenancy import user_scope

LEFT = 8  # characters that a password has to have beside such a word
SHORTEST = 4  # a word shorter than this stands in many others


class OwnWords:
    """Refuses what is little more than such a word, however it is spaced and capitalized."""

    def validate(self, password: str, user: User | None = None) -> None:
        text = squeezed(password)
        for word in words_of(user):
            if len(word) >= SHORTEST and word in text and len(text.replace(word, "")) < LEFT:
                raise ValidationError(
                    "This is little more than the name of your organization or of TokenTra.", code="own_word"
                )

    def get_help_text(self) -> str:
        return "Not the name of your organization or of TokenTra."


def words_of(user: User | None) -> set[str]:
    names = {"TokenTra", (urlsplit(settings.SITE_URL).hostname or "").partition(".")[0]}
    if user is not None and user.email:
        names |= {organization_name(user.email, ""), *organizations_of(user)}
    return {squeezed(name) for name in names}


def organizations_of(user: User) -> set[str]:
    if user._state.adding:
        return set()
    with user_scope(user.pk):
        return {membership.organization.name for membership in Membership.objects.of(user)}


def squeezed(text: str) -> str:
    return re.sub(r"[\W_]", "", text).casefold()

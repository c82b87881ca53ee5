"""The team step: everybody who can be invited is; who cannot stays in the box with the reason."""

from dataclasses import dataclass
from typing import Any

from accounts import invitations
from accounts.invitations import Invited
from accounts.pacing import TooMany
from accounts.permissions import Role
from onboarding.forms import ScreenForm
from onboarding.journeys import Travel
from onboarding.questions import TEAM_INVITES

FIELD = TEAM_INVITES.name


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the addresses that were typed."""

    done: tuple[Invited, ...] = ()
    refused: tuple[Invited, ...] = ()

    @property
    def links(self) -> list[Invited]:
        """Those whose link is known in this moment only."""
        return [each for each in self.done if each.link]

    @property
    def stopped(self) -> TooMany | None:
        return invitations.stopped([*self.done, *self.refused])

    @property
    def sentences(self) -> list[str]:
        """What to correct, with those who were invited already named, so that nobody types them again."""
        said = [f"{each.email}: {each.reason}" for each in self.refused]
        if self.done:
            said.append(f"Invited already: {', '.join(each.email for each in self.done)}.")
        return said


def ask(travel: Travel, typed: str) -> Told:
    """Invite what was typed as members. Raises PermissionDenied for a person who may not invite."""
    addresses = invitations.addresses_in(typed)
    told = invitations.invite(travel.organization, addresses, Role.MEMBER, by=travel.user) if addresses else []
    refused = [each for each in told if each.status == invitations.REFUSED]
    return Told(tuple(each for each in told if each not in refused), tuple(refused))


def with_refusals(form: ScreenForm, told: Told) -> ScreenForm:
    """The form again, holding only what was refused."""
    data: dict[str, Any] = {FIELD: "\n".join(each.email for each in told.refused)}
    again = ScreenForm(form.questions, data)
    for sentence in told.sentences:
        again.add_error(FIELD, sentence)
    return again

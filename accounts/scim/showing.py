"""What the page of the sign-on shows of the directory, inside the organization's scope."""

from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Count, F
from django.db.models.functions import Lower

from accounts.http import absolute
from accounts.models import Organization
from accounts.permissions import Role
from accounts.scim import roles, tokens
from accounts.scim.kept import NO_ROLE, DirectoryGroup, DirectoryToken, DirectoryUser
from accounts.sign_on.kept import ROLES

SHOWN = 200  # groups, those with a role first


class DefaultRoleForm(forms.Form):
    default_role = forms.ChoiceField(
        label="Role of whoever the directory adds", choices=ROLES, initial=Role.VIEWER.value
    )


class GroupRolesForm(forms.Form):
    """A field for each group that is shown; one that is not sent stays as it is."""

    use_required_attribute = False  # to choose none is to choose

    def __init__(self, data: Any = None, *, groups: list[DirectoryGroup]) -> None:
        super().__init__(data)
        self.groups = groups
        for group in groups:
            people = f"{group.people:,} {'person' if group.people == 1 else 'people'}"  # type: ignore[attr-defined]  # annotated
            self.fields[str(group.pk)] = forms.ChoiceField(
                label=group.display_name,
                choices=[NO_ROLE, *ROLES],
                initial=group.role,
                required=not self.is_bound,
                help_text=people,
            )

    @property
    def chosen(self) -> list[tuple[DirectoryGroup, str]]:
        """Those that were changed."""
        told = [(group, self.cleaned_data[str(group.pk)]) for group in self.groups if str(group.pk) in self.data]
        return [(group, role) for group, role in told if role != group.role]


def groups_of(organization: Organization) -> list[DirectoryGroup]:
    mine = DirectoryGroup.objects.owned_by(organization).annotate(people=Count("members"))
    return list(mine.order_by(F("role").desc(), Lower("display_name"), "pk")[:SHOWN])


def of(organization: Organization) -> dict[str, Any]:
    groups = groups_of(organization)
    made = list(DirectoryToken.objects.filter(organization=organization).select_related("made_by").order_by("made_at"))
    return {
        "tokens": made,
        "may_make_token": len(made) < tokens.MOST,
        "scim_address": absolute("/scim/v2"),
        "directory_people": DirectoryUser.objects.owned_by(organization).count(),
        "directory_groups": DirectoryGroup.objects.owned_by(organization).count(),
        "default_form": DefaultRoleForm(initial={"default_role": roles.default_role(organization)}),
        "groups_form": GroupRolesForm(groups=groups) if groups else None,
        "groups_shown": SHOWN,
    }


def token_of(organization: Organization, token_id: UUID) -> DirectoryToken | None:
    return DirectoryToken.objects.filter(organization=organization, pk=token_id).first()

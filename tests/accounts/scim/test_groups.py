"""A group that was removed meanwhile, and whom the lines about a group name."""

import pytest

from accounts.models import User
from accounts.permissions import Role
from accounts.scim import groups
from accounts.scim.kept import DirectoryGroup
from tests.accounts.scim.conftest import DANA, lines_of, role_in
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db


def test_a_group_that_is_gone_by_now_takes_no_role(okta, acme, alice):
    with organization_scope(acme.pk):
        group = DirectoryGroup.objects.get(pk=okta.add_group("All", okta.add()["id"]))
    okta.ask("DELETE", f"Groups/{group.pk}")

    groups.choose_role(acme, group, Role.ADMIN, by=alice)

    assert (lines_of(acme, "directory_group_role_chosen"), role_in(acme, DANA)) == ([], Role.VIEWER)


def test_lines_about_groups_name_people_as_the_directory_does(okta, acme):
    pk = okta.add()["id"]
    User.objects.filter(email=DANA).update(email="dana@private.example")

    group = okta.add_group("All", pk)
    okta.patch(f"Groups/{group}", {"op": "remove", "path": "members"})

    told = [line.data for line in lines_of(acme, "directory_group_members_changed")]
    assert [(each["came"], each["went"]) for each in told] == [([DANA], []), ([], [DANA])]

"""A patch of single members is read without the others of their group, and means what the library takes it for."""

import pytest

from accounts.scim import shapes
from accounts.scim.reading import after, patch_of, split
from tests.accounts.scim.conftest import GROUP, PATCH

X, Y, Z = (f"0192f3a1-7b0c-7000-8000-00000000000{digit}" for digit in "abc")
USERS = "https://acme.example/scim/v2/Users/"

# how a directory may write it: (an operation, whether it is read of single members)
SHAPES = {
    "add": ({"op": "add", "path": "members", "value": [{"value": Z}]}, True),
    "add, in upper case": ({"OP": "Add", "PATH": "Members", "VALUE": [{"value": Z.upper()}]}, True),
    "add one": ({"op": "add", "path": "members", "value": {"value": Z}}, False),
    "add by a name in another case": ({"op": "add", "path": "members", "value": [{"VALUE": Z}]}, False),
    "add without a path": ({"op": "add", "value": {"Members": [{"value": Z}], "displayName": "New"}}, True),
    "add without a path, by a full name": ({"op": "add", "value": {f"{GROUP}:members": [{"value": Z}]}}, False),
    "add by a full name": ({"op": "add", "path": f"{GROUP}:members", "value": [{"value": Z}]}, False),
    "remove one by a filter": ({"op": "remove", "path": f'members[value eq "{X}"]'}, True),
    "remove one by a filter, Path": ({"op": "remove", "Path": f'members[value eq "{X}"]'}, True),
    "remove one by another filter": ({"op": "remove", "path": f'members[value ne "{X}"]'}, False),
    "remove one by a spacious filter": ({"op": "remove", "path": f'members[ value eq "{X}" ]'}, False),
    "remove one by its address": ({"op": "remove", "path": f'members[$ref co "{X}"]'}, False),
    "remove some": ({"op": "remove", "path": "members", "value": [{"value": X}]}, True),
    "remove some, as Entra does": ({"op": "Remove", "path": "members", "value": [{"$ref": None, "value": X}]}, True),
    "remove some, Value": ({"op": "remove", "path": "members", "Value": [{"Value": X}]}, True),
    "remove some by address": ({"op": "remove", "path": "members", "value": [{"$ref": f"{USERS}{X}"}]}, False),
    "remove a value": ({"op": "remove", "path": "members", "value": {"Value": X}}, False),
    "remove nobody": ({"op": "remove", "path": "members", "value": []}, True),
    "remove all": ({"op": "remove", "path": "members"}, False),
    "remove all, Path": ({"op": "remove", "Path": "members"}, False),
    "remove all, null": ({"op": "remove", "path": "members", "value": None}, False),
    "remove all, by a full name": ({"op": "remove", "path": f"{GROUP}:members"}, False),
    "replace": ({"op": "replace", "path": "members", "value": [{"value": Z}]}, False),
    "replace, Path": ({"op": "replace", "Path": "members", "value": [{"value": Z}]}, False),
    "replace by none": ({"op": "replace", "path": "members", "value": []}, False),
    "replace without a path": ({"op": "replace", "value": {"members": [{"value": Z}]}}, False),
    "replace without a path, nested": ({"op": "replace", "value": {GROUP: {"members": [{"value": Z}]}}}, False),
    "replace without a path or name": ({"op": "replace", "value": {"": {"members": [{"value": Z}]}}}, False),
    "replace of the schema": ({"op": "replace", "path": GROUP, "value": {"members": [{"value": Z}]}}, False),
    "rename": ({"op": "replace", "path": "displayName", "value": "New"}, True),
    "rename, by a full name": ({"op": "replace", "path": f"{GROUP}:displayName", "value": "New"}, True),
    "rename without a path": ({"op": "Replace", "value": {"id": "7", "DisplayName": "New"}}, True),
    "what is not kept": ({"op": "add", "path": "urn:x:y:members", "value": [{"value": Z}]}, True),
}


def group_of(*members: str) -> shapes.Group:
    return shapes.Group(
        id="7",
        display_name="Old",
        members=[shapes.GroupMember(value=each, ref=f"{USERS}{each}") for each in members],
    )


def state(group: shapes.Group) -> tuple[str | None, set[str]]:
    return group.display_name, {str(each.value).lower() for each in group.members or []}


@pytest.mark.parametrize("operations", ["Operations", "operations"])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_is_said_of_members_is_done_in_whatever_shape_it_comes(shape, operations):
    operation, is_of_single_members = SHAPES[shape]

    with shapes.POLICY:
        patch = patch_of({"schemas": [PATCH], operations: [operation]}, shapes.Group)
        whole, apart = group_of(X, Y), group_of()
        patch.patch(whole)
        others, steps = split(patch.operations)

        assert (steps is not None) == is_of_single_members
        if steps is not None:
            patch.model_copy(update={"operations": others}).patch(apart)
            assert (apart.display_name, after(steps, [X, Y])) == state(whole)
    if not shape.startswith(("remove nobody", "what is")):
        assert state(whole) != state(group_of(X, Y))

"""What Okta and Microsoft Entra really send, and what they are answered."""

import json
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.scim.door import LARGEST
from tests.accounts.scim.conftest import DANA, GROUP, PATCH, USER, Program, person, role_in

pytestmark = pytest.mark.django_db

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def test_okta_looks_for_somebody_adds_them_and_finds_them(okta: Program, acme):
    query = {"filter": f'userName eq "{DANA}"', "startIndex": "1", "count": "100"}
    assert okta.get("Users", **query) | {"Resources": []} == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [],
    }  # fmt: skip
    sent = person(
        name={"givenName": "Dana", "familyName": "Day"}, displayName="Dana Day", locale="en-US",
        externalId="00ujl29u0le5T6Aj10h7", password="1mz050nq", groups=[],
    )  # fmt: skip

    answer = okta.ask("POST", "Users", sent)

    made = answer.json()
    assert (answer.status_code, answer["Content-Type"]) == (201, "application/scim+json")
    assert answer["Location"] == made["meta"]["location"] == f"http://testserver/scim/v2/Users/{made['id']}"
    kept = {
        name: sent[name] for name in ("schemas", "userName", "name", "displayName", "externalId", "emails", "active")
    }
    assert made == kept | {"id": made["id"], "meta": made["meta"]}
    assert okta.get("Users", **query)["Resources"] == [made]
    assert role_in(acme, DANA) == "viewer"


def test_okta_deactivates_by_patch_without_a_path_and_by_put(okta: Program, acme):
    dana = okta.add()
    off = okta.patch(f"Users/{dana['id']}", {"op": "replace", "value": {"active": False}})
    assert (off.status_code, off.json()["active"], role_in(acme, DANA)) == (200, False, None)

    on = okta.ask("PUT", f"Users/{dana['id']}", person() | {"id": dana["id"], "meta": dana["meta"]})
    assert (on.status_code, on.json()["active"], role_in(acme, DANA)) == (200, True, "viewer")

    off = okta.ask("PUT", f"Users/{dana['id']}", person(active=False))
    assert (off.status_code, off.json()["active"], role_in(acme, DANA)) == (200, False, None)


def test_okta_pushes_a_group(okta: Program):
    dana, finn = okta.add()["id"], okta.add("finn@acme.example")["id"]
    group = okta.add_group("Test SCIMv2", dana)

    renamed = okta.patch(f"Groups/{group}", {"op": "replace", "value": {"id": group, "displayName": "Finance"}})
    changed = okta.patch(
        f"Groups/{group}",
        {"op": "remove", "path": f'members[value eq "{dana}"]'},
        {"op": "add", "path": "members", "value": [{"value": finn, "display": "finn@acme.example"}]},
    )

    assert (renamed.status_code, changed.status_code) == (204, 204)
    shown = okta.get(f"Groups/{group}")
    assert (shown["displayName"], [each["value"] for each in shown["members"]]) == ("Finance", [finn])
    replaced = okta.patch(f"Groups/{group}", {"op": "replace", "path": "members", "value": [{"value": dana}]})
    assert replaced.status_code == 204
    assert [each["value"] for each in okta.get(f"Groups/{group}")["members"]] == [dana]
    assert okta.get(f"Users/{dana}")["groups"][0]["display"] == "Finance"


def test_entra_adds_changes_and_disables_somebody(okta: Program, acme):
    sent = {
        "schemas": [USER, ENTERPRISE], "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "dana.day@tenant.example", "active": True, "displayName": "Dana Day",
        "emails": [{"primary": True, "type": "work", "value": DANA}],
        "meta": {"resourceType": "User"}, "name": {"formatted": "Dana Day", "familyName": "Day", "givenName": "Dana"},
        "roles": [], ENTERPRISE: {"department": "Research"},
    }  # fmt: skip
    made = okta.ask("POST", "Users", sent)
    assert (made.status_code, role_in(acme, DANA)) == (201, "viewer")
    path = f"Users/{made.json()['id']}"

    changed = okta.patch(
        path,
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "dana.dusk@acme.example"},
        {"op": "Replace", "path": "name.familyName", "value": "Dusk"},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "7"},
        {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "555"},
    )
    assert changed.json()["name"] == {"formatted": "Dana Day", "familyName": "Dusk", "givenName": "Dana"}
    assert changed.json()["emails"][0]["value"] == "dana.dusk@acme.example"
    assert role_in(acme, "dana.dusk@acme.example") == "viewer"

    off = okta.patch(path, {"op": "Replace", "path": "active", "value": "False"})
    assert (off.json()["active"], role_in(acme, "dana.dusk@acme.example")) == (False, None)
    on = okta.patch(path, {"op": "Add", "path": "active", "value": "True"})
    assert (on.json()["active"], role_in(acme, "dana.dusk@acme.example")) == (True, "viewer")


def test_entra_fills_and_empties_a_group(okta: Program):
    dana = okta.add()["id"]
    made = okta.ask("POST", "Groups", {
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Finance",
        "meta": {"resourceType": "Group"},
    })  # fmt: skip
    path = f"Groups/{made.json()['id']}"

    added = okta.patch(path, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": dana}]})
    again = okta.patch(path, {"op": "Add", "path": "members", "value": [{"value": dana}]})
    assert (made.status_code, added.status_code, again.status_code) == (201, 204, 204)
    assert "members" not in okta.get(path, excludedAttributes="members")
    found = okta.get("Groups", filter='displayName eq "Finance"', excludedAttributes="members")["Resources"]
    assert [each.get("members") for each in found] == [None]
    asked = okta.get("Groups", filter=f'id eq "{made.json()["id"]}" and members eq "{dana}"')
    assert asked["totalResults"] == 1

    gone = okta.patch(path, {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": dana}]})
    assert (gone.status_code, "members" in okta.get(path)) == (204, False)


def test_a_patch_has_so_many_operations_and_no_more(okta: Program):
    pk = okta.add()["id"]
    rename = {"op": "replace", "path": "displayName", "value": "Dana"}

    assert okta.patch(f"Users/{pk}", *[rename] * 100).status_code == 200
    many = okta.patch(f"Users/{pk}", *[rename] * 101)
    assert (many.status_code, many.json()["scimType"]) == (400, "invalidSyntax")


def test_operations_on_members_hold_in_the_order_in_which_they_stand(okta: Program):
    dana, finn, gus = (okta.add(f"{name}@acme.example")["id"] for name in ("dana", "finn", "gus"))
    path = f"Groups/{okta.add_group('All', dana, finn)}"

    def after(*operations) -> list[str]:
        assert okta.patch(path, *operations).status_code == 204
        return [each["value"] for each in okta.get(path).get("members", [])]

    add, drop = ({"op": op, "path": "members", "value": [{"value": gus}]} for op in ("add", "remove"))
    rest = {"op": "add", "path": "members", "value": [{"value": finn}]}
    assert after(add, drop) == [dana, finn]
    assert after(drop, add) == [dana, finn, gus]
    assert after({"op": "add", "value": {"members": [{"value": finn}]}}) == [dana, finn, gus]
    other = okta.patch(path, {"op": "replace", "path": f'members[value eq "{dana}"]', "value": {"value": gus}})
    assert (other.status_code, other.json()["scimType"]) == (400, "mutability")
    both = (
        {"op": "replace", "value": {"displayName": "Most"}},
        {"op": "add", "value": {"displayName": "Some", "members": rest["value"]}},
    )
    assert after(*both, {"op": "remove", "path": f'members[value eq "{finn.upper()}"]'}) == [dana, gus]
    assert okta.get(path)["displayName"] == "Some"
    many = okta.patch(path, *[{"op": "remove", "path": 'members[value eq "7" or value eq "8"]'}] * 6)
    assert (many.status_code, "at most 5" in many.json()["detail"]) == (400, True)
    unknown = okta.patch(path, {"op": "add", "path": "members", "value": [{"value": "7"}]})
    assert (unknown.status_code, unknown.json()["scimType"]) == (400, "invalidValue")
    assert after({"op": "replace", "path": "displayName", "value": "Some"}, {"op": "remove", "path": "members"}) == []
    assert after(rest, {"op": "replace", "value": {"members": [{"value": dana}]}}) == [dana]
    assert okta.get(path, attributes="members.value")["members"] == [{"value": dana}]
    assert [*okta.get(path, attributes="displayName")] == ["schemas", "id", "displayName"]
    assert okta.get("Groups", attributes="members")["Resources"][0]["members"][0]["value"] == dana


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (f'userName eq "{DANA.upper()}"', ["dana"]),
        ('externalId eq "E-1"', ["dana"]),
        ('externalId eq "e-1"', []),
        (f'emails.value eq "{DANA}"', ["dana"]),
        (f'emails[type eq "work"].value eq "{DANA}"', ["dana"]),
        (f'emails[type eq "work" and value eq "{DANA}"]', ["dana"]),
        ("active eq true", ["dana", "finn"]),
        ('active eq "False"', ["gus"]),
        ('displayName eq "dana day"', ["dana"]),
        ('displayName co "an" and active eq true', ["dana"]),
        ('userName sw "finn" or externalId eq "E-1"', ["dana", "finn"]),
        ('not (userName sw "finn")', ["dana", "gus"]),
        ("externalId pr", ["dana"]),
        (f'{USER}:userName eq "{DANA}"', ["dana"]),
        ('id eq "7"', []),
    ],
)
def test_filters_that_find(asked, found, okta: Program):
    okta.add(displayName="Dana Day", externalId="E-1")
    okta.add("finn@acme.example")
    okta.add("gus@acme.example", active=False)

    answer = okta.get("Users", filter=asked)

    assert [each["userName"].split("@")[0] for each in answer["Resources"]] == found
    assert answer["totalResults"] == len(found)


@pytest.mark.parametrize(
    "asked",
    [
        "userName",
        'title eq "x"',
        "userName gt 5",
        "(" * 900,
        '"',
        "x" * 3000,
        'id co "7"',
        'userName ew "\\ud800"',
        'emails[value eq "\\udfff"]',
        'externalId eq "\\u0000"',
    ],
)
def test_filters_that_are_refused_in_scims_shape(asked, okta: Program):
    answer = okta.ask("GET", "Users", filter=asked)

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")
    assert answer.json()["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]
    assert "longer" not in answer.json()["detail"]


def test_pages_and_attributes(okta: Program):
    for name in ("ann", "ben", "cid"):
        okta.add(f"{name}@acme.example")

    second = okta.get("Users", startIndex="2", count="1", attributes="userName")
    assert (second["totalResults"], second["startIndex"], second["itemsPerPage"]) == (3, 2, 1)
    assert [each.keys() for each in second["Resources"]] == [{"schemas", "id", "userName"}]
    assert okta.get("Users", count="0")["itemsPerPage"] == 0
    assert okta.get("Users", startIndex="-5", count="100000")["itemsPerPage"] == 3
    assert okta.get("Users", startIndex="9")["Resources"] == []


def test_what_this_service_cannot_do_it_says(okta: Program):
    config = okta.get("ServiceProviderConfig")
    assert [config[name]["supported"] for name in ("patch", "filter", "bulk", "sort", "etag", "changePassword")] == [
        True, True, False, False, False, False,
    ]  # fmt: skip
    for path in ("Bulk", ".search", "Users/.search", "Me"):
        answer = okta.ask("POST", path, {})
        assert (answer.status_code, answer.json()["status"]) == (501, "501"), path
    assert okta.ask("GET", "Nothing").json()["status"] == "404"
    assert okta.ask("PUT", "Users", {})["Allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "kind"),
    [
        ("POST", "Users", "{", 400, "invalidSyntax"),
        ("POST", "Users", "[]", 400, "invalidSyntax"),
        ("POST", "Users", "{}", 400, None),
        ("POST", "Users", json.dumps({"schemas": [USER], "userName": "dana"}), 400, "invalidValue"),
        ("POST", "Users", json.dumps({"schemas": [USER], "userName": f"{DANA}\0"}), 400, "invalidSyntax"),
        ("POST", "Users", '{"userName": "\\ud800"}', 400, "invalidSyntax"),
        ("POST", "Users", "[" * 5000, 400, "invalidSyntax"),
        ("POST", "Users", '{"a": NaN}', 400, "invalidSyntax"),
        ("POST", "Groups", json.dumps({"schemas": [GROUP], "displayName": " "}), 400, "invalidValue"),
        ("POST", "Groups", json.dumps({"schemas": [GROUP], "displayName": "x", "members": [{"value": "7"}]}), 400, "invalidValue"),
        ("PATCH", "Users/{id}", json.dumps({"schemas": [PATCH], "Operations": []}), 400, "invalidValue"),
        ("PATCH", "Users/{id}", json.dumps({"schemas": [PATCH], "Operations": [{"op": "remove"}]}), 400, "noTarget"),
        ("PATCH", "Users/{id}", json.dumps({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "id", "value": "9"}]}), 400, "mutability"),
        ("PATCH", "Users/{id}", json.dumps({"schemas": [PATCH], "Operations": [{"op": "remove", "path": "userName"}]}), 400, "mutability"),
        ("PATCH", "Users/{id}", json.dumps({"schemas": [PATCH], "Operations": [{"op": "replace", "path": "a[[", "value": "9"}]}), 400, "invalidPath"),
        ("PATCH", "Users/7", json.dumps({"schemas": [PATCH], "Operations": []}), 404, None),
        ("DELETE", "Groups/7", "", 404, None),
    ],
)  # fmt: skip
def test_refusals_have_scims_shape(method, path, content, status, kind, okta: Program):
    pk = okta.add("somebody@acme.example")["id"]

    answer = okta.client.generic(
        method, f"/scim/v2/{path.replace('{id}', pk)}", content, content_type="application/scim+json",
        headers={"Authorization": f"Bearer {okta.token}"},
    )  # fmt: skip

    told = answer.json()
    assert (answer.status_code, told["status"], answer["Content-Type"]) == (
        status,
        str(status),
        "application/scim+json",
    )
    assert kind is None or told.get("scimType") == kind, told


def test_a_body_in_chunks_is_read_as_far_as_it_may_go(okta: Program):
    def send(content: bytes):
        return okta.client.post(
            "/scim/v2/Users",
            content_type="application/scim+json",
            headers={"Authorization": f"Bearer {okta.token}", "Transfer-Encoding": "chunked"},
            **{"CONTENT_LENGTH": "", "wsgi.input": BytesIO(content), "wsgi.input_terminated": True},
        )

    assert send(json.dumps(person()).encode()).status_code == 201
    large = send(b" " * (LARGEST + 1))
    assert (large.status_code, large.json()["schemas"]) == (413, ["urn:ietf:params:scim:api:messages:2.0:Error"])


@pytest.mark.parametrize(
    "long",
    [
        {"userName": "ﷺ" * 200},  # one letter that is eighteen, once it is compared
        {"userName": "d" * 255},
        {"externalId": "d" * 255},
        {"emails": [{"value": DANA, "primary": True}, {"value": f"{'d' * 250}@acme.example"}]},
        {"displayName": "d" * 9000},
        {"emails": [{"value": f"dana{n}@acme.example"} for n in range(900)]},
    ],
)
def test_what_is_too_long_to_be_kept_is_refused(long, okta: Program):
    answer = okta.ask("POST", "Users", person() | long)

    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    assert okta.get("Users")["totalResults"] == 0


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.sampled_from(["False", DANA, "x@evil.example"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "active", "emails", "members", "id", "primary", "$ref", "name"]), inner
        )
    ),
    max_leaves=6,
)
PATHS = st.sampled_from([
    "active", "userName", "emails", "emails.value", 'emails[type eq "work"].value', "emails[primary eq true]", "name",
    "name.givenName", "displayName", "members", 'members[value eq "7"]', "members[]", "meta.location", "schemas", "id",
    "groups", "urn:x:y", "", "externalId", "password", 'emails[value eq "a" and (type pr)]',
]) | st.text(max_size=8)  # fmt: skip
OPERATION = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "Replace", "remove", "move", ""])},
    optional={"path": PATHS | VALUES, "value": VALUES},
)


@pytest.mark.parametrize("kind", ["Users", "Groups"])
def test_no_patch_is_a_5xx(kind, okta: Program):
    pk = okta.add()["id"] if kind == "Users" else okta.add_group("Some", okta.add()["id"])

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
    @given(st.lists(OPERATION, max_size=3) | VALUES)
    def ask(operations) -> None:
        answer = okta.ask("PATCH", f"{kind}/{pk}", {"schemas": [PATCH], "Operations": operations})
        assert answer.status_code < 500, (operations, answer.content)
        assert okta.ask("GET", f"{kind}/{pk}").status_code == 200

    ask()

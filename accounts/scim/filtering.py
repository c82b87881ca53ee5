"""A filter of SCIM as a question to the database."""

import re
from typing import Any
from uuid import UUID

from django.db.models import Q
from scim2_models import SCIMException, ScimFilter
from scim2_models.path.visitor import FilterVisitor

from accounts.models import Membership, Organization
from accounts.naming import fold
from accounts.scim.kept import DirectoryGroupMember
from accounts.scim.refusals import BadFilter

LONGEST = 2_000
NO_TEXT = re.compile("[\0\ud800-\udfff]")
OPERATORS = {"eq": "exact", "co": "contains", "sw": "startswith", "ew": "endswith"}
# attribute, in lower case: (column, whether upper and lower case differ)
OF_USERS = {
    "id": ("pk", True),
    "username": ("name_key", False),
    "externalid": ("external_id", True),
    "displayname": ("told__displayName", False),
    "name.formatted": ("told__name__formatted", False),
    "name.familyname": ("told__name__familyName", False),
    "name.givenname": ("told__name__givenName", False),
}
OF_GROUPS = {
    "id": ("pk", True),
    "displayname": ("display_name", False),
    "externalid": ("external_id", True),
}
SCHEMAS = ("urn:ietf:params:scim:schemas:core:2.0:user:", "urn:ietf:params:scim:schemas:core:2.0:group:")


def question(organization: Organization, text: str, model: type[Any]) -> Q:
    """Raises BadFilter."""
    if len(text) > LONGEST:
        raise BadFilter(f"A filter has {LONGEST:,} characters at most.")
    try:
        parsed: Any = ScimFilter(text)
        return Asked(organization, OF_USERS if model.__name__ == "User" else OF_GROUPS).visit(parsed.ast)
    except (SCIMException, RecursionError, ValueError) as wrong:
        raise BadFilter(str(wrong)[:300] or "This filter cannot be read.") from None


class Asked(FilterVisitor[Q]):
    def __init__(self, organization: Organization, columns: dict[str, tuple[str, bool]]) -> None:
        self.organization, self.columns, self.within = organization, columns, ""

    @property
    def is_of_users(self) -> bool:
        return self.columns is OF_USERS

    def visit_logical_expr(self, node: Any) -> Q:
        asked = self.visit(node.terms[0])
        for term in node.terms[1:]:
            asked = asked & self.visit(term) if node.op.value == "and" else asked | self.visit(term)
        return asked

    def visit_not(self, node: Any) -> Q:
        return ~self.visit(node.expr)

    def visit_present(self, node: Any) -> Q:
        name = self.name_of(node)
        if name in ("id", "username") or (name == "active" and self.is_of_users):
            return Q(pk__isnull=False)
        if name not in self.columns:
            raise self.unknown(name)
        column, _ = self.columns[name]
        return Q(**{f"{column}__isnull": False}) & ~Q(**{column: ""})

    def visit_comparison(self, node: Any) -> Q:
        name, operator, value = self.name_of(node), node.op.value, node.value
        if isinstance(value, str) and NO_TEXT.search(value):
            raise BadFilter("The filter holds a character that no text has.")
        if name in self.columns:
            return self.compared(*self.columns[name], operator, value)
        if self.is_of_users and name == "active" and operator in ("eq", "ne"):
            members = Membership.objects.filter(organization=self.organization).values("user")
            return Q(user__in=members) if (str(value).lower() == "true") == (operator == "eq") else ~Q(user__in=members)
        if operator == "eq" and self.is_of_users and name in ("emails", "emails.value"):
            return Q(addresses__contains=[fold(str(value))])
        if operator == "eq" and self.is_of_users and name == "emails.type":
            return Q(told__emails__contains=[{"type": str(value)}])
        if operator == "eq" and not self.is_of_users and name in ("members", "members.value"):
            inside = DirectoryGroupMember.objects.owned_by(self.organization)
            return Q(pk__in=inside.filter(person_id=value).values("group") if is_uuid(value) else [])
        raise self.unknown(name)

    def compared(self, column: str, is_exact: bool, operator: str, value: Any) -> Q:
        if operator not in (*OPERATORS, "ne") or not isinstance(value, str):
            raise BadFilter("Compare text by eq, ne, co, sw or ew.")
        if column == "pk":
            if operator not in ("eq", "ne"):
                raise BadFilter("Compare an id by eq.")
            asked = Q(pk=value) if is_uuid(value) else Q(pk__in=[])
            return asked if operator == "eq" else ~asked
        value = fold(value) if column == "name_key" else value
        look = OPERATORS.get(operator, "exact")
        asked = Q(**{f"{column}__{look if is_exact else 'i' + look}": value})
        return ~asked if operator == "ne" else asked

    def visit_value_path(self, node: Any) -> Q:
        before, self.within = self.within, self.name_of(node)
        try:
            return self.visit(node.val_filter)
        finally:
            self.within = before

    def name_of(self, node: Any) -> str:
        text = str(node.attr_path).lower()
        for schema in SCHEMAS:
            text = text.removeprefix(schema)
        return f"{self.within}.{text}" if self.within else text

    def unknown(self, name: str) -> BadFilter:
        known = "userName, emails.value, active, name.familyName, name.givenName, " if self.is_of_users else ""
        return BadFilter(f"{name[:60]} cannot be filtered by. Filter by {known}displayName, externalId or id.")


def is_uuid(text: Any) -> bool:
    try:
        return bool(UUID(text))
    except (ValueError, AttributeError, TypeError):
        return False

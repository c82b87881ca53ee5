"""The second wall by itself: scopes, policies, roles (reliability D1 to D4, B17)."""

import ast
import re

import pytest
from django.db import DataError, InternalError, connection, connections, transaction

from accounts.journal import Event, record
from accounts.models import JournalEntry, Membership, Organization
from tests.test_architecture import MODULES, relative
from tokentra.lib.tenancy import (
    OtherScope,
    kept_within,
    name_within,
    organization_scope,
    scoped_organization,
    user_scope,
)

pytestmark = pytest.mark.django_db


def test_d1_the_serving_role_is_no_superuser_and_bypasses_nothing():
    for alias in ("default", "owner", "staff"):
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")

            assert cursor.fetchone() == (False, False)


def test_d1_the_serving_role_cannot_change_the_schema(db):
    with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mine (id int)")
    with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE accounts_journalentry")


def test_d2_d10_a_scope_refuses_another_organization_inside_itself(acme, elsewhere):
    with organization_scope(acme.pk), pytest.raises(OtherScope), organization_scope(elsewhere.pk):
        pass


def test_d2_a_scope_joins_itself_and_ends(acme):
    with organization_scope(acme.pk), organization_scope(acme.pk):
        assert scoped_organization() == acme.pk

    assert scoped_organization() is None


def test_d2_a_scope_takes_nothing_but_a_uuid():
    with pytest.raises(TypeError), organization_scope("'; DROP TABLE accounts_user; --"):
        pass


def test_d3_raw_sql_without_an_organization_raises(acme, alice):
    with organization_scope(acme.pk):
        record(Event.SIGNUP_COMPLETED, alice, acme)

    with pytest.raises(DataError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM accounts_journalentry")


def test_d3_b16_a_forgotten_filter_shows_one_organization_only(acme, alice, elsewhere, mallory):
    for organization, person in ((acme, alice), (elsewhere, mallory)):
        with organization_scope(organization.pk):
            record(Event.SIGNUP_COMPLETED, person, organization)

    with organization_scope(acme.pk):
        seen = set(JournalEntry.objects.values_list("organization_id", flat=True))

    assert seen == {acme.pk}


def test_d3_a_row_of_another_organization_cannot_be_written(acme, elsewhere, mallory):
    with pytest.raises(Exception, match="row-level security"), organization_scope(acme.pk):
        record(Event.SIGNUP_COMPLETED, mallory, elsewhere)


def test_d4_people_see_the_organizations_where_they_belong(alice, acme, mallory, elsewhere):
    with user_scope(alice.pk):
        assert list(Organization.objects.all()) == [acme]
        assert list(Membership.objects.values_list("organization_id", flat=True)) == [acme.pk]

    assert list(Organization.objects.all()) == []


def test_d1_staff_read_everything_and_write_nothing(acme, alice):
    with connections["staff"].cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("tt_staff",)
    with pytest.raises(Exception, match="permission denied"), transaction.atomic(using="staff"):
        Organization.objects.using("staff").update(name="Mine")


def test_the_journal_is_only_added_to(acme, alice):
    with organization_scope(acme.pk):
        entry = record(Event.SIGNUP_COMPLETED, alice, acme)
    with pytest.raises((InternalError, Exception), match="permission denied"), organization_scope(acme.pk):
        JournalEntry.objects.filter(pk=entry.pk).update(event="other")


def test_b17_what_is_named_within_one_organization_is_called_so_in_no_other(acme, elsewhere):
    mine, theirs = acme.pk, elsewhere.pk
    told = [
        (organization, *parts)
        for organization in (mine, theirs)
        for parts in (("export", 1), ("export", f"1:{mine}"), (theirs, "export", 1), (mine, "export", 1), ("", ""))
    ]
    names, kept = [name_within(*each) for each in told], [kept_within(*each) for each in told]

    assert (len(set(names)), len(set(kept))) == (len(told), len(told))
    assert [name[:36] for name in names] == [str(mine)] * 5 + [str(theirs)] * 5
    assert [name[0] for name in kept] == [mine] * 5 + [theirs] * 5
    for named in (name_within, kept_within):
        with pytest.raises(TypeError):
            named("export", mine)


def test_b17_nothing_of_an_organization_is_kept_or_locked_under_another_kind_of_name():
    caching, locking, remembering = set(), set(), set()
    for module in MODULES:
        text = module.read_text()
        is_kept = re.search(
            r"django\.core\.cache import caches?\b|cache import[^#]*?\bin_process\b|\bcache\.in_process\(", text
        )
        if is_kept and "name_within" not in text and "kept_within" not in text:
            caching.add(relative(module))
        if "advisory" in text and "migrations" not in module.parts and "name_within" not in text:
            locking.add(relative(module))
        remembering |= {f"{relative(module)}:{name}" for name in remembered(ast.parse(text))}

    # by person and address, or by how a key begins that is nobody's: before there is an organization
    assert caching - {"tokentra/lib/cache.py"} == {"accounts/limits.py", "accounts/middleware.py", "sdk_keys/nearly.py"}
    assert locking == set()
    assert remembering == set()


def remembered(module: ast.Module) -> set[str]:
    """Functions whose answers are kept in the process and that are told for whom they answer."""
    keeps = re.compile(r"(?:functools\.)?(?:lru_cache|cache|cache_page)\b")
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    keeping = [each for each in functions if any(keeps.match(ast.unparse(one)) for one in each.decorator_list)]
    told = {"organization", "organization_id", "request", "user", "user_id"}
    return {each.name for each in keeping if told & {argument.arg for argument in each.args.args}}

"""A key's end: replaced with a day of grace or none, or revoked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import time_machine
from django.core.cache import caches
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.utils import timezone

from accounts.models import Membership, Organization, User
from accounts.permissions import Role
from sdk_keys import ending
from sdk_keys.ending import EndedAlready
from sdk_keys.issuing import Issued
from sdk_keys.models import ApiKey, KeyState
from tests import make
from tests.conftest import Browser
from tests.sdk_keys.conftest import ask, code_of, issued, now_of
from tokentra.lib.tenancy import organization_scope

pytestmark = pytest.mark.django_db


def replaced(key: ApiKey, *, by: User, at_once: bool = False) -> Issued:
    with organization_scope(key.organization_id):
        member = Membership.objects.select_related("organization", "user").get(user=by)
        return ending.replace(key, at_once=at_once, by=member)


def status(key: str) -> int:
    caches["keys"].clear()
    return ask(key).status_code


def test_e10_both_keys_work_for_24_hours_and_the_use_of_each_is_shown(acme, alice):
    with time_machine.travel("2026-03-04T05:30:00Z", tick=False) as clock:
        old = issued(acme, "read", by=alice)
        assert status(old.clear) == 200
        clock.shift(timedelta(hours=2))
        new = replaced(old.key, by=alice)

        assert status(new.clear) == 200
        assert now_of(old.key).last_used_at.hour == 5
        assert now_of(new.key).last_used_at.hour == 7
        assert now_of(old.key).state(timezone.now()) is KeyState.ENDING
        assert now_of(old.key).replaced_by_id == new.key.pk
        clock.shift(timedelta(hours=23, minutes=59))
        assert (status(old.clear), status(new.clear)) == (200, 200)
        clock.shift(timedelta(minutes=1))
        assert (status(old.clear), status(new.clear)) == (401, 200)


def test_the_audit_log_tells_keys_of_one_name_apart(acme, alice):
    old = issued(acme, by=alice).key
    new = replaced(old, by=alice).key

    page = Browser(alice).get("/settings/audit/").text

    assert f"Key: {new.masked}" in page
    assert f"By: {new.masked}" in page
    assert page.count(f"Key: {old.masked}") == 2  # made, and replaced


def test_a_key_that_may_be_in_wrong_hands_is_replaced_at_once(acme, alice):
    old = issued(acme, "read", by=alice)

    new = replaced(old.key, by=alice, at_once=True)

    assert (status(old.clear), status(new.clear)) == (401, 200)
    assert now_of(old.key).state(timezone.now()) is KeyState.REVOKED


def test_the_new_key_is_for_the_same_and_lasts_as_long(acme, alice):
    with time_machine.travel("2026-03-04T05:30:00Z", tick=False) as clock:
        old = issued(
            acme, "read", "admin", by=alice, environment="test", expires_at=timezone.now() + timedelta(days=30)
        )
        clock.shift(timedelta(days=29, hours=12))
        new = replaced(old.key, by=alice).key

        assert (new.name, new.scopes, new.environment) == (old.key.name, old.key.scopes, "test")
        assert new.expires_at == timezone.now() + timedelta(days=30)
        assert now_of(old.key).expires_at == timezone.now() + timedelta(hours=12)  # it is given no more time


@pytest.mark.parametrize("how", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(days=1)}])
def test_a_key_that_is_over_is_not_replaced(how, acme, alice):
    old = issued(acme, by=alice)
    with organization_scope(acme.pk):
        ApiKey.objects.filter(pk=old.key.pk).update(**how)

    with pytest.raises(EndedAlready):
        replaced(old.key, by=alice)


def test_a_key_is_replaced_once(acme, alice):
    old = issued(acme, by=alice)
    replaced(old.key, by=alice)

    with pytest.raises(EndedAlready):
        replaced(old.key, by=alice)
    with organization_scope(acme.pk):
        assert ApiKey.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_key_is_replaced_once_by_two_at_the_same_moment(acme, alice):
    old = issued(acme, by=alice)
    both = Barrier(2)

    def replace(_):
        both.wait(10)
        try:
            return replaced(old.key, by=alice)
        except EndedAlready as over:
            return over
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as people:
        found = list(people.map(replace, range(2)))

    assert sorted(type(each).__name__ for each in found) == ["EndedAlready", "Issued"]
    with organization_scope(acme.pk):
        assert ApiKey.objects.count() == 2


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_a_role_that_has_no_keys_makes_and_renews_none(role, acme, alice):
    old = issued(acme, by=alice)
    person = make.member(acme, "pat@acme.example", role)

    with pytest.raises(PermissionDenied):
        replaced(old.key, by=person)


def test_a_role_that_shrank_does_not_renew_what_it_gave(acme: Organization, bob: User):
    with organization_scope(acme.pk):
        Membership.objects.filter(user=bob).update(role=Role.ADMIN)
    old = issued(acme, "admin", by=bob)
    with organization_scope(acme.pk):
        Membership.objects.filter(user=bob).update(role=Role.MEMBER)

    with pytest.raises(PermissionDenied):
        replaced(old.key, by=bob)


def test_revoking_twice_keeps_the_first_moment(acme, alice):
    made = issued(acme, "read", by=alice)
    with organization_scope(acme.pk):
        ending.revoke(made.key, by=alice)
    first = now_of(made.key).revoked_at
    with organization_scope(acme.pk):
        ending.revoke(made.key, by=alice)

    assert now_of(made.key).revoked_at == first
    assert code_of(ask(made.clear)) == (401, "key_revoked")

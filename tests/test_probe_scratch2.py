import pytest
from datetime import timedelta
from decimal import Decimal
from providers import connecting
from providers.models import Connection, ReadWindow
from tests import make
from tests.fake_provider.example import KEYS
from tests.providers.conftest import fake, now, short, connect, read, fresh, due_again, billed, secret
from tokentra.lib.tenancy import organization_scope
from django.db.models import Sum
from usage.models import DayDimension
from providers import disconnecting
from accounts.models import Organization

pytestmark = [pytest.mark.django_db, pytest.mark.worker, pytest.mark.usefixtures("short", "fake")]

def show(*a): print("PROBE", *a)

def total(acme):
    with organization_scope(acme.pk):
        t = DayDimension.objects.filter(dimension="model", counted=True, currency="USD").aggregate(a=Sum("amount"))["a"]
        k = DayDimension.objects.filter(dimension="model", tokens_counted=True).aggregate(a=Sum("input"))["a"]
        return t, k

def test_same_key_twice_without_scopes(acme, connect, fake):
    fake.script([{"match": {"path": "costs|projects"}, "do": {"action": "status", "status": 403, "message": "You have insufficient permissions for this operation. Missing scopes: api.usage.read"}}])
    one = connect(acme, "openai"); read(one); show("one", total(acme), fresh(one).account_id, fresh(one).project_ids)
    try:
        two = connect(acme, "openai"); read(two)
        show("two", total(acme), two.pk != one.pk, fresh(two).status)
    except connecting.AlreadyConnected as e:
        show("already", e)

def test_reconnect_after_keep_without_scopes(acme, connect, fake):
    one = connect(acme, "openai"); read(one); show("one", total(acme), fresh(one).account_id, fresh(one).project_ids)
    with organization_scope(acme.pk):
        disconnecting.disconnect(Organization.objects.get(pk=acme.pk), one, data="keep", by=None)
    fake.script([{"match": {"path": "costs|projects", "times": 3}, "do": {"action": "status", "status": 403, "message": "insufficient permissions"}}])
    two = connect(acme, "openai"); show("same connection", two.pk == one.pk)
    fake.script([])
    due_again(two); read(two)
    show("two", total(acme), fresh(two).status, fresh(two).account_id)

def test_reconnect_same(acme, connect, fake):
    one = connect(acme, "openai"); read(one); a = total(acme)
    with organization_scope(acme.pk):
        disconnecting.disconnect(Organization.objects.get(pk=acme.pk), one, data="keep", by=None)
    two = connect(acme, "openai"); read(two); show("reconnect", a == total(acme), one.pk == two.pk)

def test_replay(acme, connect, fake):
    one = connect(acme, "openai"); read(one); a = total(acme)
    due_again(one); read(one); show("replay", a == total(acme))
    fake.script([{"match": {"path": "costs"}, "do": {"action": "status", "status": 403, "message": "insufficient permissions"}}])
    due_again(one); read(one); show("replay under failure", a == total(acme))

"""The clients page: each workspace by itself, with spend, change and how far it was read."""

from datetime import timedelta

from accounts.models import Membership
from accounts.permissions import Role
from tests import make
from tests.conftest import Browser
from tests.usage.accounts_of import MINI
from tests.usage.pages.accounts_read import NOW, on, openai, whole_history
from tokentra.lib.tenancy import user_scope
from usage import clients
from usage.rows import Ledger, Tokens


def workspaces(user, *, now=NOW, **options):
    with user_scope(user.pk):
        memberships = list(Membership.objects.of(user))
    return clients.clients(memberships, now=now, **options)


def spent(organization, millions: int) -> None:
    whole_history(openai(organization), on(2, model=MINI, tokens=Tokens(input=millions * 1_000_000)))


def test_workspaces_stand_side_by_side_the_dearest_first(alice, acme):
    small, large = make.organization("Small", owner=alice), make.organization("Large", owner=alice)
    spent(small, 1)
    spent(large, 5)

    found = workspaces(alice)

    assert [each.organization.name for each in found.shown] == ["Large", "Small", "Acme"]
    assert found.shown[0].spend == found.shown[1].spend * 5
    assert found.spend == found.shown[0].spend + found.shown[1].spend
    assert (found.shown[2].spend, found.shown[2].until) == (None, None)


def test_what_was_not_read_for_days_is_marked(alice, acme):
    spent(acme, 1)

    [shown] = workspaces(alice).shown
    assert not shown.is_late
    with user_scope(alice.pk):
        memberships = list(Membership.objects.of(alice))
    assert clients.clients(memberships, now=NOW + clients.LATE * 2).shown[0].is_late


def test_an_account_that_ended_keeps_nobody_waiting(alice, acme):
    gone = openai(acme)
    long_ago = NOW - clients.LATE * 5
    gone.reads(Ledger.USAGE, start=long_ago.date() - timedelta(days=89), days=90, now=long_ago)
    spent(acme, 1)
    held_back = workspaces(alice).shown[0]

    gone.ends(long_ago)

    [shown] = workspaces(alice).shown
    assert (held_back.until, held_back.is_late) == (long_ago, True)
    assert (shown.until, shown.is_late) == (NOW, False)


def test_a_workspace_whose_accounts_have_all_ended_is_not_late(alice, acme):
    gone = whole_history(openai(acme), on(2, model=MINI))
    gone.ends(NOW)

    later = workspaces(alice, now=NOW + clients.LATE * 5).shown[0]

    assert (later.until, later.is_late) == (NOW, False)


def test_the_search_is_by_name_and_the_page_keeps_it(alice, acme, alices):
    make.organization("Northwind", owner=alice)

    page = alices.get("/clients/", {"q": "north"}).content.decode()

    assert "Northwind" in page
    assert 'value="north"' in page
    assert "No workspace of this name" in alices.get("/clients/", {"q": "zzz"}).content.decode()


def test_b13_only_workspaces_of_ones_own_are_there(acme, alice, mallory, elsewhere):
    bob = make.member(acme, "bob2@acme.example", Role.VIEWER)

    assert [each.organization.name for each in workspaces(bob).shown] == ["Acme"]
    assert "Acme" not in Browser(mallory).get("/clients/").content.decode()


def test_many_workspaces_are_cut_and_said_to_be(alice, acme, alices, monkeypatch):
    monkeypatch.setattr(clients, "SHOWN", 1)
    make.organization("Northwind", owner=alice)

    assert "1 of 2 workspaces are shown" in alices.get("/clients/").content.decode()


def test_the_sidebar_has_it_for_people_of_several_workspaces(alice, acme, alices):
    assert 'href="/clients/"' not in alices.get("/providers/").content.decode()

    make.organization("Northwind", owner=alice)
    assert 'href="/clients/"' in alices.get("/providers/").content.decode()

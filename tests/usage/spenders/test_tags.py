"""Tags are chosen on a page of their own, and then are dimensions like all others."""

import pytest
from django.urls import reverse

from tests.usage.spenders.test_api import ask
from tests.usage.spenders.test_customers import call
from tokentra.lib.tenancy import organization_scope
from usage.measured import SummedTag
from usage.measuring import tracking

pytestmark = pytest.mark.django_db
PAGE, ADD = "/attribution/tags/", "/attribution/tags/add/"


def chosen(organization):
    with organization_scope(organization.pk):
        return list(SummedTag.objects.owned_by(organization).order_by("name").values_list("name", flat=True))


@pytest.fixture
def told(acme, alices, send):
    """Three calls by region, one without."""
    alices.post(ADD, {"name": "region"})
    tracking.forget()
    send(
        call("alice", cost="3", tags={"region": "eu", "plan": "gold"}),
        call("bob", cost="2", model="gpt-4o", tags={"region": "eu"}),
        call("bob", cost="1", tags={"region": "us/west"}),
        call("carol", cost="4"),
    )


def test_a_tag_is_chosen_and_left_off_again(acme, alices, send):
    send(call("alice", tags={"plan": "gold"}))
    page = alices.get(PAGE).content.decode()
    assert "No tag is added up yet" in page
    assert "Your newest calls carry: plan" in page

    page = alices.post(ADD, {"name": " region "}, follow=True).content.decode()
    assert "added up by region from now on" in page
    assert chosen(acme) == ["region"]
    with organization_scope(acme.pk):
        tag = SummedTag.objects.get()
    page = alices.post(reverse("usage:leave_off_summed_tag", args=[tag.pk]), follow=True).content.decode()

    assert "no longer added up by region" in page
    assert chosen(acme) == []


def test_a_tag_that_is_chosen_is_said_to_be_so(acme, alices):
    alices.post(ADD, {"name": "region"}, follow=True)

    page = alices.post(ADD, {"name": " region"}, follow=True).content.decode()

    assert "Calls are added up by region already." in page
    assert "from now on" not in page
    assert chosen(acme) == ["region"]


@pytest.mark.parametrize("name", ["content", "Prompt", "system_prompt"])
def test_what_is_never_stored_cannot_be_chosen(name, acme, alices):
    answer = alices.post(ADD, {"name": name})

    assert answer.status_code == 422
    assert f"Nothing is stored under the name {name}" in answer.content.decode()
    assert chosen(acme) == []


def test_what_was_typed_stays_beside_what_is_wrong(acme, alices):
    name = "x" * 65
    answer = alices.post(ADD, {"name": name})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert name in page
    assert "1 to 64 characters" in page


def test_only_owners_and_admins_choose(acme, bob, client):
    client.force_login(bob)

    assert client.post(ADD, {"name": "region"}).status_code == 403
    assert chosen(acme) == []
    page = client.get(PAGE).content.decode()
    assert "Owners and admins choose tags" in page
    assert ADD not in page


def test_the_tag_of_another_organization_is_not_there(acme, alices, elsewhere):
    with organization_scope(elsewhere.pk):
        tag = SummedTag.objects.create(organization=elsewhere, name="secret")

    assert alices.post(reverse("usage:leave_off_summed_tag", args=[tag.pk])).status_code == 404
    assert alices.get(reverse("usage:measured", args=["tag:secret"])).status_code == 404
    assert chosen(elsewhere) == ["secret"]


def test_a_chosen_tag_has_the_pages_of_a_dimension(alices, told):
    page = alices.get(reverse("usage:measured", args=["tag:region"])).content.decode()
    assert f'href="{PAGE}"' in page
    assert "Values of region" in page
    assert "$5.00" in page
    assert "us/west" in page
    one = alices.get(reverse("usage:measured_value", args=["tag:region", "us/west"])).content.decode()
    assert "$1.00" in one
    assert alices.get(reverse("usage:measured", args=["tag:plan"])).status_code == 404


@pytest.mark.parametrize("name", ["a/b", "cost unit", "ümlaut", "a:b?c#d"])
def test_any_name_that_a_tag_may_have_has_its_pages(name, alices, send):
    alices.post(ADD, {"name": name})
    tracking.forget()
    send(call("alice", cost="3", tags={name: "x/y"}))

    assert "x/y" in alices.get(reverse("usage:measured", args=[f"tag:{name}"])).content.decode()
    assert alices.get(reverse("usage:measured_value", args=[f"tag:{name}", "x/y"])).status_code == 200


@pytest.mark.parametrize(
    ("query", "keys", "found"),
    [
        ("groupBy=tag:region", ("tag:region", "cost"), [("eu", "5.00"), ("us/west", "1.00")]),
        ("groupBy=day,tag:region", ("tag:region", "requests"), [("eu", 2), ("us/west", 1)]),
        ("groupBy=model&filter[tag:region]=eu", ("model", "cost"), [("gpt-4o", "2.00"), ("gpt-4o-mini", "3.00")]),
    ],
)
def test_it_is_answered_over_json(query, keys, found, alices, told):
    items = ask(alices, f"/api/usage/stats?ledger=measured&{query}")["items"]

    assert [tuple(item[key] for key in keys) for item in items] == found


@pytest.mark.parametrize("query", ["groupBy=tag:plan", "groupBy=tag:region,customer", "filter[tag:plan]=gold"])
def test_what_is_not_added_up_is_refused_over_json(query, alices, told):
    assert alices.get(f"/api/usage/stats?ledger=measured&{query}").status_code == 422


@pytest.mark.parametrize("query", ["tag:region=eu", "group=day&group=tag:region"])
def test_a_link_by_a_tag_that_was_left_off_does_not_show_all_calls_instead(query, acme, alices, told):
    address = f"/usage/measured/?{query}"
    assert alices.get(address).status_code == 200
    with organization_scope(acme.pk):
        tag = SummedTag.objects.get()
    alices.post(reverse("usage:leave_off_summed_tag", args=[tag.pk]))

    answer = alices.get(address)

    assert answer.status_code == 422
    assert "Calls are not added up by the tag region." in answer.text
    assert alices.get(f"/usage/measured.csv?{query}").status_code == 422


def test_ten_are_chosen_at_most(acme, alices):
    for n in range(10):
        alices.post(ADD, {"name": f"t{n}"})

    assert "Leave one off to choose another" in alices.get(PAGE).content.decode()
    assert alices.post(ADD, {"name": "t10"}).status_code == 422
    assert len(chosen(acme)) == 10

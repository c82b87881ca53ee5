"""Features before their time: the page that explains, the way in all the same, and the place under "More"."""

import re

from django.core.cache import cache

from accounts.models import Organization
from onboarding.guidance import doors
from tests import make
from tests.conftest import Browser
from tests.onboarding.guidance.conftest import lines, seen
from tests.usage.measuring.conftest import NOON, event
from tests.usage.pages.accounts_read import two_settled_days
from usage.measuring import catching_up, tracking

EARLY = "Not much to see here yet"
MEASURED_PAGES = ["Customers", "Agents", "Runs"]


def groups(browser, path="/dashboard/"):
    """The sidebar's headings with their entries, in order."""
    nav = re.search(r'(?s)<nav class="side-nav".*?</nav>', browser.get(path).content.decode())[0]
    found = re.findall(r'(?s)<p class="side-heading">([^<]+)</p>|<span>([^<]+)</span>', nav)
    sidebar: dict[str, list[str]] = {}
    for heading, entry in found:
        if heading:
            sidebar[heading] = []
        else:
            sidebar[next(reversed(sidebar))].append(entry)
    return sidebar


def test_before_its_time_a_page_says_what_makes_it_useful(acme, alices):
    page = alices.get("/optimization/")

    assert page.status_code == 200
    assert EARLY in page.content.decode()
    assert "becomes useful when seven days of your use are here" in page.content.decode()
    assert "Open it anyway" in page.content.decode()
    assert lines(acme, "optimization_first_view") == []


def test_opened_anyway_it_stays_open_for_that_person_alone(acme, alice, bob, alices, bobs):
    assert groups(alices)["More"] == ["Attribution", *MEASURED_PAGES, "Optimization", "Routing"]

    assert alices.post("/onboarding/features/optimization_engine/").url == "/optimization/"
    alices.post("/onboarding/features/optimization_engine/")

    assert "At least 100 requests" in alices.get("/optimization/").content.decode()
    assert groups(alices)["More"] == ["Attribution", *MEASURED_PAGES, "Routing"]
    assert seen(acme, alice) == {"early optimization_engine": "started"}
    assert lines(acme, "feature_opened_early") == [{"feature": "optimization_engine"}]
    assert EARLY in bobs.get("/optimization/").content.decode()
    assert groups(bobs)["More"] == ["Attribution", *MEASURED_PAGES, "Optimization", "Routing"]


def test_a_new_session_finds_it_open(acme, alice, alices):
    alices.post("/onboarding/features/optimization_engine/")

    assert EARLY not in Browser(alice).get("/optimization/").content.decode()


def test_once_useful_nothing_stands_in_the_way_of_anybody(acme, alices, bobs):
    two_settled_days(acme)

    assert EARLY not in bobs.get("/optimization/").content.decode()
    assert "Optimization" in groups(bobs)["Improve"]
    assert "Optimization" in groups(alices)["Improve"]


def test_attribution_waits_for_the_first_spend_whoever_tells_of_it(acme, alices):
    page = alices.get("/attribution/").content.decode()
    assert EARLY in page
    assert "becomes useful when your code has reported a call, or a day of your use is here" in page
    assert "Attribution" in groups(alices)["More"]

    make.spend(acme, make.connection(acme), "1.50", days_ago=0)
    assert EARLY in alices.get("/attribution/").content.decode()  # the day is not over, and nothing before it was read

    make.spend(acme, make.connection(acme), "1.50", days_ago=1)
    assert EARLY not in alices.get("/attribution/").content.decode()
    assert "Attribution" in groups(alices)["See"]


def test_only_features_with_a_page_are_opened(alices):
    assert alices.post("/onboarding/features/basic_dashboard/").status_code == 404
    assert alices.post("/onboarding/features/nothing/").status_code == 404
    assert alices.get("/onboarding/features/optimization_engine/").status_code == 405


def test_corners_and_json_pass_by(alices):
    as_a_corner = alices.get("/optimization/", headers={"HX-Request": "true"}).content.decode()

    assert EARLY not in as_a_corner
    assert alices.get("/dashboard/insight/").status_code == 200


def test_a_stranger_meets_the_login_page_and_nothing_else(client, db):
    assert client.get("/optimization/").url.startswith("/login/")


def test_in_the_sample_everything_is_open_that_it_has_data_for(acme, alice, alices):
    sample = make.organization("Sample", owner=alice, is_sample=True)
    alices.post(f"/organizations/{sample.pk}/enter/")

    assert EARLY not in alices.get("/optimization/").content.decode()
    assert groups(alices)["More"] == MEASURED_PAGES


def test_one_organizations_unlock_opens_nothing_in_anothers(acme, alice, alices):
    two_settled_days(acme)
    alices.get("/optimization/")
    client = make.organization("Client", owner=alice)
    alices.post(f"/organizations/{client.pk}/enter/")

    assert EARLY in alices.get("/optimization/").content.decode()
    alices.post(f"/organizations/{acme.pk}/enter/")
    assert groups(alices)["More"] == [*MEASURED_PAGES, "Routing"]


def test_the_sidebar_costs_one_query_until_all_is_open_and_none_after(
    acme: Organization, alice, alices, django_assert_num_queries, rf
):
    from accounts.models import Membership
    from tokentra.lib.tenancy import organization_scope

    request = rf.get("/dashboard/")
    request.session = {}
    request.organization = acme
    with organization_scope(acme.pk):
        request.membership = Membership.objects.get(organization=acme, user=alice)
        with django_assert_num_queries(3):  # the look, and a savepoint around it
            assert doors.open_features(request) == frozenset()
        features = sorted(doors.BY_VIEW.values(), key=lambda each: each.id in doors.BY_CALLS)
        for feature in features[:-1]:
            doors.open_early(request.membership, feature)
        assert doors.open_features(request) == doors.GATED - doors.BY_CALLS
        with django_assert_num_queries(0):  # without events nothing else can have become useful
            assert doors.open_features(request) == doors.GATED - doors.BY_CALLS
        doors.open_early(request.membership, features[-1])
        assert doors.open_features(request) == doors.GATED
        tracking.track(acme.pk, [event()], key_id=None, now=NOON)
        catching_up.add_up(acme.pk)  # as the next scope would; this one stays open
        with django_assert_num_queries(0):  # whether there are events is asked again after some seconds
            assert doors.open_features(request) == doors.GATED
        cache.clear()
        assert doors.open_features(request) == doors.WAITING
        with django_assert_num_queries(0):
            assert doors.open_features(request) == doors.WAITING


def test_pages_of_what_was_measured_wait_for_the_first_event_and_are_never_closed(acme, alices):
    assert groups(alices)["More"] == ["Attribution", *MEASURED_PAGES, "Optimization", "Routing"]
    assert "Customers will be here" in alices.get("/customers/").content.decode()

    tracking.track(acme.pk, [event()], key_id=None, now=NOON)

    assert groups(alices)["See"][-3:] == MEASURED_PAGES
    assert groups(alices)["More"] == ["Attribution", "Optimization", "Routing"]


def test_a_page_that_is_drawn_outside_a_scope_has_its_sidebar_too(acme, alices):
    assert "More" in groups(alices, "/providers/connect/openai/")
    assert "More" in groups(alices, "/settings/organization/")

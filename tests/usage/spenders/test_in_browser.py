"""The pages of measured spend in a browser: no fault that axe finds, on a desk and on a phone, by day and by night."""

import os
from urllib.parse import quote

import pytest
from django.utils import timezone
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership, Organization, User
from onboarding.guidance.unlocks import FEATURES
from tests.onboarding.guidance.in_browser import celebrated, open_page, sitting
from tests.test_ui import faults
from tests.usage.spenders import stories
from tokentra.lib.tenancy import organization_scope
from usage.measuring import choosing_tags, tracking

SEEN = (
    "/customers/",
    "/customers/alice/",
    "/agents/",
    "/agents/planner/?period=24h",
    "/runs/?sort=-cost",
    "/runs/run-2026%2F11/",
    "/attribution/measured/team/",
    "/attribution/measured/team/Support/",
    "/attribution/measured/api_key/",
    "/attribution/measured/tag:region/",
    "/attribution/tags/",
    "/usage/measured/",
    "/usage/measured/?group=model&group=tag%3Aregion",
    "/usage/measured/?customer=nobody",
    "/dashboard/?customer=alice",
    "/dashboard/",
    f"/customers/{stories.LONG}/",
    f"/agents/{stories.LONG}/",
    f"/runs/{stories.LONG}/",
    f"/runs/?customer={stories.LONG}&agent={stories.LONG}",
    f"/attribution/measured/feature/{stories.LONG}/",
    f"/dashboard/?customer={stories.LONG}",
)


EMPTY = (
    "/customers/",
    "/agents/",
    "/runs/",
    "/attribution/measured/team/",
    "/attribution/tags/",
    "/usage/measured/",
    "/settings/sdk/",
)
ALL = [feature.id for feature in FEATURES]


def tags_chosen(organization: Organization) -> None:
    """One that calls of the story carry, and one with a long name."""
    with organization_scope(organization.pk):
        owner = Membership.objects.get(organization=organization)
        for name in ("region", "a tag whose name is very long, sixty-four characters in all, ok"):
            choosing_tags.choose(name, by=owner)


@pytest.mark.parametrize(("width", "theme"), [pytest.param(1440, "light", marks=pytest.mark.long), (390, "dark")])
def test_pages_of_measured_spend_have_no_fault(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User, width: int, theme: str
):
    tags_chosen(acme)
    stories.told(acme, timezone.now(), customers=12, calls=300)

    celebrated(alice, *ALL)
    with sitting(browser, live_server.url, alice, width=width, theme=theme) as page:
        for path in SEEN:
            open_page(page, path)
            if "SHOTS" in os.environ:
                page.wait_for_timeout(400)
                page.screenshot(
                    path=f"{os.environ['SHOTS']}/{quote(path, safe='')}-{width}-{theme}.png", full_page=True
                )
            assert faults(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        open_page(page, "/attribution/tags/")
        page.get_by_label("Name of the tag").fill(" ")
        page.get_by_role("button", name="Add up by this tag").click()
        page.get_by_text("A tag's name has 1 to 64 characters.").wait_for()
        assert faults(page) == []


@pytest.mark.parametrize("width", [1440, 390])
def test_empty_pages_teach_and_have_no_fault(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User, width: int
):
    celebrated(alice, *ALL)
    with sitting(browser, live_server.url, alice, width=width) as page:
        for path in EMPTY:
            open_page(page, path)
            if "SHOTS" in os.environ:
                page.screenshot(path=f"{os.environ['SHOTS']}/empty-{quote(path, safe='')}-{width}.png", full_page=True)
            assert faults(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_the_dashboard_has_its_measured_part_and_leads_to_one_customer(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=80)

    celebrated(alice, *ALL)
    with sitting(browser, live_server.url, alice) as page:
        open_page(page, "/dashboard/")
        page.get_by_role("heading", name="Measured by your own code").wait_for()
        if "SHOTS" in os.environ:
            page.wait_for_timeout(400)
            page.screenshot(path=f"{os.environ['SHOTS']}/dashboard.png", full_page=True)
        assert faults(page) == []
        page.get_by_label("Customer", exact=True).select_option("alice")
        page.get_by_role("button", name="Show this customer").click()
        page.get_by_text("bills do not know your customers").wait_for()


@pytest.mark.parametrize("width", [1440, 390])
def test_who_may_be_chosen_on_the_dashboard_can_be_read_and_all_others_are_a_link(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User, width: int
):
    stories.told(acme, timezone.now(), customers=60, calls=900)

    celebrated(alice, *ALL)
    with sitting(browser, live_server.url, alice, width=width) as page:
        open_page(page, "/dashboard/")
        chosen = page.get_by_label("Customer", exact=True)
        chosen.wait_for()
        note = page.get_by_role("link", name="All customers").locator("xpath=..")

        assert chosen.evaluate("(it) => it.getBoundingClientRect().width") >= 150
        assert note.evaluate("(it) => it.getClientRects().length") == 1
        assert faults(page) == []


def test_a_call_opens_beside_its_run_by_keyboard_and_is_a_page_of_its_own(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=1)

    celebrated(alice, *ALL)
    with sitting(browser, live_server.url, alice) as page:
        open_page(page, "/runs/run-2026%2F11/")
        link = page.get_by_role("link", name="web_search").first
        link.focus()
        page.keyboard.press("Enter")

        page.get_by_text("Read from cache").wait_for()
        assert page.url.endswith("/runs/run-2026%2F11/")
        if "SHOTS" in os.environ:
            page.screenshot(path=f"{os.environ['SHOTS']}/panel.png", full_page=True)
        assert faults(page) == []

        page.goto(str(link.get_attribute("href")))
        assert page.get_by_role("heading", level=1).inner_text() == "gpt-4o"
        assert page.get_by_role("cell", name="Output").is_visible()
        assert faults(page) == []


def test_the_panel_takes_the_focus_and_keeps_to_the_last_click(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=1)

    celebrated(alice, *ALL)
    with sitting(browser, live_server.url, alice, meant=("sendAbort", "afterRequest")) as page:
        open_page(page, "/runs/run-2026%2F11/")
        calls = page.locator(".tree-cell a")
        page.route("**/calls/**", lambda _: None, times=1)  # an answer that does not come
        calls.nth(0).click()
        page.locator("#call.htmx-request").wait_for()
        with page.expect_event("requestfailed"):
            calls.nth(1).click()
        expect(page.locator("#call h2").first).to_have_text("gpt-4o")
        expect(page.locator("#call")).to_be_focused()
        expect(page.locator(".tree-cell [aria-current]")).to_have_text("web_search")
        page.evaluate("() => Promise.allSettled(document.getAnimations().map((each) => each.finished))")
        assert faults(page) == []
        page.keyboard.press("Escape")
        expect(calls.nth(1)).to_be_focused()


def test_where_the_panel_does_not_come_the_page_of_the_call_says_why(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=1)
    celebrated(alice, *ALL)
    with sitting(browser, live_server.url, alice, meant=("401",)) as page:
        open_page(page, "/runs/run-2026%2F11/")
        page.context.clear_cookies()
        page.locator(".tree-cell a").first.click()
        page.wait_for_url("**/login/?next=/calls/**")


def test_figures_of_a_call_stand_two_beside_one_another_on_a_phone(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=80)
    celebrated(alice, *ALL)

    with sitting(browser, live_server.url, alice, width=390) as page:
        open_page(page, "/customers/alice/")
        call = page.get_by_role("region", name="Recent calls").locator("tbody tr").first
        tops = {label: call.locator(f"[data-label={label}]").bounding_box()["y"] for label in ("Model", "In", "Out")}

    assert tops["Model"] < tops["In"] == tops["Out"]


def test_a_long_name_is_a_link_no_wider_than_its_row(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    now, name = timezone.now(), "customer-" * 28
    spent = {"occurredAt": now.isoformat(), "provider": "openai", "model": "gpt-4o", "cost": {"amount": "900"}}
    tracking.track(acme.pk, [spent | {"customerId": name}], key_id=None, now=now)
    celebrated(alice, *ALL)

    with sitting(browser, live_server.url, alice) as page:
        open_page(page, "/dashboard/?period=24h")
        row = page.locator(".ranked-row").filter(has=page.get_by_role("link", name=name, exact=True))
        whole, link = row.bounding_box(), row.get_by_role("link").bounding_box()

    assert link["x"] + link["width"] <= whole["x"] + whole["width"]


def test_no_figure_is_cut_off_however_long_the_names_beside_it_are(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), customers=12, calls=80)
    celebrated(alice, *ALL)

    with sitting(browser, live_server.url, alice, width=1280) as page:
        for path in (
            "/runs/",
            "/agents/",
            "/customers/",
            "/usage/measured/?group=model&group=customer",
            f"/agents/{stories.LONG}/",
        ):
            open_page(page, path)
            tables = page.locator(".table-scroll:visible")
            assert tables.count(), path
            for table in tables.all():
                assert table.evaluate("(it) => it.scrollWidth <= it.clientWidth"), (
                    path,
                    table.get_attribute("aria-label"),
                )


def test_tools_of_an_agent_are_blocks_on_a_phone_like_its_calls(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=1)
    celebrated(alice, *ALL)

    with sitting(browser, live_server.url, alice, width=390) as page:
        open_page(page, "/agents/planner/")
        tool = page.get_by_role("region", name="Tools used").locator("tbody tr").first
        tops = {
            label: tool.locator(f"[data-label={label}]").bounding_box()["y"] for label in ("Tool", "Calls", "Errors")
        }

    assert tops["Tool"] < tops["Calls"] == tops["Errors"]


def test_filters_open_inside_the_window_also_where_they_come_later(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=1)
    celebrated(alice, *ALL)

    with sitting(browser, live_server.url, alice, width=1280) as page:
        for path in ("/dashboard/", "/usage/measured/", "/dashboard/?filters=open"):
            open_page(page, path)
            page.evaluate("htmx.config.defaultSettleDelay = 60_000")  # in its place at once, not once settled
            filters = page.locator("details", has=page.locator("summary", has_text="Filter"))
            if "open" not in path:
                filters.locator("summary").click()
            expect(filters.locator("select").first).to_be_visible()
            panel = filters.locator(".pop-panel").bounding_box()

            assert panel["x"] >= 0, path
            assert panel["x"] + panel["width"] <= 1280, path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_actions_of_a_page_stand_beside_its_title(
    browser: Chromium, live_server: LiveServer, acme: Organization, alice: User
):
    stories.told(acme, timezone.now(), calls=1)
    celebrated(alice, *ALL)

    with sitting(browser, live_server.url, alice, width=1280) as page:
        open_page(page, "/runs/")
        words, action = (page.locator(each).bounding_box() for each in (".page-words", ".page-actions .btn"))

    assert action["y"] < words["y"] + words["height"]
    assert action["x"] >= words["x"] + words["width"]

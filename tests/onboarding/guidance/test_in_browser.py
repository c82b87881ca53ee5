"""Guidance as a person meets it: by keyboard alone, one thing at a time, in every look, and never in the way."""

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from onboarding.guidance import tips, tours
from tests.conftest import Browser
from tests.onboarding.guidance.conftest import lines, seen
from tests.onboarding.guidance.in_browser import celebrated, connected, guided, open_page, sitting, told
from tests.product import wait_for
from tests.test_ui import SHIFTS, faults
from usage.measuring import tracking

LOOKS = [  # the quick set sees each colour and each width once
    *[("light", 1440), ("dark", 390)],
    *(pytest.param(*look, marks=pytest.mark.long) for look in [("dark", 1440), ("light", 390)]),
]
ALL = ("basic_dashboard", "provider_insights", "cost_attribution", "optimization_engine")
TOUR = tours.BY_ID["dashboard_intro"]
CARD = ".driver-popover"


@pytest.fixture
def url(live_server) -> str:
    return live_server.url


@pytest.fixture
def settled(acme, alice, url):
    """Alice has figures, has closed the banner about them, celebrated, and answered no question."""
    browser = Browser(alice)
    browser.get("/onboarding/company/")
    connected(acme, alice)
    browser.get("/dashboard/")  # the banner about first figures belongs to this session
    browser.get("/onboarding/guide/")
    celebrated(alice, *ALL)
    return acme


def has_focus(page, selector: str) -> bool:
    return page.evaluate("(selector) => Boolean(document.activeElement?.closest(selector))", selector)


# Celebration


def test_an_unlock_is_celebrated_once_and_closed_by_keyboard(browser, acme, alice, url):
    with sitting(browser, url, alice) as page:
        open_page(page, "/dashboard/")
        dialog = page.get_by_role("dialog", name="Your dashboard is ready!")
        expect(dialog).to_be_visible()
        expect(page.get_by_text("Got it")).to_be_focused()

        with told(page):
            page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        open_page(page, "/dashboard/")
        expect(page.locator("check-list")).to_be_visible()
        assert page.locator("feature-celebration").count() == 0

    assert lines(acme, "feature_unlock_celebrated") == [{"feature": "basic_dashboard"}]


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_celebration_has_no_fault_that_axe_finds(theme, width, browser, acme, alice, url):
    connected(acme, alice)
    with sitting(browser, url, alice, theme=theme, width=width) as page:
        open_page(page, "/usage/")
        expect(page.get_by_role("dialog")).to_be_visible()

        assert faults(page) == []


def test_nothing_opens_in_the_middle_of_typing_or_of_a_click(browser, acme, alice, url):
    with sitting(browser, url, alice) as page:
        corner = []

        def hold(route):
            corner.append(route)

        def answer():
            while not corner:
                page.wait_for_timeout(20)
            corner.pop().continue_()
            page.locator("feature-celebration").wait_for(state="attached")

        page.route("**/onboarding/guide/**", hold)
        name, save = page.get_by_label("Name", exact=True), page.get_by_role("button", name="Save organization")
        page.goto("/settings/organization/")
        name.fill("Acme a")
        answer()
        page.keyboard.press("End")
        page.keyboard.type("nd sons")
        expect(name).to_have_value("Acme and sons")

        page.goto("/settings/organization/")
        save.hover()
        page.mouse.down()
        answer()
        page.mouse.up()
        expect(page.get_by_text("The organization was saved.")).to_be_visible()
        answer()
        expect(page.get_by_role("dialog", name="Your dashboard is ready!")).to_be_visible()


def test_following_a_next_step_counts_as_celebrated(browser, acme, alice, url):
    with sitting(browser, url, alice) as page:
        open_page(page, "/dashboard/")
        page.get_by_role("link", name="Connect a provider to see your data").click()
        page.wait_for_url("**/providers/")
        # it is told while the page is left, so nobody is there to see the answer
        wait_for(lambda: lines(acme, "feature_unlock_celebrated"), 30, "the celebration is noted")

    assert len(lines(acme, "feature_unlock_celebrated")) == 1


# Checklist


def test_the_launcher_opens_closes_and_goes_by_keyboard(browser, acme, alice, url):
    celebrated(alice, "basic_dashboard")
    with sitting(browser, url, alice) as page:
        open_page(page, "/dashboard/")
        head = page.locator("check-list summary")
        assert page.locator(".launcher-next").inner_text() == "Connect a provider"

        head.focus()
        page.keyboard.press("Enter")
        expect(page.get_by_text("Review your cost breakdown")).to_be_visible()
        expect(page.locator(".launcher-next")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.get_by_text("Review your cost breakdown")).to_be_hidden()
        expect(head).to_be_focused()

        page.keyboard.press("Enter")
        page.get_by_role("button", name="Dismiss for good").focus()
        with told(page):
            page.keyboard.press("Enter")
        expect(page.get_by_text("Your list stays on the Help page.")).to_be_focused()

        page.goto("/help/")
        page.get_by_role("button", name="Show it on every page again").click()
        open_page(page, "/dashboard/")
        expect(page.locator("check-list")).to_be_visible()

    assert len(lines(acme, "checklist_dismissed")) == 1


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_the_launcher_and_help_have_no_fault_that_axe_finds(theme, width, browser, acme, alice, url):
    celebrated(alice, "basic_dashboard")
    with sitting(browser, url, alice, theme=theme, width=width) as page:
        open_page(page, "/dashboard/")
        expect(page.locator("check-list")).to_be_visible()
        assert faults(page) == []
        page.locator("check-list summary").click()
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        open_page(page, "/help/")
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.goto("/optimization/")
        assert faults(page) == []


def test_the_corner_is_one_request_and_moves_nothing(browser, settled, alice, url):
    with sitting(browser, url, alice) as page:
        page.add_init_script(SHIFTS)
        asked = []
        page.on("request", lambda request: asked.append(request.url.removeprefix(url)))
        open_page(page, "/usage/")
        expect(page.locator("check-list")).to_be_visible()
        page.wait_for_load_state("networkidle")

        assert sorted(path for path in asked if not path.startswith("/static/")) == [
            "/alerts/bell/",
            "/budgets/progress/",
            "/onboarding/guide/?view=usage%3Aexplorer",
            "/usage/",
        ]
        assert page.evaluate("window.shifted") < 0.001


# Tour


def test_every_step_points_at_something_wide_and_on_a_phone(browser, settled, alice, url):
    for width in (1440, 1000, 390):
        with sitting(browser, url, alice, width=width) as page:
            open_page(page, "/dashboard/")
            shown = (
                "(name) => [...document.querySelectorAll(`[data-tour='${name}']`)].some((it) => it.checkVisibility())"
            )
            missing = {step.target for step in TOUR.steps if not page.evaluate(shown, step.target)}

            assert missing == ({step.target for step in TOUR.steps if step.wide} if width == 390 else set())


def test_every_tip_points_at_something_on_its_pages(settled, alice):
    call = {"provider": "openai", "model": "gpt-4o", "tokens": {"input": 9}}
    tracking.track(settled.pk, [call], key_id=None, now=timezone.now())
    for tip in tips.TIPS:
        for path in map(reverse, tip.views):
            assert f'data-tour="{tip.target}"' in Browser(alice).get(path).content.decode(), (tip.id, path)


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_on_a_guided_path_the_tour_runs_by_itself_and_by_keyboard(theme, width, browser, settled, alice, url):
    guided(settled, alice)
    steps = [step for step in TOUR.steps if width == 1440 or not step.wide]
    with sitting(browser, url, alice, theme=theme, width=width) as page:
        open_page(page, "/dashboard/")
        for number, step in enumerate(steps, 1):
            card = page.get_by_role("dialog", name=step.title)
            expect(card).to_be_visible()
            expect(card.get_by_text(f"{number} of {len(steps)}")).to_be_visible()
            expect(page.locator(".driver-popover-next-btn")).to_be_focused()
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
            page.keyboard.press("Tab")
            assert has_focus(page, CARD)
            box = page.locator(CARD).bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            assert page.locator(".driver-overlay").count() == 1
            if number in {1, len(steps)}:
                assert faults(page) == []
            if number < len(steps):
                page.keyboard.press("ArrowRight")
        with page.expect_response(lambda answer: "tour_completed" in (answer.request.post_data or "")):
            page.keyboard.press("ArrowRight")
        expect(page.locator(CARD)).to_have_count(0)
        open_page(page, "/dashboard/")
        assert page.locator("product-tour").count() == 0

    said = {"tour": TOUR.id, "steps_viewed": len(steps), "steps_total": 6}
    assert lines(settled, "tour_completed") == [said]
    assert [line["step"] for line in lines(settled, "tour_step_viewed")] == [step.id for step in steps]
    assert seen(settled, alice)[f"tour {TOUR.id}"] == "completed"


def offered(page):
    """The button of the dashboard's tour on the page of help."""
    return page.locator("section", has_text=TOUR.name).get_by_role("button", name="Take the tour")


def test_an_offered_tour_is_declined_or_left_by_escape_with_how_far_it_went(browser, settled, alice, url):
    with sitting(browser, url, alice, motion="no-preference") as page:
        open_page(page, "/dashboard/")
        page.get_by_role("button", name="Show me around").click()
        expect(page.get_by_role("dialog", name="Welcome to TokenTra")).to_be_visible()
        expect(page.get_by_role("button", name="Next")).to_be_focused()  # it has stopped moving
        with page.expect_response(lambda answer: "total_spend" in (answer.request.post_data or "")):
            page.keyboard.press("ArrowRight")
        with page.expect_response(lambda answer: "tour_skipped" in (answer.request.post_data or "")):
            page.keyboard.press("Escape")
        expect(page.locator(CARD)).to_have_count(0)

        page.goto("/help/")
        with page.expect_response(lambda answer: "/onboarding/guide/" in answer.url):
            offered(page).click()
        expect(page.get_by_role("button", name="Next")).to_be_focused()
        with page.expect_response(lambda answer: "tour_skipped" in (answer.request.post_data or "")):
            page.get_by_role("button", name="Skip the tour").click()

    assert [line["steps_viewed"] for line in lines(settled, "tour_skipped")] == [2, 1]
    assert len(lines(settled, "tour_started")) == 2


def test_a_tour_that_was_asked_for_starts_although_other_things_wait(browser, acme, alice, url):
    connected(acme, alice)
    with sitting(browser, url, alice) as page:
        open_page(page, "/dashboard/")
        expect(page.get_by_text("Your data is ready")).to_be_visible()
        page.goto("/help/")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")

        offered(page).click()

        expect(page.get_by_text("Your data is ready")).to_be_visible()
        expect(page.get_by_role("dialog", name="Welcome to TokenTra")).to_be_visible()


def test_declining_the_tour_is_heard(browser, settled, alice, url):
    with sitting(browser, url, alice) as page:
        open_page(page, "/dashboard/")
        with told(page):
            page.get_by_role("button", name="No, thanks").click()

    assert lines(settled, "tour_skipped") == [{"tour": TOUR.id, "steps_viewed": 0, "steps_total": 6}]


# One at a time


def test_while_the_page_has_something_to_say_the_rest_waits(browser, acme, alice, url):
    connected(acme, alice)
    with sitting(browser, url, alice) as page:
        open_page(page, "/dashboard/")
        expect(page.locator("[data-attention=data_ready]")).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.locator("feature-celebration dialog")).to_be_hidden()

        with page.expect_response(lambda answer: "/onboarding/guide/" in answer.url):
            page.get_by_role("button", name="Dismiss").click()
        expect(page.get_by_role("dialog")).to_be_visible()

    assert lines(acme, "feature_unlock_celebrated") == []


# Tips


@pytest.mark.parametrize(("theme", "width"), LOOKS)
def test_a_tip_stands_beside_its_thing_and_is_dismissed(theme, width, browser, settled, alice, url):
    with sitting(browser, url, alice, theme=theme, width=width) as page:
        open_page(page, "/usage/")
        tip = page.locator("page-tip")
        expect(tip).to_be_visible()
        assert faults(page) == []
        under, thing = tip.bounding_box(), page.locator("[data-tour=date-range]").bounding_box()
        assert 0 < under["y"] - (thing["y"] + thing["height"]) < 20
        assert under["x"] >= 0
        assert under["x"] + under["width"] <= width

        with told(page):
            tip.get_by_role("button", name="Got it").press("Enter")
        expect(tip).to_have_count(0)

    assert lines(settled, "tooltip_dismissed") == [{"tooltip": "date_range_tip"}]


@pytest.mark.parametrize("width", [1280, 390])
def test_a_tip_is_read_and_dismissed_at_the_end_of_a_page(width, browser, settled, alice, url):
    with sitting(browser, url, alice, width=width) as page:
        open_page(page, "/attribution/")
        tip = page.locator("page-tip")
        expect(tip).to_be_visible()
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        expect(tip).to_be_in_viewport(ratio=1)

        with told(page):
            tip.get_by_role("button", name="Got it").click()
        expect(tip).to_have_count(0)


def test_using_the_thing_dismisses_its_tip(browser, settled, alice, url):
    with sitting(browser, url, alice) as page:
        open_page(page, "/usage/")
        expect(page.locator("page-tip")).to_be_visible()
        with told(page):
            page.locator("[data-tour=date-range]").click()
        expect(page.locator("page-tip")).to_have_count(0)


def test_without_a_script_help_does_all_of_it(browser, settled, alice, url):
    from django.conf import settings

    cookie = Browser(alice).cookies[settings.SESSION_COOKIE_NAME].value
    context = browser.new_context(base_url=url, java_script_enabled=False)
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
    page = context.new_page()
    page.goto("/help/")

    expect(page.get_by_text("Invite your team").first).to_be_visible()
    page.get_by_role("link", name="Complete profile").click()
    page.wait_for_url("**/onboarding/company/")
    context.close()

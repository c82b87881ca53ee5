"""Ten people on their way in: from the sign-up page to the first value, with real workers behind the pages."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fake_provider import FakeProvider
from tests.fake_provider.example import KEYS
from tests.journeys.people import PHONE, at, choose, connect, go_on, no_sideways, sign_up, skip, somebody
from tests.product import Installed, Product, wait_for

SALES = "https://calendar.example/talk"


@pytest.fixture(scope="module")
def product(fake: FakeProvider, installed: Installed) -> Iterator[Product]:
    """The operator has somebody to talk to."""
    addresses = {"TOKENTRA_OPENAI_BASE_URL": fake.url, "TOKENTRA_ANTHROPIC_BASE_URL": fake.url}
    with Product(installed(), addresses | {"SALES_CONTACT_URL": SALES}) as running:
        yield running


def has_figures(page: Page) -> None:
    page.goto("/dashboard/")
    expect(page.locator(".stat", has_text="Spend")).to_be_visible(timeout=90_000)


def test_a_developer_at_a_startup_comes_to_the_connect_step_and_sees_figures(browser: Browser, product: Product):
    with somebody(browser, product) as dev:
        sign_up(dev, "dev@startup.example")
        expect(dev.get_by_label("What's your company name?")).to_have_value("Startup")
        choose(dev, "Engineering / Developer", "2-10 employees")
        go_on(dev)
        at(dev, "/onboarding/ai-usage/")
        choose(dev, "$100 - $1,000", "OpenAI", "Code generation / assistance")
        go_on(dev)
        choose(dev, "Need visibility into AI costs")
        go_on(dev)
        skip(dev)
        at(dev, "/onboarding/sdk/")
        dev.get_by_role("button", name="I'll set this up later").click()
        at(dev, "/onboarding/providers/")
        expect(dev.get_by_text("Recommended for you")).to_be_visible()

        connect(dev, "OpenAI", KEYS["openai"])

        expect(dev.get_by_text("OpenAI accepted the key")).to_be_visible()
        dev.get_by_role("link", name="View dashboard").click()
        has_figures(dev)
        dev.goto("/")
        at(dev, "/dashboard/")


def test_finops_at_a_midmarket_company_allocates_costs(browser: Browser, product: Product):
    with somebody(browser, product) as fin:
        sign_up(fin, "fin@midmarket.example")
        choose(fin, "FinOps / Finance", "51-200 employees")
        go_on(fin)
        skip(fin)
        choose(fin, "Need to allocate costs to teams/projects")
        go_on(fin)
        skip(fin)
        connect(fin, "Anthropic", KEYS["anthropic"])
        has_figures(fin)

        fin.goto("/attribution/")
        fin.get_by_label(re.compile("Cost centre of")).first.fill("Research")
        fin.get_by_role("button", name="Assign").first.click()

        expect(fin.get_by_role("cell", name="Research").first).to_be_visible()


# without somebody to talk to the page is left out, as tests/onboarding/test_questionnaire.py says quickly
@pytest.mark.parametrize("has_sales", [True, pytest.param(False, marks=pytest.mark.long)])
def test_an_executive_at_an_enterprise_may_talk_to_somebody_and_decides_by_the_summary(
    has_sales, browser: Browser, product: Product, fake: FakeProvider, installed: Installed
):
    def travel(page: Page) -> None:
        sign_up(page, "cto@enterprise.example")
        choose(page, "CTO / VP Engineering", "1000+ employees")
        go_on(page)
        skip(page)
        skip(page)
        skip(page)
        if has_sales:
            at(page, "/onboarding/contact/")
            assert page.get_by_role("link", name="Choose a time").get_attribute("href") == SALES
            page.get_by_role("button", name="Carry on by myself").click()
        at(page, "/onboarding/providers/")
        page.get_by_role("button", name="I'll do this later").click()
        at(page, "/dashboard/")
        page.goto("/providers/connect/openai/")
        page.get_by_label("Admin key").fill(KEYS["openai"])
        page.get_by_role("button", name="Connect OpenAI").click()
        expect(page.get_by_text("OpenAI accepted the key")).to_be_visible()
        page.goto("/")
        at(page, "/dashboard/summary/")

    if has_sales:
        with somebody(browser, product) as page:
            travel(page)
        return
    with Product(installed(), {"TOKENTRA_OPENAI_BASE_URL": fake.url}) as other, somebody(browser, other) as page:
        travel(page)


def test_an_agency_keeps_two_clients_apart(browser: Browser, product: Product):
    with somebody(browser, product) as agency:
        sign_up(agency, "ada@agency.example")
        skip(agency)
        skip(agency)
        choose(agency, "Tracking AI usage for billing clients")
        go_on(agency)
        skip(agency)
        agency.get_by_role("button", name="I'll do this later").click()
        expect(agency.get_by_text("Create a client workspace")).to_be_visible()

        for client, label, key in (("Northwind", "OpenAI", "openai"), ("Contoso", "Anthropic", "anthropic")):
            agency.goto("/organizations/new/")
            agency.get_by_label("Name", exact=False).first.fill(client)
            agency.get_by_role("button", name=re.compile("Create")).click()
            at(agency, "/onboarding/providers/")
            connect(agency, label, KEYS[key])
            has_figures(agency)

        agency.goto("/clients/")
        table = agency.get_by_role("table")
        expect(table).to_contain_text("Northwind")
        expect(table).to_contain_text("Contoso")
        agency.get_by_role("button", name="Northwind").click()
        expect(agency.locator(".organization-name")).to_have_text("Northwind")


def test_an_invitee_joins_by_the_link_and_answers_two_questions(browser: Browser, product: Product):
    with somebody(browser, product) as owner, somebody(browser, product) as guest:
        sign_up(owner, "owner@inviting.example")
        choose(owner, "Founder / CEO", "11-50 employees")
        go_on(owner)
        skip(owner)
        skip(owner)
        owner.get_by_label("Would you like to invite team members now?").fill("guest@inviting.example")
        go_on(owner)
        link = owner.locator("copy-button").first.get_attribute("data-text")

        guest.goto(link)
        guest.get_by_role("link", name="Create your account").click()
        guest.get_by_label("Password", exact=True).fill("correct horse battery")
        guest.get_by_role("button", name="Continue with email").click()

        expect(guest.locator(".meter-words", has_text="Step 1 of 2")).to_be_visible()
        choose(guest, "Engineering / Developer")
        go_on(guest)
        choose(guest, "Just exploring")
        go_on(guest)
        at(guest, "/dashboard/")
        expect(guest.locator(".organization-name")).to_have_text("Inviting")


def test_everything_skipped_leads_to_a_dashboard_that_teaches(browser: Browser, product: Product):
    with somebody(browser, product) as page:
        sign_up(page, "skipper@skipping.example")
        for _ in range(4):
            skip(page)
        page.get_by_role("button", name="I'll do this later").click()

        at(page, "/dashboard/")
        expect(page.get_by_role("heading", name="While you wait")).to_be_visible()
        page.goto("/")
        at(page, "/dashboard/")


def test_leaving_after_each_step_one_comes_back_to_the_next(browser: Browser, product: Product):
    with somebody(browser, product) as page:
        sign_up(page, "back@returning.example")
        for path, answer in (
            ("/onboarding/company/", "Platform / DevOps / SRE"),
            ("/onboarding/ai-usage/", "OpenAI"),
            ("/onboarding/goals/", "Want to reduce AI spending"),
        ):
            page.goto("/")
            at(page, path)
            choose(page, answer)
            go_on(page)
        page.goto("/")
        at(page, "/onboarding/team/")
        skip(page)
        page.goto("/")
        at(page, "/onboarding/providers/")
        page.get_by_role("link", name="Back").click()
        at(page, "/onboarding/team/")
        page.get_by_role("link", name="Back").click()
        expect(page.get_by_role("checkbox", name="Want to reduce AI spending")).to_be_checked()
        page.go_back()
        at(page, "/onboarding/team/")


def test_on_a_phone_nothing_is_wider_than_the_screen(browser: Browser, product: Product):
    with somebody(browser, product, viewport=PHONE, has_touch=True, is_mobile=True) as page:
        sign_up(page, "phone@pocket.example")
        for _ in range(4):
            no_sideways(page)
            skip(page)
        no_sideways(page)
        connect(page, "OpenAI", KEYS["openai"])
        no_sideways(page)
        has_figures(page)
        no_sideways(page)


def test_the_keyboard_alone_is_enough(browser: Browser, product: Product):
    with somebody(browser, product) as page:
        sign_up(page, "keys@keyboard.example")
        page.get_by_label("What's your company name?").focus()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")  # the first role
        page.keyboard.press("ArrowDown")  # and the next one
        expect(page.get_by_role("radio", name="Platform / DevOps / SRE")).to_be_checked()
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        expect(page.get_by_role("radio", name="Just me (solo/freelance)")).to_be_checked()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        at(page, "/onboarding/ai-usage/")
        for _ in range(12):
            if page.evaluate("document.activeElement.value") == "openai":
                break
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        expect(page.get_by_role("checkbox", name="OpenAI", exact=True)).to_be_checked()
        page.keyboard.press("Enter")
        at(page, "/onboarding/goals/")


def test_the_questionnaire_needs_no_script(browser: Browser, product: Product):
    with somebody(browser, product, java_script_enabled=False) as page:
        sign_up(page, "plain@noscript.example")
        choose(page, "Other", "2-10 employees")
        page.get_by_label("Which one?").fill("Librarian")
        go_on(page)
        choose(page, "Not sure", "Mistral")
        go_on(page)
        choose(page, "Compliance / governance requirements")
        go_on(page)
        page.get_by_label("Would you like to invite team members now?").fill("no address")
        go_on(page)
        expect(page.get_by_text("no address:").or_(page.get_by_text("address:")).first).to_be_visible()
        skip(page)

        at(page, "/onboarding/providers/")
        expect(page.get_by_text("TokenTra cannot read accounts of Mistral.")).to_be_visible()


def test_somebody_without_an_account_brings_the_key(browser: Browser, product: Product):
    with somebody(browser, product) as asker, somebody(browser, product) as admin:
        sign_up(asker, "asker@asking.example")
        for _ in range(4):
            skip(asker)
        asker.get_by_role("link", name="I cannot create this key").first.click()
        asker.get_by_role("button", name="Make a link").click()
        link = asker.locator("copy-button").first.get_attribute("data-text")

        admin.goto(link)
        expect(admin.get_by_role("heading", name="Connect OpenAI for Asking")).to_be_visible()
        admin.get_by_label("Admin key").fill(KEYS["openai"])
        admin.get_by_role("button", name="Connect OpenAI").click()
        expect(admin.get_by_role("heading", name="OpenAI is connected")).to_be_visible()

        has_figures(asker)
        wait_for(lambda: "/dashboard/" in (asker.goto("/") and asker.url), 10, "the way is over once a key was brought")

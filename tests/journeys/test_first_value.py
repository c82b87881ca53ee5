"""The main job as a person does it: sign up, type the code, connect OpenAI and Anthropic, see true figures."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.fake_provider import KEYS, FakeProvider, World
from tests.journeys import oracle
from tests.journeys.mailbox import Mailbox, mailbox
from tests.journeys.people import PASSWORD, at, press, reach, somebody
from tests.product import Api, Installed, Product, wait_for
from tests.test_ui import faults

__all__ = ["mailbox"]
PAGES = ("/dashboard/", "/dashboard/?period=90d", "/usage/", "/optimization/", "/providers/", "/settings/profile/",
         "/settings/security/", "/settings/organization/", "/settings/team/", "/organizations/new/")  # fmt: skip
LOOKS = [  # the quick set sees each colour and each width once
    *[("light", 1440), ("dark", 390)],
    *(pytest.param(*look, marks=pytest.mark.long) for look in [("dark", 1440), ("light", 390)]),
]


@pytest.fixture(scope="module")
def product(fake: FakeProvider, mailbox: Mailbox, installed: Installed) -> Iterator[Product]:
    addresses = {"TOKENTRA_OPENAI_BASE_URL": fake.url, "TOKENTRA_ANTHROPIC_BASE_URL": fake.url}
    with Product(installed(), addresses | {"EMAIL_URL": f"smtp://127.0.0.1:{mailbox.server.port}"}) as running:
        yield running


@pytest.fixture(scope="module")
def ann(browser: Browser, product: Product, mailbox: Mailbox) -> Iterator[Page]:
    """Ann, who has signed up and typed the code that was sent to her."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=product.url)
    page = context.new_page()
    page.set_default_timeout(60_000)
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    celebration = page.locator("feature-celebration dialog[open]")
    page.add_locator_handler(celebration, lambda shown: shown.get_by_text("Got it").click())
    page.goto("/")
    page.get_by_label("Email").fill("ann@northwind.example")
    page.get_by_label("Password", exact=True).fill("correct horse battery")
    page.get_by_role("button", name="Continue with email").click()
    page.get_by_label("Code").fill(mailbox.code("ann@northwind.example"))
    page.get_by_role("button", name="Verify address").click()
    expect(page).to_have_url(f"{product.url}/onboarding/company/")
    page.get_by_role("button", name="Skip all, go to the dashboard").click()
    expect(page).to_have_url(f"{product.url}/dashboard/")
    yield page
    context.close()
    assert broken == []


def connect(page: Page, provider: str, label: str, key: str) -> str:
    page.goto("/providers/")
    page.goto(f"/providers/connect/{provider}/")
    page.get_by_label("Admin key").fill(key)
    page.get_by_role("button", name=f"Connect {label}").click()
    page.wait_for_url(re.compile(r"/providers/[0-9a-f-]{36}/"))
    return page.url.rstrip("/").rsplit("/", 1)[-1]


def session_of(page: Page, product: Product) -> Api:
    """A program that borrows the person's browser session."""
    api = Api(product.url)
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    api.opener.addheaders = [("Cookie", cookie)]
    return api


def test_the_keyboard_alone_leads_from_the_sign_up_page_to_the_rows_behind_the_figures(
    browser: Browser, product: Product, mailbox: Mailbox
):
    with somebody(browser, product) as kim:
        kim.goto("/")
        expect(kim.locator("[name=email]")).to_be_focused()  # by itself
        kim.keyboard.type("kim@keyboard.example")
        kim.keyboard.press("Tab")
        kim.keyboard.type(PASSWORD)
        kim.keyboard.press("Enter")
        at(kim, "/confirm-email/")
        code = mailbox.code("kim@keyboard.example")
        expect(kim.locator("[name=code]")).to_be_focused()
        kim.keyboard.type(code)
        kim.keyboard.press("Enter")

        at(kim, "/onboarding/company/")
        press(kim, "Engineering / Developer", "Space")
        kim.keyboard.press("ArrowDown")
        expect(kim.get_by_role("radio", name="Platform / DevOps / SRE")).to_be_checked()
        press(kim, "Just me (solo/freelance)", "Space")
        press(kim, "Continue")
        at(kim, "/onboarding/ai-usage/")
        press(kim, "OpenAI", "Space")
        kim.keyboard.press("Enter")  # sends the form from any field of it
        at(kim, "/onboarding/goals/")
        press(kim, "Just exploring", "Space")
        press(kim, "Continue")

        at(kim, "/onboarding/providers/")
        press(kim, "Connect OpenAI")
        at(kim, "/providers/connect/openai/")
        reach(kim, "Admin key")
        kim.keyboard.type(KEYS["openai"])
        kim.keyboard.press("Enter")
        at(kim, "/onboarding/connected/")
        press(kim, "View dashboard")
        at(kim, "/dashboard/")
        expect(kim.locator(".stat", has_text="Spend")).to_be_visible(timeout=90_000)
        press(kim, "See the rows: Spend")

        at(kim, "/usage/")
        expect(kim.get_by_role("table", name="Usage")).to_be_visible()


def test_before_anything_is_connected_the_dashboard_teaches(ann: Page):
    ann.goto("/dashboard/")

    expect(ann.locator("#content").get_by_role("link", name="Connect a provider")).to_be_visible()
    expect(ann.get_by_role("button", name=re.compile("sample data", re.I))).to_be_visible()


def test_the_sample_workspace_fills_while_one_looks_though_its_workers_are_killed(ann: Page, product: Product):
    wait_for(lambda: product.children("celery", "worker"), 60, "workers run")
    ann.goto("/dashboard/")
    ann.get_by_role("button", name=re.compile("sample data", re.I)).click()
    expect(ann.get_by_text("Sample workspace.")).to_be_visible()
    product.kill("celery", "worker")

    expect(ann.locator(".stat", has_text="Spend")).to_be_visible(timeout=90_000)
    expect(ann.get_by_role("link", name="Last 90 days")).to_be_visible()
    expect(ann.locator("#figures")).not_to_have_attribute("hx-trigger", re.compile(".+"), timeout=120_000)
    ann.goto("/dashboard/?period=90d")
    expect(ann.get_by_text("Some figures are partial")).to_have_count(0)
    product.manage("audit_rollups")

    ann.get_by_role("button", name=re.compile("leave", re.I)).first.click()
    expect(ann.locator("#content").get_by_role("link", name="Connect a provider")).to_be_visible()


def test_a_key_of_the_wrong_kind_is_explained_and_not_sent(ann: Page, fake: FakeProvider):
    asked = len(fake.requests)
    ann.goto("/providers/connect/openai/")
    ann.get_by_label("Admin key").fill("sk-proj-" + "a" * 60)
    ann.get_by_role("button", name="Connect OpenAI").click()

    expect(ann.get_by_text(re.compile("project key", re.I)).first).to_be_visible()
    assert len(fake.requests) == asked


@pytest.fixture(scope="module")
def is_read(ann: Page, product: Product) -> Api:
    """Ann has connected both providers, and everything is read."""
    api = session_of(ann, product)
    for provider, label in (("openai", "OpenAI"), ("anthropic", "Anthropic")):
        connection_id = connect(ann, provider, label, KEYS[provider])
        wait_for(lambda pk=connection_id: oracle.is_settled(api, pk), 90, f"{label} is read", every=0.5)
    return api


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_what_is_on_screen_is_what_the_provider_served(provider, ann: Page, is_read: Api, world: World):
    account = world.account(provider)

    assert oracle.figures_are(is_read, provider, oracle.truth_of(account))
    settled = datetime.now(UTC).date() - timedelta(days=4)
    start = settled - timedelta(days=29)
    ann.goto(f"/dashboard/?from={start}&to={settled}&provider={provider}")
    billed = account.total_billed(str(start), str(settled + timedelta(days=1)))
    shown = ann.locator(".stat", has_text="Spend").locator("[title]").first.get_attribute("title")
    assert Decimal(re.sub(r"[^\d.-]", "", (shown or "").replace("\N{MINUS SIGN}", "-"))) == billed


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
@pytest.mark.usefixtures("is_read")
def test_no_page_has_an_accessibility_violation_in_any_look(scheme, width, ann: Page):
    ann.emulate_media(color_scheme=scheme)
    ann.set_viewport_size({"width": width, "height": 900})
    found = {}
    for path in PAGES:
        ann.goto(path)
        found[path] = faults(ann)
        if ann.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
            found[path].append("wider than the screen")
    ann.set_viewport_size({"width": 1440, "height": 900})

    assert {path: wrong for path, wrong in found.items() if wrong} == {}

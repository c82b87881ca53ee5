"""A budget from the tour to its next period: real events cross a threshold, a letter arrives, somebody asks for more."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import psycopg
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.mailbox import Mailbox, mailbox
from tests.journeys.people import somebody
from tests.product import EMAIL, PASSWORD, Api, Installed, Product, wait_for

__all__ = ["mailbox"]
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def product(mailbox: Mailbox, installed: Installed) -> Iterator[Product]:
    told = {"EMAIL_URL": f"smtp://127.0.0.1:{mailbox.server.port}", "TOKENTRA_EMAIL_VERIFICATION": "optional"}
    with Product(installed(), told) as running:
        yield running


def evening_and_morning(now: datetime) -> tuple[str, str]:
    """Two zones: in the first it is between ten and eleven in the evening, in the second it is past midnight."""
    by_hour: dict[float, str] = {}
    for name in sorted(each for each in available_timezones() if "/" in each):
        offset = now.astimezone(ZoneInfo(name)).utcoffset() or timedelta(0)
        by_hour.setdefault(offset / HOUR, name)
    evening = next(hours for hours in by_hour if (now + hours * HOUR).hour == 22 and hours + 2 in by_hour)
    return by_hour[evening], by_hour[evening + 2]


def move_to(owner: Page, zone: str) -> None:
    owner.goto("/settings/organization/")
    owner.get_by_label("Time zone").select_option(zone)
    owner.get_by_role("button", name=re.compile("Save")).click()
    expect(owner.get_by_label("Time zone")).to_have_value(zone)


def made_a_day_earlier(product: Product) -> None:
    """The one thing that nobody waits for here: the budget is a day old, so that it was there when yesterday ended."""
    socket = (product.var / "postgres" / "postmaster.pid").read_text().splitlines()[4]
    with psycopg.connect(host=socket, user="postgres", dbname="tokentra", autocommit=True) as database:
        database.execute("UPDATE budgets_budget SET created_at = created_at - interval '1 day'")


def spend(product: Product, key: str, amount: str, now: datetime) -> None:
    """Two hours ago: in either zone that is the same day."""
    call = {
        "provider": "openai",
        "model": "gpt-4o",
        "tokens": {"input": 900},
        "occurredAt": (now - 2 * HOUR).isoformat(),
    }
    event = json.dumps(call | {"cost": {"amount": amount, "currency": "USD"}}).encode()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    status, body = Api(product.url).send("POST", "/api/usage/track", event, headers)
    assert status == 202, body


def test_a_budget_is_made_from_its_tour_crossed_told_acknowledged_raised_and_begins_anew(
    browser: Browser, product: Product, mailbox: Mailbox
):
    now = datetime.now(UTC)
    evening, morning = evening_and_morning(now)
    body = {"name": "Checkout", "scopes": ["ingest"], "environment": "live"}
    key = product.bootstrap().call("POST", "/api/auth/api-keys", body)[1]["key"]
    with somebody(browser, product) as owner, somebody(browser, product) as member:
        owner.goto("/login/")
        owner.get_by_label("Email").fill(EMAIL)
        owner.get_by_label("Password", exact=True).fill(PASSWORD)
        owner.get_by_role("button", name="Log in").click()
        owner.get_by_role("main").wait_for()
        move_to(owner, evening)
        join(owner, member, "mia@acme.example")
        spend(product, key, "0.5", now)  # a tour points at figures

        owner.goto("/help/")
        owner.locator("section", has_text="Tour of budgets").get_by_role("button", name="Take the tour").click()
        expect(owner.get_by_role("dialog")).to_contain_text("Keep spend within bounds")
        owner.get_by_role("button", name="Next").click()
        expect(owner.get_by_role("dialog")).to_contain_text("Create your first budget")
        owner.get_by_role("button", name="Next").click()
        owner.get_by_role("button", name="Done").click()
        owner.locator("[data-tour=create-budget]").click()
        owner.get_by_label("Name").fill("Everything")
        owner.get_by_label("Amount", exact=True).fill("10")
        owner.get_by_label("Begins anew").select_option("day")
        owner.get_by_role("button", name="Create budget").click()
        expect(owner.get_by_role("heading", name="Everything")).to_be_visible()
        own = owner.url.removeprefix(product.url)

        spend(product, key, "8", now)
        link = wait_for(lambda: letter_about("Everything has used 80% of its budget", mailbox), 100, "a letter")
        expect_unread(owner, 1)
        owner.goto(link)
        owner.get_by_role("button", name="Acknowledge").click()
        expect(owner.get_by_text("Acknowledged").first).to_be_visible()
        expect_unread(owner, 0)

        member.goto(own)
        banner = member.get_by_role("region", name="Budget warning")
        expect(banner).to_contain_text("has used 80% of its budget")
        banner.get_by_role("link", name="Ask for more").click()
        expect(member.get_by_role("heading", name="Ask for more")).to_be_visible()
        member.get_by_label("Limit that you need").fill("25")
        member.get_by_label("Reason").fill("The launch")
        expect(member.get_by_label("Limit that you need")).to_have_value("25")
        member.get_by_role("button", name="Send request").click()
        expect(member.get_by_text("Your request waits")).to_be_visible()
        expect(member.get_by_role("button", name="Approve")).to_have_count(0)
        owner.goto("/budgets/")
        owner.get_by_role("button", name="Approve").click()
        expect(owner.get_by_text("The limit is $25.00 until the end of")).to_be_visible()
        expect(owner.get_by_role("main")).to_contain_text("$16.50 left")

        made_a_day_earlier(product)
        move_to(owner, morning)
        wait_for(lambda: has_past(owner, own), 100, "the day that ended is kept", every=2)  # a page each time
        expect(owner.get_by_role("main")).to_contain_text("$0.00")
        expect(owner.get_by_role("region", name="Budget warning")).to_have_count(0)


def join(owner: Page, member: Page, email: str) -> None:
    owner.goto("/settings/team/")
    owner.get_by_label("Addresses").fill(email)
    owner.get_by_label("Role").first.select_option("member")
    owner.get_by_role("button", name="Send invitations").click()
    member.goto(owner.locator("copy-button").first.get_attribute("data-text") or "")
    member.get_by_role("link", name="Create your account").click()
    member.get_by_label("Password", exact=True).fill(PASSWORD)
    member.get_by_role("button", name="Continue with email").click()
    expect(member.locator(".meter-words", has_text="Step 1 of 2")).to_be_visible()


def letter_about(subject: str, mailbox: Mailbox) -> str:
    """The address that it leads to; "" until it is there."""
    texts = [text for to, text in mailbox.letters if EMAIL in to and text.startswith(subject)]
    assert len(texts) <= 1, texts
    return re.search(r"/alerts/[0-9a-f-]{36}/", texts[0]).group() if texts else ""


def expect_unread(page: Page, count: int) -> None:
    page.goto("/budgets/")
    expect(
        page.get_by_role("link", name=re.compile("^Alerts, 1 unread" if count else "^Alerts$")).first
    ).to_be_visible()


def has_past(page: Page, own: str) -> bool:
    page.goto(own)
    return page.locator("[data-label=Spent]", has_text="$8.50").count() == 1

"""How long it takes from "Sign up" to the first real figure, at the pace of somebody who reads every screen."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, sync_playwright

from tests.bench.figures import Figure
from tests.chromium import chromium_path
from tests.fake_provider import FakeProvider, example_world
from tests.fake_provider.example import KEYS
from tests.product import Product

A_CHARACTER = 0.2  # seconds: forty words a minute
A_WORD = 0.25  # seconds: 240 words a minute
MOST_WORDS = 60  # what somebody reads of a screen before they act
A_CLICK = 1.0  # seconds: finding the button and moving there


@dataclass
class Person:
    """Reads, moves, clicks and types; counts what they did."""

    page: Page
    clicks: int = 0
    screens: int = 0

    def read(self) -> None:
        """The screen that is there now."""
        self.screens += 1
        words = len(self.page.get_by_role("main").inner_text().split())
        self.wait(min(words, MOST_WORDS) * A_WORD)

    def click(self, what: Locator) -> None:
        self.clicks += 1
        self.wait(A_CLICK)
        what.click()

    def type(self, label: str, text: str) -> None:
        self.click(self.page.get_by_label(label, exact=True))
        self.page.keyboard.type(text, delay=A_CHARACTER * 1000)

    def paste(self, label: str, text: str) -> None:
        self.click(self.page.get_by_label(label, exact=True))
        self.page.keyboard.insert_text(text)

    def wait(self, seconds: float) -> None:
        """A person's own time, which is what is measured here."""
        self.page.wait_for_timeout(seconds * 1000)


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        fake = stack.enter_context(FakeProvider(example_world(int(time.time()))))
        product = stack.enter_context(Product(directory / "var", {"TOKENTRA_OPENAI_BASE_URL": fake.url}))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=product.url)
        page.goto("/signup/")
        begun = time.perf_counter()
        person = Person(page)
        travel(person)
        spend = page.locator(".stat", has_text="Spend")
        spend.wait_for(timeout=120_000)
        seconds = time.perf_counter() - begun
        browser.close()
    yield Figure(
        "from the sign-up page to the first real figure, at reading and typing pace", seconds, "s", at_most=180
    )
    yield Figure("clicks on that way", person.clicks, "clicks")
    yield Figure("screens on that way", person.screens, "screens")


def travel(person: Person) -> None:
    """Every question answered, then OpenAI connected with a key that is in the clipboard already."""
    page = person.page
    person.read()
    person.type("Email", "ann@northwind.example")
    person.type("Password", "correct horse battery")
    person.click(page.get_by_role("button", name="Continue with email"))
    answers = (
        ("/company/", ("Engineering / Developer", "11-50 employees")),
        ("/ai-usage/", ("$1,000 - $10,000", "OpenAI", "Customer-facing chatbot / assistant")),
        ("/goals/", ("Need visibility into AI costs",)),
    )
    for path, labels in answers:
        page.wait_for_url(f"**{path}")
        person.read()
        for label in labels:
            person.click(page.locator("label.choice", has_text=label).first)
        person.click(page.get_by_role("button", name="Continue"))
    page.wait_for_url("**/team/")
    person.read()
    person.click(page.get_by_role("button", name="Skip for now"))
    page.wait_for_url("**/onboarding/sdk/")
    person.read()
    person.click(page.get_by_role("button", name="I'll set this up later"))
    page.wait_for_url("**/onboarding/providers/")
    person.read()
    person.click(page.get_by_role("link", name="Connect OpenAI"))
    page.wait_for_url("**/connect/openai/**")
    person.read()
    person.paste("Admin key", KEYS["openai"])
    person.click(page.get_by_role("button", name="Connect OpenAI"))
    page.wait_for_url("**/onboarding/connected/")
    person.read()
    person.click(page.get_by_role("link", name="View dashboard"))

"""How long it takes from "Sign up" to the first event on screen, at the pace of somebody who reads every screen."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bench.figures import Figure
from tests.bench.onboarding import A_CLICK, Person
from tests.chromium import chromium_path
from tests.product import Product


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with ExitStack() as stack:
        product = stack.enter_context(Product(directory / "var"))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=product.url)
        page.goto("/signup/")
        begun = time.perf_counter()
        person = Person(page)
        signed_up, sent = travel(person)
        page.get_by_label("Your first call").wait_for(timeout=60_000)
        seen = time.perf_counter()
        browser.close()
    yield Figure(
        "from the sign-up page to the first event on screen, at reading and typing pace", seen - begun, "s", at_most=60
    )
    yield Figure("the same from when the form is sent", seen - signed_up, "s")
    yield Figure("from the answer to the program until it is on screen", seen - sent, "s", at_most=2)
    yield Figure("clicks on that way", person.clicks, "clicks")
    yield Figure("screens on that way", person.screens, "screens")


def travel(person: Person) -> tuple[float, float]:
    """An account, a key, and one call told by the command on the screen; when each was through."""
    page = person.page
    person.read()
    person.type("Email", "ann@northwind.example")
    person.type("Password", "correct horse battery")
    person.click(page.get_by_role("button", name="Continue with email"))
    signed_up = time.perf_counter()
    page.wait_for_url("**/company/")
    person.read()
    person.click(page.get_by_role("button", name="Just give me an API key"))
    page.get_by_role("button", name="Copy key").wait_for()
    person.read()
    person.click(page.locator("label.setup-choice", has_text="curl"))
    copying = page.get_by_role("button", name="Copy command", exact=True)
    person.click(copying)
    command = page.locator("copy-button:visible[data-label='Copy command']").get_attribute("data-text") or ""
    person.wait(2 * A_CLICK)  # over to a shell, and paste
    subprocess.run(["sh", "-c", f"{command} --fail --silent --noproxy '*'"], check=True, capture_output=True)
    return signed_up, time.perf_counter()

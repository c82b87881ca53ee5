"""Somebody in front of a browser: signs up, answers, skips, connects, as a person does."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, Page, expect

from tests.product import Product

PASSWORD = "correct horse battery"
DESK, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@contextmanager
def somebody(browser: Browser, product: Product, **options: Any) -> Iterator[Page]:
    """A page of a browser that nobody used before; errors of its scripts fail the test."""
    context = browser.new_context(base_url=product.url, **{"viewport": DESK} | options)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.add_locator_handler(page.locator("feature-celebration dialog[open]"), lambda _: page.keyboard.press("Escape"))
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    try:
        yield page
    finally:
        context.close()
    assert broken == []


def sign_up(page: Page, email: str) -> None:
    page.goto("/signup/")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Continue with email").click()
    at(page, "/onboarding/company/")


def choose(page: Page, *labels: str) -> None:
    for label in labels:
        page.locator("label.choice", has_text=re.compile(rf"^\s*{re.escape(label)}\s*$")).first.click()


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Continue").click()


def skip(page: Page) -> None:
    page.get_by_role("button", name="Skip for now").click()


def at(page: Page, path: str) -> None:
    expect(page).to_have_url(re.compile(rf"^http://[^/]+{re.escape(path)}(\?.*)?$"))


def connect(page: Page, label: str, key: str) -> None:
    """From the connect step to the page that shows the first reading."""
    page.get_by_role("link", name=f"Connect {label}").click()
    page.get_by_label("Admin key").fill(key)
    page.get_by_role("button", name=f"Connect {label}").click()
    at(page, "/onboarding/connected/")


FOCUSED = """() => {
    const it = document.activeElement;
    return (it.getAttribute("aria-label") || it.labels?.[0]?.innerText || it.innerText || "").trim();
}"""


def reach(page: Page, name: str) -> None:
    """Tab on until what is called so has the focus, and a person can see that it has."""
    for _ in range(60):
        if page.evaluate(FOCUSED).partition("\n")[0] == name:
            assert page.evaluate("document.activeElement.matches(':focus-visible')"), f"{name} shows no focus"
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no {name} within 60 tabs on {page.url}")


def press(page: Page, name: str, key: str = "Enter") -> None:
    reach(page, name)
    page.keyboard.press(key)


def no_sideways(page: Page) -> None:
    page.get_by_role("main").wait_for()
    assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"), page.url

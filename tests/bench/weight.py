"""What a first look at the dashboard weighs: everything that a browser with an empty cache fetches."""

from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.bench.figures import Figure
from tests.chromium import chromium_path
from tests.product import Product


def run(directory: Path, *, rows: int) -> Iterator[Figure]:
    with Product(directory / "var", {"DEMO": "1"}) as product, sync_playwright() as playwright:
        from tests.product import wait_for

        door = wait_for(
            lambda: [line for line in product.log.splitlines() if "/demo/" in line], 120, "the demonstration"
        )
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context()
        page = context.new_page()
        page.goto(door[0].split()[-1])
        cookies = context.cookies()
        fresh = browser.new_context()
        fresh.add_cookies(cookies)  # type: ignore[arg-type]  # the shapes that Playwright gave us
        page = fresh.new_page()
        session = fresh.new_cdp_session(page)
        session.send("Network.enable")
        sizes: list[float] = []
        session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
        page.goto(f"{product.url}/dashboard/")
        page.wait_for_load_state("networkidle")
        shift = page.evaluate(
            "() => new Promise(done => new PerformanceObserver(list => done("
            "list.getEntries().reduce((sum, each) => sum + (each.hadRecentInput ? 0 : each.value), 0)))"
            ".observe({type: 'layout-shift', buffered: true}) || setTimeout(() => done(0), 500))"
        )
        yield Figure("first load of the dashboard, everything, on the wire", sum(sizes) / 1024, "KB", at_most=400)
        yield Figure("requests of a first load", len(sizes), "requests")
        yield Figure("cumulative layout shift", shift, "", at_most=0.02)
        browser.close()

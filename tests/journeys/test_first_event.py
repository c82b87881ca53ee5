"""From sign-up to the first event: what stands on the screen is what a developer runs, with no other network."""

import os
import re
import shutil
import subprocess
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.journeys.people import at, choose, go_on, no_sideways, sign_up, skip, somebody
from tests.product import KEPT, Product
from tests.test_ui import AXE, RULES
from tokentra.machine.prepare import TOOLS, path_with_node

NOWHERE = "http://127.0.0.1:9/"  # where a registry would be asked


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with Product(tmp_path_factory.mktemp("product")) as running:
        yield running


def blocks(page: Page, step: str) -> list[str]:
    return page.locator(f"[data-step={step}] .setup-way:visible pre").all_inner_texts()


def way(page: Page, name: str) -> None:
    page.locator("label.setup-choice", has_text=name).click()


def arrived(page: Page, title: str) -> Locator:
    """Shown within seconds of coming."""
    found = page.locator(".arrival", has_text=title)
    expect(found).to_be_visible(timeout=15_000)
    return found


def run(script: str, *, path: str, cwd: Path) -> str:
    """In a shell of somebody who has nothing of ours and reaches no registry."""
    bare = {name: os.environ[name] for name in KEPT if name in os.environ}
    none = {"PIP_INDEX_URL": NOWHERE, "UV_DEFAULT_INDEX": NOWHERE, "npm_config_registry": NOWHERE, "HOME": str(cwd)}
    done = subprocess.run(
        ["bash", "-euc", script],
        cwd=cwd,
        env=bare | none | {"PATH": path, "VIRTUAL_ENV": str(cwd / "venv"), "NO_PROXY": "*"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def faults(page: Page) -> list[tuple[str, list[str]]]:
    page.evaluate(AXE())
    found = page.evaluate(RULES)["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]


def test_a_developer_sends_the_first_event_by_what_stands_on_the_screen(
    browser: Browser, product: Product, tmp_path: Path
):
    with somebody(browser, product) as page:
        sign_up(page, "dev@first.example")
        choose(page, "Engineering / Developer", "2-10 employees")
        go_on(page)
        for _ in range(3):
            skip(page)
        at(page, "/onboarding/sdk/")
        assert faults(page) == []
        page.get_by_role("button", name="Make my key").click()
        page.get_by_role("button", name="Copy key").wait_for()
        assert faults(page) == []
        variables = blocks(page, "variables")[0]
        [key] = re.findall(r"tt_live_\w{38}", variables)

        # Python, by pip and by uv, each into a fresh environment
        by_pip, by_uv = blocks(page, "install")
        for command in (by_pip, by_uv):
            shutil.rmtree(tmp_path / "venv", ignore_errors=True)
            venv.create(tmp_path / "venv", with_pip=command == by_pip)
            path = os.pathsep.join([str(tmp_path / "venv/bin"), str(TOOLS / "bin"), os.environ["PATH"]])
            run(command, path=path, cwd=tmp_path)
        said = run(f"{variables}\n{blocks(page, 'test')[0]}", path=path, cwd=tmp_path)
        assert "Events arrive." in said
        assert "Address, key and clock are right" in arrived(page, "Test event stored").inner_text()
        expect(page.get_by_text("Waiting for the first model call")).to_be_visible()

        # what goes wrong says so
        way(page, "curl")
        send = blocks(page, "code")[0]
        curl = os.environ["PATH"]
        wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
        run(send.replace(key, wrong), path=curl, cwd=tmp_path)
        assert "Copy the key again" in arrived(page, "A wrong key").inner_text()
        run(send.replace('{"provider"', '{"occurredAt":"2024-01-01T00:00:00Z","provider"'), path=curl, cwd=tmp_path)
        clock = arrived(page, "The time of the call is out of range").inner_text()
        assert "2024-01-01T00:00:00+00:00" in clock
        assert "Set that machine's clock" in clock
        assert faults(page) == []

        # Node, into a fresh project; the page was loaded again and does not show the key any more
        page.goto("/onboarding/sdk/?with=node")
        expect(page.get_by_role("button", name="Replace key")).to_be_visible()
        assert key not in page.content()
        (tmp_path / "package.json").write_text('{"private": true}')
        node = path_with_node()
        run(blocks(page, "install")[0], path=node, cwd=tmp_path)
        said = run(f"{variables}\n{blocks(page, 'test')[0]}", path=node, cwd=tmp_path)
        assert "A test event was stored." in said
        assert "WRONG" not in said

        # a model that nobody knows, then the call itself
        run(send.replace("gpt-4o-mini", "gpt-99"), path=curl, cwd=tmp_path)
        assert "Compare the model's name" in arrived(page, "Stored without a price").inner_text()
        run(send, path=curl, cwd=tmp_path)
        page.goto("/onboarding/sdk/")
        call = page.get_by_label("Your first call")
        expect(call).to_contain_text("gpt-4o-mini")
        for words in ("900 in, 45 out", "$0.00016", "The price book"):
            expect(call).to_contain_text(words)
        assert faults(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        no_sideways(page)

        page.get_by_role("button", name="Continue").click()
        at(page, "/onboarding/providers/")
        page.goto("/settings/sdk/troubleshooting/")
        expect(page.locator(".arrival", has_text="A wrong key")).to_be_visible()
        assert key not in product.log


def test_the_copy_buttons_work_by_keyboard_without_the_clipboard_and_the_page_without_scripts(
    browser: Browser, product: Product
):
    with somebody(browser, product) as page:
        page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
        sign_up(page, "plain@first.example")
        page.get_by_role("button", name="Just give me an API key").click()
        at(page, "/onboarding/sdk/")
        expect(page.get_by_role("button", name="Copy key")).to_be_visible()
        button = page.get_by_role("button", name="Copy pip command")
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_text(re.compile("Copied|Press Ctrl"))
        page.get_by_role("radio", name=re.compile("Python")).focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("button", name="Copy npm command")).to_be_visible()
        expect(page.get_by_role("button", name="Copy pip command")).to_be_hidden()
        at(page, "/onboarding/sdk/")
        state = page.context.storage_state()

    with somebody(browser, product, java_script_enabled=False, storage_state=state) as page:
        page.goto("/onboarding/sdk/?with=curl")
        page.get_by_role("button", name="Replace key").click()
        key = page.locator("[data-step=variables] pre").first.inner_text()
        assert re.fullmatch(r"tt_live_\w{38}", key)
        expect(page.locator("#with-curl")).to_be_checked()
        send = blocks(page, "test")[0]
        assert key in send
        run(send, path=os.environ["PATH"], cwd=product.var)
        page.goto("/onboarding/sdk/")
        expect(page.locator(".arrival", has_text="Test event stored")).to_be_visible()

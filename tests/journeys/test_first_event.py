"""From sign-up to the first event: what stands on the screen is what a developer runs, with no other network.

Commands that ask a developer's own registry are played by the long tests; what they install is here already.
"""

import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.journeys.developers import (
    LIBRARIES,
    arrived,
    blocks,
    comes,
    fresh_node,
    fresh_python,
    open_way,
    python,
    run,
    with_openai,
    wrong_clock,
)
from tests.journeys.people import at, choose, go_on, no_sideways, sign_up, skip, somebody
from tests.product import Installed, Product
from tests.test_ui import faults
from tests.usage.measuring.otlp import model_server
from tokentra.machine.prepare import NODE_SDK, path_with_node

GREEN, CALL = "Test event stored", "A model call, with its price"
OURS = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # where the clients are installed
NODE = os.pathsep.join([path_with_node(), str(NODE_SDK / "node_modules" / ".bin")])


@pytest.fixture(scope="module")
def product(installed: Installed) -> Iterator[Product]:
    with Product(installed()) as running:
        yield running


@pytest.fixture(scope="module")
def models() -> Iterator[dict[str, str]]:
    """Where OpenAI's clients find their models, as an environment says it."""
    with model_server.serving() as url:
        yield {"OPENAI_BASE_URL": f"{url}/v1", "OPENAI_API_KEY": "none"}


def signed_up(page: Page, email: str) -> None:
    """Somebody at the step of the SDK, with their key on the screen."""
    sign_up(page, email)
    choose(page, "Engineering / Developer", "2-10 employees")
    go_on(page)
    for _ in range(3):
        skip(page)
    at(page, "/onboarding/sdk/")
    assert faults(page) == []
    page.get_by_role("button", name="Make my key").click()
    page.get_by_role("button", name="Copy key").wait_for()
    assert faults(page) == []


def plays(page: Page, title: str, script: str, **how: Any) -> str:
    """What was copied is run, and what came of it is shown."""
    return comes(page, title, lambda: run(script, **how))


def variables_of_all_ways(page: Page) -> dict[str, str]:
    """As they are copied while the key is on the screen, this once."""
    found = {}
    for way in ("Python", "Node.js", "OpenTelemetry", "LiteLLM", "curl"):
        page.locator("label.setup-choice", has_text=way).click()
        found[way] = blocks(page, "variables")[0]
    return found


def test_a_developer_sends_the_first_event_by_what_stands_on_the_screen(
    browser: Browser, product: Product, models: dict[str, str], tmp_path: Path
):
    with somebody(browser, product) as page:
        signed_up(page, "dev@first.example")
        variables = blocks(page, "variables")[0]
        [key] = re.findall(r"tt_live_\w{38}", variables)

        # by pip and by uv, each into a fresh environment
        for place, command in enumerate(blocks(page, "install")):
            path = fresh_python(tmp_path, with_pip=place == 0)
            run(command, path=path, cwd=tmp_path)
        test, code = (f"{variables}\n{each}" for each in (blocks(page, "test")[0], python(blocks(page, "code")[0])))
        said = run(test, path=path, cwd=tmp_path)
        assert "Events arrive." in said
        assert "Address, key and clock are right" in arrived(page, GREEN).inner_text()
        expect(page.get_by_text("Waiting for the first model call")).to_be_visible()

        # what is wrong with a program says so, there and here
        wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
        assert "FAIL Test event" in run(test.replace(key, wrong), path=path, cwd=tmp_path, ends_with=1)
        assert "Copy the key again" in arrived(page, "A wrong key").inner_text()
        late = os.pathsep.join([wrong_clock(tmp_path), LIBRARIES])
        run(code, path=path, cwd=tmp_path, PYTHONPATH=late, **models)
        clock = arrived(page, "The time of the call is out of range").inner_text()
        assert re.search(r"It said \d{4}-\d\d-\d\dT", clock)
        assert "Set that machine's clock" in clock
        run(code.replace("gpt-4o-mini", "gpt-99"), path=path, cwd=tmp_path, PYTHONPATH=LIBRARIES, **models)
        assert "Compare the model's name" in arrived(page, "Stored without a price").inner_text()
        assert faults(page) == []

        # the program as it stands on the screen
        run(code, path=path, cwd=tmp_path, PYTHONPATH=LIBRARIES, **models)
        call = page.get_by_label("Your first call")
        for words in ("gpt-4o-mini", "1,000 in, 50 out", "$0.00015", "The price book"):
            expect(call).to_contain_text(words)
        assert faults(page) == []
        page.set_viewport_size({"width": 390, "height": 844})
        no_sideways(page)

        page.get_by_role("button", name="Continue").click()
        at(page, "/onboarding/providers/")
        page.goto("/settings/sdk/troubleshooting/")
        expect(page.locator(".arrival", has_text="A wrong key")).to_be_visible()
        assert faults(page) == []
        assert key not in product.log


def test_every_other_way_in_works_as_it_stands_on_the_screen(
    browser: Browser, product: Product, models: dict[str, str], tmp_path: Path
):
    with somebody(browser, product) as page:
        signed_up(page, "other@first.example")
        variables = variables_of_all_ways(page)
        [key] = set(re.findall(r"tt_live_\w{38}", "".join(variables.values())))

        # curl; the page was loaded again and does not show the key any more
        open_way(page, "curl")
        expect(page.get_by_role("button", name="Replace key")).to_be_visible()
        assert key not in page.content()
        for title, step in ((GREEN, "test"), (CALL, "code")):
            plays(page, title, f"{variables['curl']}\n{blocks(page, step)[0]}", path=os.environ["PATH"], cwd=tmp_path)

        # npm and yarn, each into a fresh project
        open_way(page, "node")
        for name, install, test in zip(("npm", "yarn"), blocks(page, "install"), blocks(page, "test"), strict=True):
            project = fresh_node(tmp_path / name)
            run(install, path=NODE, cwd=project)
            said = plays(page, GREEN, f"{variables['Node.js']}\n{test}", path=NODE, cwd=project)
            assert "ok    event: A test event was stored." in said
            assert "WRONG" not in said
        (project / "shop.mjs").write_text(blocks(page, "code")[0])
        with_openai(project)
        plays(page, CALL, f"{variables['Node.js']}\nnode shop.mjs", path=NODE, cwd=project, **models)

        # a test span, and a program that is traced with the packages that the command names
        open_way(page, "opentelemetry")
        assert all(version(name) for name in blocks(page, "install")[0].split()[4:])
        [span], [code] = blocks(page, "test"), blocks(page, "code")
        plays(page, GREEN, f"{variables['OpenTelemetry']}\n{span}", path=os.environ["PATH"], cwd=tmp_path)
        plays(page, CALL, f"{variables['OpenTelemetry']}\n{python(code)}", path=OURS, cwd=tmp_path, **models)
        assert faults(page) == []
        open_way(page, "litellm")
        assert blocks(page, "test") == [span]
        for path in ("/settings/sdk/", "/settings/sdk/new/"):
            page.goto(path)
            assert faults(page) == []


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

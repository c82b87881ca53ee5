"""What stands on the screen for programs that ask a developer's own registry, played with that registry."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.developers import blocks, comes, fresh_node, fresh_python, open_way, python, run
from tests.journeys.people import at, sign_up, somebody
from tests.journeys.test_first_event import CALL, GREEN, models, product, variables_of_all_ways
from tests.product import Product
from tokentra.machine.prepare import path_with_node

__all__ = ["models", "product"]
pytestmark = pytest.mark.long


@contextmanager
def at_the_wizard(browser: Browser, product: Product, name: str) -> Iterator[tuple[Page, dict[str, str]]]:
    with somebody(browser, product) as page:
        sign_up(page, f"{name}@registries.example")
        page.get_by_role("button", name="Just give me an API key").click()
        at(page, "/onboarding/sdk/")
        variables = variables_of_all_ways(page)
        open_way(page, name)
        yield page, variables


def test_a_python_program_is_traced_by_what_the_command_for_opentelemetry_installs(
    browser: Browser, product: Product, models: dict[str, str], tmp_path: Path
):
    with at_the_wizard(browser, product, "opentelemetry") as (page, variables):
        path = fresh_python(tmp_path, with_pip=True)
        run(f"{blocks(page, 'install')[0]} openai", path=path, cwd=tmp_path, registries=True)
        program = f"{variables['OpenTelemetry']}\n{python(blocks(page, 'code')[0])}"
        comes(page, CALL, lambda: run(program, path=path, cwd=tmp_path, **models))


def test_litellm_tells_by_its_callback_as_a_library_and_as_a_proxy(
    browser: Browser, product: Product, models: dict[str, str], tmp_path: Path
):
    with at_the_wizard(browser, product, "litellm") as (page, variables):
        path = fresh_python(tmp_path, with_pip=True)
        run(f"python -m pip install litellm\n{blocks(page, 'install')[0]}", path=path, cwd=tmp_path, registries=True)
        program = f"{variables['LiteLLM']}\n{python(blocks(page, 'code')[0])}"
        comes(page, CALL, lambda: run(program, path=path, cwd=tmp_path, **models))


def test_a_newer_yarn_adds_the_package_and_runs_its_test(browser: Browser, product: Product, tmp_path: Path):
    with at_the_wizard(browser, product, "node") as (page, variables):
        tool = fresh_node(tmp_path / "tool")
        run("npm install @yarnpkg/cli-dist", path=path_with_node(), cwd=tool, registries=True)
        (tool / "yarn").write_text(f'#!/bin/sh\nexec node {tool}/node_modules/@yarnpkg/cli-dist/bin/yarn.js "$@"\n')
        (tool / "yarn").chmod(0o755)
        path = os.pathsep.join([str(tool), path_with_node()])
        project = fresh_node(tmp_path / "project")
        assert re.match(r"[4-9]\.", run("yarn --version", path=path, cwd=project))

        _, install = blocks(page, "install")
        run(install, path=path, cwd=project)
        _, test = blocks(page, "test")
        comes(page, GREEN, lambda: run(f"{variables['Node.js']}\n{test}", path=path, cwd=project))

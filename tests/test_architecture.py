"""Rules of the house that a linter of imports cannot see."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("tokentra", "accounts", "usage", "providers", "sdk_keys", "budgets", "onboarding")
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODULES = sorted(path for app in APPS for path in (ROOT / app).rglob("*.py"))
REVEALING = {"providers/sealing.py", "budgets/channels/sealing.py", "tokentra/lib/secret.py"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_templates_borrow_from_their_own_folder_and_the_kit_only():
    reaching = []
    for template in TEMPLATES:
        own = relative(template).removeprefix("templates/").split("/")[0]
        for borrowed in re.findall(r"{%\s*(?:include|extends)\s+\"([^\"]+)\"", template.read_text()):
            folder = borrowed.split("#")[0].split("/")[0]
            allowed = folder in {own, "ui", "allauth", "account", "admin", "unfold"} or "/" not in borrowed
            if not allowed:
                reaching.append(f"{relative(template)} borrows {borrowed}")

    assert reaching == []


def test_templates_hold_no_script_or_style_of_their_own():
    inline = re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>|<style|\son[a-z]+=\"", re.I)
    guilty = [relative(t) for t in TEMPLATES if "emails/" not in relative(t) and inline.search(t.read_text())]

    assert guilty == []


def test_e4_secrets_are_revealed_by_sealing_and_connectors_only():
    guilty = [
        relative(module)
        for module in MODULES
        if ".reveal(" in module.read_text()
        and relative(module) not in REVEALING
        and not relative(module).startswith("providers/connectors/")
    ]

    assert guilty == []


def test_the_ways_out_are_lib_http_and_lib_posting():
    speakers = {"tokentra/lib/http.py", "tokentra/lib/posting.py", "tokentra/lib/asking.py"}
    guilty = []
    for module in MODULES:
        names = re.findall(
            r"^\s*(?:import|from)\s+(httpx2?|requests|urllib\.request|http\.client)\b", module.read_text(), re.M
        )
        if (
            names
            and relative(module) not in speakers
            and not relative(module).startswith(("providers/connectors/", "tokentra/machine/"))
        ):
            guilty.append(relative(module))

    assert guilty == []


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_a_module_says_in_one_line_what_happens_there(module: Path):
    tree = ast.parse(module.read_text())
    if not tree.body or module.name == "__init__.py" or "migrations" in module.parts:
        return

    assert ast.get_docstring(tree), f"{relative(module)} has no docstring"


def test_modules_templates_and_styles_keep_to_their_size():
    limits = {".py": 340, ".html": 130, ".css": 150, ".js": 150}
    places = [*APPS, "templates", "frontend"]
    large = []
    for place in places:
        for path in (ROOT / place).rglob("*"):
            if path.suffix in limits and "migrations" not in path.parts:
                lines = len(path.read_text().splitlines())
                if lines > limits[path.suffix]:
                    large.append(f"{relative(path)}: {lines}")

    assert large == []


def test_views_are_thin():
    thick = []
    for module in MODULES:
        if module.name != "views.py":
            continue
        for node in ast.parse(module.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.end_lineno and node.end_lineno - node.lineno > 26:
                thick.append(f"{relative(module)}:{node.name}")

    assert thick == []


def test_nothing_says_it_is_unfinished():
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError|lorem ipsum|coming soon)\b", re.I)
    guilty = [relative(path) for path in [*MODULES, *TEMPLATES] if words.search(path.read_text())]

    assert guilty == []


def test_b62_amounts_are_rounded_where_they_are_priced_or_shown_and_nowhere_between():
    rounding = {
        "tokentra/lib/money.py",  # for people
        "usage/pricing.py",  # an amount's twelve places
        "usage/insights.py",  # a saving is an estimate, rounded down
        "usage/rules/evidence.py",  # as above
        "providers/connectors/reading.py",  # an amount that has more places than the table
        "usage/demo.py",  # what the sample's provider would have billed
    }
    found = {relative(module) for module in MODULES if ".quantize(" in module.read_text()}

    assert found <= rounding

"""The component kit: what it writes, and how the page that shows all of it behaves in a browser."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.template import Context, Template, engines
from django.template.backends.django import DjangoTemplates
from django.test import RequestFactory
from playwright.sync_api import Browser, Page, ViewportSize
from pytest_django.live_server_helper import LiveServer

from accounts.models import Membership
from accounts.permissions import Role
from tests import style_page
from tokentra.lib.charts import Chart, Series, Slot, stacked
from tokentra.navigation import groups_for
from tokentra.templatetags import icons, ui

ROOT = Path(settings.ROOT)
TESTS = Path(__file__).parent
AXE = (ROOT / "node_modules/axe-core/axe.min.js").read_text
RULES = """axe.run({
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'], selectors: false,
}).then((found) => found.violations)"""
Theme = Literal["light", "dark"]
# A field that has the focus from the start is scrolled to after the page has loaded, and smoothly.
STANDS_STILL = """() => new Promise((done) => {
    let [before, frames] = [NaN, 0];
    const look = () => {
        frames = scrollY === before ? frames + 1 : 0;
        before = scrollY;
        frames < 6 ? requestAnimationFrame(look) : done();
    };
    look();
})"""
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: 'layout-shift', buffered: true})"""


@pytest.fixture(autouse=True)
def _style_page_templates(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = cast(DjangoTemplates, engines["django"]).engine
    monkeypatch.setattr(engine, "dirs", [*engine.dirs, TESTS])


def written(source: str, **context: Any) -> str:
    return " ".join(Template(source).render(Context(context)).split())


def faults(page: Page) -> list[tuple[str, list[str]]]:
    """What axe finds. A click that leads to another page is over before that page has its styles, and what axe has
    noted of where things are is wrong once the page scrolls."""
    page.wait_for_load_state()
    page.evaluate(STANDS_STILL)
    page.evaluate(AXE())
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in page.evaluate(RULES)]


# What components write


def test_every_component_is_on_the_style_page():
    shown = "".join(path.read_text() for path in TESTS.glob("style_page*.html"))
    base = "".join(path.read_text() for path in (ROOT / "templates").glob("*.html"))

    missing = [tag for tag in ui.register.tags if not tag.startswith("end") and f"{{% {tag} " not in shown]

    assert [tag for tag in missing if f"{{% {tag} " not in base] == []


def test_every_icon_named_in_a_template_exists():
    pattern = re.compile(r"{%\s*icon\s+\"([a-z0-9-]+)\"|\bicon(?:_end)?=\"([a-z0-9-]+)\"")
    named = {
        first or second
        for template in (ROOT / "templates").rglob("*.html")
        for first, second in pattern.findall(template.read_text())
    }

    assert [name for name in sorted(named) if not (icons.ICONS / f"{name}.svg").is_file()] == []


def test_an_icon_beside_words_is_silent_and_one_alone_says_its_label():
    assert 'aria-hidden="true"' in written('{% icon "plug" %}')
    assert 'role="img" aria-label="Alerts"' in written('{% icon "bell" label="Alerts" %}')


def test_a_provider_without_a_mark_gets_a_plug():
    assert written('{% provider_logo "nobody" %}') == written('{% icon "plug" size=20 %}')


def test_what_people_typed_is_escaped_everywhere():
    evil = '"><script>alert(1)</script>'
    slots = [Slot(evil, evil, evil)]
    spend = stacked("spend", evil, slots, [Series(evil, evil, [1])], empty=evil)
    source = """{% stat evil evil title=evil note=evil link=evil %}{% chip evil %}{% button evil href=evil %}{% chart spend %}
        {% card title=evil line=evil %}{{ evil }}{% endcard %}{% copyable evil %}{% code evil %}{% meter 1 label=evil %}
        {% choice evil evil evil hint=evil %}{% alert title=evil %}{{ evil }}{% endalert %}{% empty evil %}{% endempty %}"""

    assert "<script>alert" not in written(source, evil=evil, spend=spend)


def test_more_and_less_are_words_and_an_unknown_change_says_so():
    assert "23% more than last month" in written('{% stat "Spend" "$1" change=0.23 against="last month" %}')
    assert "12% less than last month" in written('{% stat "Spend" "$1" change=-0.118 against="last month" %}')
    assert "same as last month" in written('{% stat "Spend" "$1" change=0 against="last month" %}')
    assert "no earlier data" in written('{% stat "Spend" "$1" %}')


def test_a_wrong_field_is_joined_to_its_error_and_its_help():
    form = style_page.ConnectForm({"email": "alice"})

    html = written("{% field form.email %}", form=form)

    assert 'aria-describedby="id_email_helptext id_email_error"' in html
    assert 'aria-invalid="true"' in html
    assert 'id="id_email_helptext"' in html
    assert 'id="id_email_error"' in html


@pytest.mark.parametrize(("sent", "focused"), [(None, "email"), ({"email": "alice@acme.example"}, "key")])
def test_of_a_form_that_was_sent_the_first_wrong_field_has_the_focus(sent: dict[str, str] | None, focused: str):
    """A page opens where there is something to mend, wherever its form begins otherwise."""
    form = style_page.ConnectForm(sent)
    form.fields["email"].widget.attrs["autofocus"] = True

    assert [each.name for each in form if "autofocus" in written("{% field field %}", field=each)] == [focused]


def test_an_optional_field_says_so_and_a_password_can_be_shown():
    form = style_page.ConnectForm()

    assert "optional" in written("{% field form.name %}", form=form)
    assert "optional" not in written("{% field form.email %}", form=form)
    assert "<show-password>" in written("{% field form.key %}", form=form)


@pytest.mark.parametrize(
    ("query", "href", "order"),
    [
        ("", "?sort=-cost", None),
        ("?sort=-cost", "?sort=cost", "descending"),
        ("?sort=cost&model=o5&after=abc&before=abc", "?sort=-cost&amp;model=o5", "ascending"),
    ],
)
def test_a_column_head_sorts_and_keeps_the_filters(rf: RequestFactory, query: str, href: str, order: str | None):
    html = written('{% th "Cost" sort="cost" numeric=True %}', request=rf.get(f"/usage/{query}"))

    assert f'href="{href}"' in html
    assert (f'aria-sort="{order}"' in html) is bool(order)


def test_the_navigation_leads_only_where_a_member_may_go(rf: RequestFactory):
    request = rf.get("/dashboard/")
    request.membership = Membership(role=Role.VIEWER)  # type: ignore[attr-defined]  # what the middleware sets

    labels = [link.label for _, links in groups_for(request) for link in links]

    assert "Dashboard" in labels
    assert groups_for(rf.get("/")) == []
    assert groups_for(HttpRequest()) == []


def test_a_chart_keeps_its_numbers_in_a_table_and_as_data():
    html = written("{% chart chart %}", chart=style_page.context()["chart"])

    assert html.count('<th scope="row">') == 30
    assert "Other (6)" in html
    assert "Not settled yet" in html
    assert '<script id="spend" type="application/json">' in html
    assert "(so far)" in html


def test_an_empty_chart_has_axes_and_a_sentence():
    bare: Chart = style_page.context()["bare"]

    html = written("{% chart chart %}", chart=bare)

    assert "No costs from 22 Oct to 20 Nov." in html
    assert "$0" in html
    assert "Numbers behind" not in html


def test_a_chart_leaves_room_for_its_longest_label():
    assert "--tick: 10ch" in written("{% chart chart %}", chart=style_page.context()["tiny"])


# The style page in a browser


LOOKS = [  # the quick set sees each width once, and both colours
    *[(1440, "light"), (1000, "dark"), (390, "dark")],
    *(pytest.param(*look, marks=pytest.mark.long) for look in [(1440, "dark"), (1000, "light"), (390, "light")]),
]


@pytest.fixture
def style_url(live_server: LiveServer, settings: Any) -> str:
    settings.ROOT_URLCONF = "tests.style_urls"
    return f"{live_server.url}/style/"


@dataclass
class Visit:
    page: Page
    problems: list[str] = field(default_factory=list)

    def note(self, problem: Any) -> None:
        self.problems.append(str(problem))


def opened(browser: Browser, url: str, *, width: int = 1440, theme: Theme = "light", scripts: bool = True) -> Visit:
    size: ViewportSize = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=theme, java_script_enabled=scripts)
    visit = Visit(context.new_page())
    visit.page.on("console", lambda said: visit.note(said.text) if said.type in {"error", "warning"} else None)
    visit.page.on("pageerror", visit.note)
    visit.page.add_init_script(SHIFTS)
    visit.page.goto(url)
    if scripts and visit.page.query_selector("[data-chart]"):
        visit.page.wait_for_selector(".chart-alive")
    if scripts:
        visit.page.evaluate(STANDS_STILL)
    return visit


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_style_page_has_no_fault_that_axe_finds(browser: Browser, style_url: str, width: int, theme: Theme):
    for url in (style_url, f"{style_url}?plain"):
        visit = opened(browser, url, width=width, theme=theme)
        page = visit.page

        assert faults(page) == []
        assert visit.problems == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("window.shifted") < 0.01
        page.context.close()


@pytest.mark.parametrize("scripts", [True, False])
def test_on_a_phone_nothing_lies_over_the_organization_and_the_period_is_one_button(
    scripts: bool, browser: Browser, style_url: str
):
    page = opened(browser, style_url, width=390, scripts=scripts).page
    organization, guide = (page.locator(each).bounding_box() for each in (".organization-button", ".topbar-help"))

    assert organization
    assert guide
    assert organization["x"] + organization["width"] <= guide["x"]
    period = page.locator(".period-short")
    assert [period.is_visible(), page.locator(".period > .segments").is_visible()] == [True, False]
    period.locator("summary").click()
    assert period.get_by_role("link").count() == page.locator(".period > .segments > a").count() > 1
    page.context.close()


def test_where_there_is_room_all_periods_stand_beside_one_another(browser: Browser, style_url: str):
    page = opened(browser, style_url).page
    tops = {page.locator(each).bounding_box()["y"] for each in (".period > .segments", ".period-custom")}  # type: ignore[index]  # shown

    assert page.locator(".period-short").is_hidden()
    assert max(tops) - min(tops) < 8
    page.context.close()


@pytest.mark.parametrize("width", [1440, 1000])
def test_the_sidebar_stays_in_sight_on_a_long_page(browser: Browser, style_url: str, width: int):
    page = opened(browser, style_url, width=width).page

    page.evaluate("scrollTo({top: document.documentElement.scrollHeight, behavior: 'instant'})")

    assert page.evaluate("scrollY") > 900
    assert abs(page.evaluate("document.querySelector('#sidebar').getBoundingClientRect().top")) < 1
    page.context.close()


def test_the_theme_is_switched_remembered_and_followed_by_charts(browser: Browser, style_url: str):
    page = opened(browser, style_url).page
    bar = ".chart-live path[fill^=rgb]"
    before = page.locator(bar).first.get_attribute("fill")

    page.click("theme-toggle button")

    assert page.get_attribute("html", "data-bs-theme") == "dark"
    assert page.locator(bar).first.get_attribute("fill") != before
    page.reload()
    assert page.get_attribute("html", "data-bs-theme") == "dark"
    page.context.close()


def test_menus_dialogs_and_explanations_obey_the_keyboard(browser: Browser, style_url: str):
    page = opened(browser, style_url).page

    page.locator(".basis summary").first.press("Enter")
    assert page.locator(".basis .pop-panel").first.is_visible()
    page.keyboard.press("Escape")
    assert not page.locator(".basis .pop-panel").first.is_visible()

    page.click("a[data-dialog]")
    assert page.locator("#disconnect").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#disconnect").is_visible()
    page.context.close()


def test_a_click_on_a_bar_drills_into_its_day(browser: Browser, style_url: str):
    page = opened(browser, style_url).page
    chart = page.locator(".chart-live").first
    chart.scroll_into_view_if_needed()  # the page opens at the form with a fault
    box = chart.bounding_box()
    assert box

    page.mouse.click(box["x"] + 70, box["y"] + box["height"] / 2)
    page.wait_for_url("**?from=2026-10-22*")
    page.context.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_smallest_amounts_are_whole_and_bars_begin_beside_them(browser: Browser, style_url: str, width: int):
    page = opened(browser, style_url, width=width).page
    chart = page.locator("[data-chart=tiny]")
    chart.locator(".chart-live path").first.wait_for(state="attached")
    left = {
        each: chart.evaluate("(it, of) => it.querySelector(of).getBoundingClientRect().left", each)
        for each in (".chart-drawn", ".chart-live path")
    }
    labels = [each.bounding_box() for each in chart.locator(".chart-tick > span").all()]
    edge = chart.bounding_box()

    assert edge
    assert min(each["x"] for each in labels if each) >= edge["x"]
    assert max(each["x"] + each["width"] for each in labels if each) <= left[".chart-drawn"] <= left[".chart-live path"]
    for figure in page.locator(".stat-value").all():
        assert figure.evaluate("(it) => it.scrollWidth <= it.clientWidth"), figure.inner_text()
    page.context.close()


def test_five_figures_stand_in_one_row_or_three_over_two(browser: Browser, style_url: str):
    page = opened(browser, style_url, width=1280).page
    page.evaluate(
        "() => { const tiles = document.querySelector('.tiles'); tiles.append(tiles.lastElementChild.cloneNode(true)); }"
    )

    def rows() -> list[int]:
        tops = [each.bounding_box()["y"] for each in page.locator(".tiles").first.locator("> .stat").all()]  # type: ignore[index]  # shown
        return [tops.count(top) for top in sorted({*tops})]

    assert rows() == [3, 2]
    page.set_viewport_size({"width": 1440, "height": 900})
    assert rows() == [5]
    page.context.close()


def test_without_scripts_charts_are_drawn_and_menus_and_dialogs_open(browser: Browser, style_url: str):
    page = opened(browser, style_url, width=390, scripts=False).page

    assert page.locator(".chart-drawn").first.is_visible()
    bars = page.locator(".chart-drawn path").first.bounding_box()
    assert bars
    assert bars["height"] > 50
    page.click(".topbar-menu")
    assert page.locator(".side-nav").is_visible()
    page.goto(f"{style_url}#disconnect")
    assert page.locator("#disconnect").is_visible()
    page.context.close()

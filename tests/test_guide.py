"""The guide says what is there: its links, words, tables and lists are compared with the product."""

import re
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, get_resolver, resolve, reverse
from playwright.sync_api import Browser as Chromium
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from accounts.permissions import ALLOWED, Permission, Role
from providers.connectors import CONNECTORS
from providers.wording import SAID
from tests import make
from tests.conftest import Browser
from tests.test_isolation_walk import routes
from tests.test_ui import Theme, faults, opened
from tokentra.api import api
from tokentra.guide import contents, reading
from tokentra.guide.reading import Page, anchor_of, pages
from tokentra.guide.searching import search, stems_of
from tokentra.navigation import GROUPS
from tokentra.templatetags.words import BASES, STATUSES
from usage import csv_lines, focus
from usage.rows import Ledger

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "docs/guide").glob("*.md"))
APPS = sorted(path.parent.name for path in ROOT.glob("*/apps.py"))
PAGES = list(pages().values())
ON_SCREEN = "\n".join(
    path.read_text()
    for folder in ("templates", *APPS)
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".html", ".py") and "guide" not in path.relative_to(ROOT).parts
)
ROWS_OF_ROLES = {
    "See figures, connections and suggestions; export; read by the JSON API": Permission.SEE_COSTS,
    "Connect an account, pause it, replace its key, disconnect it": Permission.MANAGE_CONNECTIONS,
    "Make routing rules, enable and disable them": Permission.MANAGE_ROUTING,
    "Make API keys, replace and revoke their own": Permission.MANAGE_OWN_KEYS,
    "Give spend to cost centres; enter [own prices](figures.md#your-own-prices); make budgets, alert rules and channels": Permission.MANAGE_BUDGETS,
    "Ask for more of a budget": Permission.ASK_BUDGET,
    "Approve that somebody else gets more": Permission.APPROVE_BUDGET,
    "Change the organization's settings": Permission.MANAGE_SETTINGS,
    "Read the audit log": Permission.READ_AUDIT,
    "Invite people, change roles, remove members": Permission.MANAGE_PEOPLE,
    "Make and unmake owners, hand over ownership, set up [single sign-on](single-sign-on.md)": Permission.OWN,
}


def text(slug: str) -> str:
    """A page's words as they are read, without markup."""
    return " ".join(f"{part.heading} {part.text}" for part in pages()[slug].parts).replace(
        "\N{RIGHT SINGLE QUOTATION MARK}", "'"
    )


def source(slug: str) -> str:
    return (ROOT / f"docs/guide/{slug}.md").read_text()


def links(leaf: Page) -> list[str]:
    return re.findall(r'<a href="([^"]+)"', f"{leaf.line}{leaf.body}")


# Its files and links


def test_every_file_has_its_place_in_the_contents():
    declared = {slug for section in contents.SECTIONS for slug in section.pages}

    assert declared == {path.stem for path in FILES} | contents.ELSEWHERE.keys()


@pytest.mark.parametrize("leaf", PAGES, ids=lambda leaf: leaf.slug)
def test_every_link_and_anchor_of_a_page_leads_somewhere(leaf: Page):
    broken = []
    for href in links(leaf):
        link = urlsplit(href)
        there = leaf
        if link.scheme:
            if link.scheme != "https":
                broken.append(href)
            continue
        if link.path:
            try:
                match = resolve(link.path)
            except Resolver404:
                broken.append(href)
                continue
            there = pages().get(match.kwargs["slug"]) if match.view_name == "guide:page" else None
            if match.view_name == "guide:page" and there is None:
                broken.append(href)
        if link.fragment and (there is None or unquote(link.fragment) not in {part.anchor for part in there.parts}):
            broken.append(href)

    assert broken == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere_in_a_repository_viewer_too(path: Path):
    broken = []
    for href in re.findall(r"\]\((?!https:|/)([^)]+)\)", path.read_text()):
        name, _, anchor = href.partition("#")
        there = (path.parent / name).resolve() if name else path
        headings = re.findall(r"^#+ (.+)$", there.read_text(), re.M) if there.is_file() else []
        if not headings or (anchor and anchor not in map(anchor_of, headings)):
            broken.append(href)

    assert broken == []


@pytest.mark.parametrize("leaf", PAGES, ids=lambda leaf: leaf.slug)
def test_every_address_that_a_page_writes_out_is_there(leaf: Page):
    known = {re.sub(r"<[^>]+>", "{id}", "/" + route.path) for route in routes(get_resolver().url_patterns)}
    written = re.findall(r"<code>(?:(?:GET|POST|PUT|DELETE) )?(/[a-z][\w/{}.-]*)", leaf.body)

    assert [each for each in written if each not in known and not each.startswith(("/v1/", "/scim/"))] == []


@pytest.mark.parametrize("leaf", PAGES, ids=lambda leaf: leaf.slug)
def test_no_two_things_on_a_page_share_an_id(leaf: Page, client: Client, db: None):
    ids = re.findall(r'\sid="([^"]+)"', client.get(leaf.address).content.decode())

    assert sorted(ids) == sorted(set(ids))


# Its words


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_stands_in_bold_stands_on_a_screen(path: Path):
    bold = re.findall(r"\*\*(.+?)\*\*", path.read_text())
    labels = "|".join(connector.label for connector in CONNECTORS.values())
    forms = {
        each: {each, re.sub(labels, "{{ connector.label }}", each), re.sub(labels, "{label}", each)} for each in bold
    }

    assert [each for each in bold if not any(form in ON_SCREEN for form in forms[each])] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_page_speaks_our_way(path: Path):
    prose = re.sub(r"`[^`]*`|```.*?```", "", path.read_text(), flags=re.S)

    assert re.findall(r"\b(please|simply|just|oops|easily|upcoming|roadmap)\b", prose, re.I) == []
    assert re.findall(r"\w!", prose) == []


@pytest.mark.parametrize("leaf", PAGES, ids=lambda leaf: leaf.slug)
def test_a_page_has_a_title_a_line_and_headings_in_order(leaf: Page):
    levels = [2, *(part.level for part in leaf.parts[1:] if part.level)]

    assert leaf.title
    assert leaf.about.endswith((".", "?"))
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert 1 not in levels


# What it says of the product


def test_the_table_of_roles_is_the_one_that_the_code_keeps():
    rows = re.findall(r"^\| (.+) \|$", source("roles"), re.M)
    head, *body = [[cell.strip() for cell in row.split(" | ")] for row in rows]

    assert head[1:] == [role.label for role in Role]
    said = {what: dict(zip(Role, cells, strict=True)) for what, *cells in body}
    assert said == {
        what: {role: "yes" if role in ALLOWED[permission] else "no" for role in Role}
        for what, permission in ROWS_OF_ROLES.items()
    }


def test_every_permission_that_a_page_asks_for_has_its_row():
    modules = [path.read_text() for app in APPS for path in (ROOT / app).rglob("*.py")]
    asked = {name for text in modules for name in re.findall(r"@page\(Permission\.([A-Z_]+)", text)}

    assert asked == {permission.name for permission in ROWS_OF_ROLES.values()}


def test_every_state_of_a_connection_is_explained():
    titles = {said.title.format(label="OpenAI") for said in SAID.values()}
    bold = set(re.findall(r"\*\*(.+?)\*\*", source("connections")))
    headings = {part.heading for part in pages()["connections"].parts}

    assert titles - bold == set()
    assert {word.label for word in STATUSES.values()} - headings == set()


def test_every_basis_that_occurs_is_explained_in_its_own_words():
    for name in ("billed", "computed", "mixed", "unpriced"):
        assert f"| **{BASES[name].label}** |" in source("figures")
    assert BASES["billed"].explanation in text("figures")
    assert BASES["computed"].explanation in text("figures")


@pytest.mark.parametrize("connector", CONNECTORS.values(), ids=lambda connector: connector.key)
def test_every_provider_has_a_page_with_all_requests_that_are_made(connector: Any):
    page = source(f"connect-{connector.key}")
    listed = re.findall(r"^(?:GET|POST) .+$", page, re.M)

    assert tuple(listed) == connector.card.calls
    assert connector.card.key_page in page
    for step in re.findall(r"\w+ > \w[\w ]*?(?= and|\.|$)", " ".join(connector.card.steps)):
        assert step in page, step


def test_how_often_days_are_read_again_is_true():
    table = source("connections")
    for connector in CONNECTORS.values():
        for endpoint in connector.endpoints_for(frozenset()):
            what = "costs" if endpoint.ledger is Ledger.BILLED else "usage"
            often, seldom = (every(pause) for pause in (endpoint.hot_every, endpoint.deep_every))
            days = f"the last {endpoint.hot_days} days, {often} \\| {endpoint.deep_days} days, {seldom}"
            assert re.search(rf"^\| {connector.label} \| .*{what}.* \| {days} \|$", table, re.M), endpoint


def every(pause: timedelta) -> str:
    hours = int(pause.total_seconds() / 3600)
    words = {1: "every hour", 24: "every day", 7 * 24: "every week"}
    return words.get(hours, f"every {hours} hours")


def test_every_column_of_an_export_is_described():
    page = source("export")

    for column in (*csv_lines.MEASURES, *focus.COLUMNS):
        assert f"`{column}`" in page, column


def test_the_routes_of_the_api_page_are_those_of_the_api():
    paths = api.get_openapi_schema(path_prefix="/api/")["paths"]
    known = {
        f"{method.upper()} {re.sub(r'{[^}]+}', '{id}', path)}" for path, methods in paths.items() for method in methods
    }
    written = re.findall(r"`((?:GET|POST|PUT|DELETE) /api/[^`?]+)`", source("api"))

    assert written
    assert set(written) - known == set()


def test_an_answer_of_the_api_has_the_fields_that_the_guide_names(acme, alice):
    answer = Browser(alice).get("/api/usage/stats?from=2026-01-01&to=2026-02-01&groupBy=day,model").json()

    assert all(f"`{field}`" in source("api") for field in answer), answer.keys()


def test_the_image_ships_the_guide():
    kept = (ROOT / ".dockerignore").read_text().split()

    assert "docs" not in kept
    assert {"!docs/guide", *(f"!docs/{name}" for name in contents.ELSEWHERE.values())} <= set(kept)


# Its HTML


def test_html_in_a_source_is_shown_and_not_obeyed():
    written = reading.html(
        reading.MARKDOWN.parse('<script>alert(1)</script>\n\n<b onclick="x">b</b> [a](javascript:x)')
    )

    assert "<script" not in written
    assert "<b " not in written
    assert 'href="javascript' not in written
    assert "&lt;script&gt;" in written


def test_a_heading_that_comes_twice_is_named_as_repository_viewers_name_it():
    tokens = reading.MARKDOWN.parse("## What's new?\n\n## What's new?\n\n## A_b - c")
    reading.name_headings(tokens)

    assert [t.attrs["id"] for t in tokens if t.type == "heading_open"] == ["whats-new", "whats-new-1", "a_b---c"]


def test_code_has_the_copy_button_and_tables_the_kits_look():
    body = pages()["export"].body

    assert '<copy-button data-text="/api/usage/export?' in body
    assert '<table class="table figures' in body
    assert '<caption class="visually-hidden">Columns of the CSV file</caption>' in body


def test_pages_are_read_once_in_a_process(client: Client, db: None, monkeypatch: pytest.MonkeyPatch):
    client.get("/docs/")
    monkeypatch.setattr(Path, "read_text", None)  # whoever reads a file now fails

    assert client.get("/docs/figures/").status_code == 200
    assert client.get("/docs/search/?q=billed").status_code == 200


# Whom it is shown to


def test_strangers_read_it_in_a_frame_of_their_own(client: Client, db: None):
    for address in ("/docs/", "/docs/figures/", "/docs/search/?q=billed"):
        page = client.get(address).content.decode()
        assert 'class="sidebar"' not in page
        assert reverse("account_login") in page


def test_members_keep_their_sidebar(acme, alice):
    page = Browser(alice).get("/docs/figures/").content.decode()

    assert 'class="sidebar"' in page
    assert re.search(r'href="/help/"\s+title="Help"\s+data-tour="help" aria-current="true"', page)


def test_whoever_belongs_nowhere_reads_without_a_sidebar(db: None):
    page = Browser(make.user("nowhere@acme.example")).get("/docs/").content.decode()

    assert 'class="sidebar"' not in page
    assert "Back to TokenTra" in page


def test_a_page_that_is_not_there_is_not_found(client: Client, db: None):
    assert client.get("/docs/nothing/").status_code == 404
    assert client.post("/docs/").status_code == 405


def test_a_page_leads_to_its_neighbours(client: Client, db: None):
    slugs = [page.slug for page in PAGES]
    before, here, after = slugs[3:6]
    page = client.get(f"/docs/{here}/").content.decode()

    assert re.search(rf'rel="prev"\s+href="/docs/{before}/"', page)
    assert re.search(rf'rel="next"\s+href="/docs/{after}/"', page)
    assert 'rel="prev"' not in client.get(f"/docs/{slugs[0]}/").content.decode()
    assert 'rel="next"' not in client.get(f"/docs/{slugs[-1]}/").content.decode()


# The help button


def explained(view: str, **arguments: str) -> Page:
    slug, _, anchor = contents.explanation_of(view, arguments).partition("#")
    assert slug in pages(), f"{view} has no page"
    assert not anchor or anchor in {part.anchor for part in pages()[slug].parts}, f"{view}: {slug}#{anchor}"
    return pages()[slug]


def test_every_page_of_the_navigation_has_one_that_explains_it():
    for group in GROUPS:
        for entry in group.entries:
            explained(entry.view)


@pytest.mark.parametrize("view", contents.EXPLAINS)
def test_what_is_declared_to_explain_a_view_is_there(view):
    for provider in CONNECTORS:
        explained(view, provider=provider)


def test_every_signed_in_page_has_a_help_button_to_its_own_page(acme, alice, settings):
    connection = make.connection(acme, by=alice)
    browser = Browser(alice)
    seen = set()
    for route in routes(get_resolver().url_patterns):
        if route.name.startswith(("admin", "api", "guide", *settings.SOCIAL_PROVIDERS)):
            continue
        answer = browser.get(route.at(pk=str(connection.pk), provider="openai"))
        if answer.streaming:
            list(answer)  # one that nobody reads to its end would hold the scope behind it until it is collected
        page = answer.content.decode() if answer.status_code == 200 and not answer.streaming else ""
        if 'class="framed"' in page:
            href = re.search(r'topbar-help"\s+href="([^"]+)"', page)
            assert href, route
            assert href.group(1) != "/docs/", route
            seen.add(route.name)

    assert {"usage:dashboard", "providers:connect", "providers:connection", "accounts:security"} <= seen


@pytest.mark.parametrize("address", ["/login/", "/signup/", "/password/reset/"])
def test_plain_pages_have_a_quiet_link_to_help(address, client: Client, db: None):
    assert '<a href="/docs/sign-in/">Help</a>' in client.get(address).content.decode()


def test_support_is_named_where_the_operator_has_some(client: Client, db: None, settings):
    assert "support.example" not in client.get("/docs/").content.decode()

    settings.SUPPORT_URL = "https://support.example/"

    for address in ("/docs/", "/docs/search/?q=zzz", "/login/"):
        assert "https://support.example/" in client.get(address).content.decode()


# Search


def test_a_title_ranks_above_a_heading_and_a_heading_above_text():
    found = [each.address for each in search(PAGES, "optimization")]

    assert found[0] == "/docs/optimization/"
    headings = [
        bool(each.part.anchor and "unpriced" in each.part.heading.lower()) for each in search(PAGES, "unpriced")
    ]
    assert headings[0]
    assert headings == sorted(headings, reverse=True)


def test_all_words_are_looked_for_and_else_as_many_as_there_are():
    assert search(PAGES, "csv columns")[0].address == "/docs/export/#columns-of-the-csv-file"
    for found in search(PAGES, "unpriced export"):
        told = f"{found.page.title} {found.part.heading} {found.part.text}".lower()
        assert "unpric" in told, found.address
        assert "export" in told, found.address
    assert search(PAGES, "unpriced zebra")[0].address == search(PAGES, "unpriced")[0].address
    assert search(PAGES, "zebra") == []


def test_words_are_found_in_their_other_forms_and_small_words_do_not_count():
    assert stems_of("How do I replace the keys?") == stems_of("replacing key") == ("replac", "key")
    assert stems_of("what is it") == ("what", "is", "it")


def test_a_result_shows_the_passage_with_the_hit_marked_and_leads_to_its_section(client: Client, db: None):
    page = client.get("/docs/search/", {"q": "hatched"}).content.decode()

    assert "<mark>hatched</mark>" in page
    assert 'href="/docs/figures/#settled-provisional-so-far"' in page
    assert 'value="hatched"' in page


def test_long_texts_are_cut_around_the_hit_in_whole_words():
    [found] = [each for each in search(PAGES, "rowCount") if each.page.slug == "export"][:1]
    passage = "".join(piece.text for piece in found.passage)

    assert len(passage) < 240
    assert "rowCount" in passage
    assert set(re.findall(r"\w+", passage)) <= set(re.findall(r"\w+", found.part.text))


def test_an_empty_question_shows_the_contents_and_one_without_answer_says_so(client: Client, db: None):
    assert 'class="guide-sections"' in client.get("/docs/search/").content.decode()
    assert 'class="guide-sections"' in client.get("/docs/search/?q=+").content.decode()
    assert "Nothing found" in client.get("/docs/search/?q=zebra").content.decode()


def test_what_was_typed_is_escaped(client: Client, db: None):
    page = client.get("/docs/search/", {"q": '<script>alert("zebra")</script>'}).content.decode()

    assert "<script>alert" not in page


def test_as_it_is_typed_only_the_results_are_sent(client: Client, db: None):
    answer = client.get("/docs/search/?q=billed", headers={"HX-Request": "true"})

    assert answer.content.decode().strip().startswith('<div id="results">')
    assert "HX-Request" in answer["Vary"]


# In a browser


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_the_guide_has_no_fault_that_axe_finds(
    browser: Chromium, live_server: LiveServer, width: int, theme: Theme, alice: User, acme
):
    for address in ("/docs/", "/docs/export/", "/docs/roles/", "/docs/search/?q=key", "/docs/search/?q=zebra"):
        visit = opened(browser, live_server.url + address, width=width, theme=theme)

        assert faults(visit.page) == [], address
        assert visit.problems == []
        assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
        visit.page.context.close()


def test_results_come_while_one_types_and_the_address_follows(browser: Chromium, live_server: LiveServer):
    visit = opened(browser, f"{live_server.url}/docs/")

    visit.page.fill("#guide-query", "unpriced")
    visit.page.wait_for_selector(".guide-hit mark")
    visit.page.wait_for_url("**/docs/search/?q=unpriced")
    visit.page.fill("#guide-query", "")
    visit.page.wait_for_selector(".guide-sections")

    assert visit.problems == []
    visit.page.context.close()


def test_it_is_searched_without_scripts(browser: Chromium, live_server: LiveServer):
    visit = opened(browser, f"{live_server.url}/docs/figures/", scripts=False)

    visit.page.fill("#guide-query", "hatched")
    visit.page.press("#guide-query", "Enter")
    visit.page.click(".guide-hit >> nth=0")

    assert urlsplit(visit.page.url).fragment == "settled-provisional-so-far"
    visit.page.context.close()

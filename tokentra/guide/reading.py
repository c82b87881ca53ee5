"""Markdown becomes pages: HTML in the kit's pieces, a table of contents, and plain text to search in."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from tokentra.guide.contents import ELSEWHERE, SECTIONS, Section

DOCS = Path(settings.ROOT) / "docs"
FILES = {slug: DOCS / ELSEWHERE.get(slug, f"guide/{slug}.md") for section in SECTIONS for slug in section.pages}
SLUGS = {file: slug for slug, file in FILES.items()}


@dataclass(frozen=True, slots=True)
class Part:
    """What stands under one heading. The first part of a page has none."""

    level: int
    anchor: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    slug: str
    section: Section
    title: str
    line: SafeString
    body: SafeString
    parts: tuple[Part, ...]

    @property
    def address(self) -> str:
        return reverse("guide:page", args=[self.slug])

    @property
    def about(self) -> str:
        """The line without its markup."""
        return self.parts[0].text

    @property
    def headings(self) -> list[Part]:
        return [part for part in self.parts if part.level == 2]


class Renderer(RendererHTML):
    """The HTML of our kit where it has a piece for the thing."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return render_to_string("ui/code.html", {"text": tokens[idx].content.rstrip("\n"), "label": "Copy"})

    def figures(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        content = mark_safe(self.render(token.children or [], options, env))  # noqa: S308  # as in html() below
        return render_to_string("ui/table.html", {"content": content, "caption": token.content})

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        anchor, heading = tokens[idx].meta["anchor"], tokens[idx].meta["heading"]
        link = format_html('<a class="anchor" href="#{}" aria-label="Link to “{}”">#</a>', anchor, heading)
        return f"{link}</{tokens[idx].tag}>\n"


MARKDOWN = MarkdownIt("js-default", {"html": False, "typographer": True}, renderer_cls=Renderer).disable("replacements")


@cache
def pages() -> dict[str, Page]:
    """Every page by its slug, in the guide's order; read once in a process."""
    return {slug: read(slug, section) for section in SECTIONS for slug in section.pages}


def read(slug: str, section: Section) -> Page:
    tokens = MARKDOWN.parse(FILES[slug].read_text(encoding="utf-8"))
    title, line, rest = tokens[1], tokens[4], tokens[6:]  # a heading and a paragraph are three tokens each
    point_links_to_pages([line, *rest], FILES[slug].parent)
    name_headings(rest)
    parts = (Part(0, "", "", plain(line)), *parts_of(rest))
    return Page(slug, section, plain(title), html(line.children or []), html(fold_tables(rest)), parts)


def html(tokens: Sequence[Token]) -> SafeString:
    written: str = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
    return mark_safe(written)  # noqa: S308  # texts are escaped and raw HTML is off


def point_links_to_pages(tokens: Sequence[Token], folder: Path) -> None:
    """A link to another page's file, as a repository shows it, becomes one to the page."""
    for token in tokens:
        point_links_to_pages(token.children or [], folder)
        if token.type != "link_open":
            continue
        link = urlsplit(str(token.attrs["href"]))
        if slug := SLUGS.get((folder / link.path).resolve()):
            anchor = f"#{link.fragment}" if link.fragment else ""
            token.attrs["href"] = reverse("guide:page", args=[slug]) + anchor
        elif link.scheme:
            token.attrs |= {"rel": "noopener noreferrer"}


def name_headings(tokens: Sequence[Token]) -> None:
    seen: Counter[str] = Counter()
    for opening, inside, closing in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "heading_open":
            heading = plain(inside)
            anchor = anchor_of(heading)
            seen[anchor] += 1
            anchor += f"-{seen[anchor] - 1}" if seen[anchor] > 1 else ""
            opening.attrs["id"] = anchor
            closing.meta |= {"anchor": anchor, "heading": heading}


def anchor_of(heading: str) -> str:
    """As repository viewers name a heading, so that one link is right in both places."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def fold_tables(tokens: Sequence[Token]) -> list[Token]:
    """Each table becomes one token, captioned by the heading above it, so that the kit can draw it."""
    folded: list[Token] = []
    inside: list[Token] | None = None
    heading = "Table"
    for token in tokens:
        if token.type == "heading_close":
            heading = token.meta["heading"]
        if token.type == "table_open":
            inside = []
        elif token.type == "table_close":
            folded.append(Token("figures", "", 0, content=heading, children=inside))
            inside = None
        else:
            (folded if inside is None else inside).append(token)
    return folded


def parts_of(tokens: Sequence[Token]) -> Iterator[Part]:
    """The plain text of a page, heading by heading."""
    level, anchor, heading, texts = 0, "", "", list[str]()
    after_heading = False
    for token in tokens:
        if token.type == "heading_open":
            if heading or texts:
                yield Part(level, anchor, heading, " ".join(texts))
            level, anchor, heading, texts = int(token.tag[1:]), str(token.attrs["id"]), "", []
            after_heading = True
        elif token.type == "inline" and after_heading:
            heading, after_heading = plain(token), False
        elif token.type in ("inline", "fence"):
            texts.append(plain(token))
    yield Part(level, anchor, heading, " ".join(texts))


def plain(token: Token) -> str:
    if token.type == "inline":
        return "".join(" " if child.type == "softbreak" else child.content for child in token.children or [])
    return " ".join(token.content.split())

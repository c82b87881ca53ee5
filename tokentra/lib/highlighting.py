"""Colours for code on a page: classes around its words, made on the server."""

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name


def coloured(text: str, language: str) -> SafeString:
    """Everything of the text is escaped; without a language it is only that."""
    if not language:
        return escape(text)
    lexer = get_lexer_by_name(language, stripnl=False, ensurenl=False)
    html: str = highlight(text, lexer, HtmlFormatter(nowrap=True))
    return mark_safe(html.rstrip("\n"))  # noqa: S308  # Pygments escapes what it wraps

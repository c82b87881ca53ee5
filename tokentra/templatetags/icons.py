"""Icons, provider logos and our own mark, inlined once per process from what the build extracted."""

import json
from functools import cache, lru_cache
from pathlib import Path

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

ROOT = Path(__file__).resolve().parents[2]
BUILT = ROOT / "build" / "icons"
ICONS = ROOT / "node_modules/@tabler/icons/icons/outline"


@register.simple_tag
@lru_cache(maxsize=500)
def icon(name: str, label: str = "", size: int = 18) -> SafeString:
    """Decoration beside words; an icon that stands alone needs `label`."""
    said = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')  # a constant
    return format_html(
        '<svg class="glyph" width="{}" height="{}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>',
        size,
        size,
        said,
        outline(name),
    )


@register.simple_tag
def provider_logo(provider: str, size: int = 20) -> SafeString:
    """The provider's mark beside its name; one we have no mark for gets a plug."""
    drawing = built("logos.json").get(provider)
    if drawing is None:
        return icon("plug", size=size)
    return format_html(
        '<svg class="provider-logo" width="{}" height="{}" viewBox="0 0 24 24" fill="currentColor" '
        'fill-rule="evenodd" aria-hidden="true">{}</svg>',
        size,
        size,
        mark_safe(drawing),  # noqa: S308  # our own build wrote it
    )


@cache
def outline(name: str) -> SafeString:
    drawing = built("icons.json").get(name)
    if drawing is None:  # new in a template since the last build
        file = ICONS / f"{name}.svg"
        if not file.is_file():
            raise LookupError(f"There is no icon named {name!r} in @tabler/icons.")
        drawing = file.read_text().split('fill="none" />', 1)[1].removesuffix("</svg>\n").removesuffix("</svg>")
    return mark_safe(drawing)  # noqa: S308  # a file of the icon package


@cache
def built(name: str) -> dict[str, str]:
    file = BUILT / name
    return json.loads(file.read_text()) if file.is_file() else {}

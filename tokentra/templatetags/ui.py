"""The component kit: the words our templates are written in. Loaded in every template (settings, builtins).

{% icon "plug" %}  {% icon "bell" label="Alerts" %}  {% provider_logo "openai" size=20 %}
{% button "Connect OpenAI" href=url kind="primary" icon="plug" %} secondary quiet danger; submits without href
{% post_button "Pause" action=url icon="player-pause" %}  one-button form; name= value= send a field
{% card title="Cost by model" line="July" link=url link_text="Rows" %}…{% endcard %}  flush=True for tables
{% stat "Spend" total|dollars title=total|exact_dollars change=0.23 against="June" basis="billed"
        link=url link_text="See the rows" note="…" %}  change=None says no_change ("no earlier data")
{% basis "mixed" %}  opens its explanation: billed computed measured mixed reported estimated unpriced
{% chip "Healthy" tone="good" icon="circle-check" %}  good warn bad info brand neutral
{% status connection.status %}  the chip of a connection's state
{% alert tone="warn" title="…" %}…{% endalert %}
{% empty "No costs yet" icon="plug" action_href=url action="Connect" link_href=url link="…" %}…{% endempty %}
{% field form.email %}  {% form_fields form %}  {% form_errors form %}
{% choice "provider" "openai" "OpenAI" hint="…" logo="openai" checked=True kind="radio" %}  a big option card
{% segments items label="Group by" %}  items: label, href, is_current
{% period_picker presets start=start end=end keep=kept %}  segments and a custom range (GET from, to)
{% menu "More" icon="dots" %}…{% endmenu %}  of {% menu_link "Keys" url %} {% menu_post "Pause" url %}
{% dialog "disconnect" title="Disconnect OpenAI" %}…{% enddialog %}
{% dialog_button "Disconnect" "disconnect" kind="danger" %}  opens it
{% table "Usage by day" %}<thead>…{% endtable %}  stack=True: blocks on a phone (td data-label)
{% th "Cost" sort="cost" numeric=True %}  numbers stand in <td class="num">, long names in <td class="name">
{% paging previous=url next=url line="1 to 50 of 2,310" %}
{% meter 35 label="First sync" text="35%" %}
{% steps items %}  items: label, state (done now waiting failed skipped), line
{% skeleton "chart" %}  chart stat rows text
{% code "make run" language="bash" %}  {% copyable value label="key id" %}
{% chart spend %}  of tokentra.lib.charts.stacked()   {% ranked rows %}  of tokentra.lib.charts.rank()
{% local_time moment "time" %}  datetime time date ago
Filters: dollars exact_dollars tokens exact percent duration in_currency:"EUR" ago day
"""

from typing import Any

from django import template
from django.http import HttpRequest
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from tokentra.lib import money
from tokentra.lib.highlighting import coloured
from tokentra.navigation import groups_for
from tokentra.templatetags import charts_kit, figures, forms_kit, icons
from tokentra.templatetags.words import BASES, STATUSES, Comparison

register = template.Library()
for part in (icons, figures, forms_kit, charts_kit):
    register.tags |= part.register.tags
    register.filters |= part.register.filters


def drawn(name: str, values: dict[str, Any], **more: Any) -> SafeString:
    return render_to_string(f"ui/{name}.html", values | more)


@register.simple_block_tag
def card(
    content: str,
    title: str = "",
    *,
    line: str = "",
    link: str = "",
    link_text: str = "",
    flush: bool = False,
    size: str = "",
    id: str = "",
    heading: int = 2,
    icon: str = "",
    tour: str = "",
) -> SafeString:
    """`tour` names it for tours and tips."""
    return drawn("card", locals())


@register.simple_tag
def stat(
    label: str,
    value: str,
    *,
    title: str = "",
    change: Any = None,
    against: str = "",
    no_change: str = "no earlier data",
    basis: str = "",
    link: str = "",
    link_text: str = "See the rows",
    note: str = "",
    tour: str = "",
) -> SafeString:
    """A headline figure. `change` is a ratio of the earlier period, None when that period is incomplete."""
    return drawn("stat", locals(), comparison=Comparison.of(change, against, no_change))


@register.simple_tag
def basis(name: str) -> SafeString:
    return drawn("basis", {"basis": BASES[name]})


@register.simple_tag
def chip(label: str, tone: str = "neutral", icon: str = "", title: str = "") -> SafeString:
    return drawn("chip", locals())


@register.simple_tag
def status(name: str) -> SafeString:
    return drawn("chip", {"label": STATUSES[name].label, "tone": STATUSES[name].tone, "icon": STATUSES[name].icon})


@register.simple_block_tag
def alert(content: str, tone: str = "info", title: str = "", icon: str = "", live: bool = False) -> SafeString:
    return drawn("alert", locals(), mark=icon or forms_kit.TONE_ICONS[tone])


@register.simple_block_tag
def empty(
    content: str,
    title: str,
    *,
    icon: str = "database",
    action_href: str = "",
    action: str = "",
    link_href: str = "",
    link: str = "",
    heading: int = 2,
) -> SafeString:
    return drawn("empty", locals())


@register.simple_tag
def segments(items: Any, label: str) -> SafeString:
    return drawn("segments", locals())


@register.simple_tag
def period_picker(
    presets: Any, start: Any = None, end: Any = None, keep: Any = None, custom: bool = False
) -> SafeString:
    """`end` is the last day shown, not the day after it; `keep` is a mapping of other query fields."""
    return drawn("period_picker", locals())


@register.simple_block_tag
def menu(
    content: str, label: str, *, icon: str = "", quiet: bool = False, align: str = "end", show: bool = False
) -> SafeString:
    """`show` writes the label out beside the icon."""
    return drawn("menu", locals())


@register.simple_tag
def menu_link(label: str, href: str, icon: str = "", current: bool = False) -> SafeString:
    return drawn("menu_link", locals())


@register.simple_tag(takes_context=True)
def menu_post(
    context: Context,
    label: str,
    action: str,
    *,
    icon: str = "",
    tone: str = "",
    name: str = "",
    value: str = "",
) -> SafeString:
    return drawn("menu_post", locals() | {"context": None}, csrf_token=context.get("csrf_token"))


@register.simple_block_tag
def dialog(content: str, id: str, title: str, line: str = "") -> SafeString:
    return drawn("dialog", locals())


@register.simple_block_tag
def table(content: str, caption: str, stack: bool = False, tall: bool = False) -> SafeString:
    """`tall` scrolls inside its card under a header that stays."""
    return drawn("table", locals())


@register.simple_tag(takes_context=True)
def th(
    context: Context, label: str, *, sort: str = "", numeric: bool = False, title: str = "", default: str = ""
) -> SafeString:
    """A column head. With `sort` it links to ?sort=x, pressed again to ?sort=-x."""
    if not sort:
        return drawn("th", {"label": label, "numeric": numeric, "title": title})
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    current = query.get("sort") or default
    first = f"-{sort}" if numeric else sort
    query["sort"] = {sort: f"-{sort}", f"-{sort}": sort}.get(current, first)
    for cursor in ("after", "before"):  # of another order
        query.pop(cursor, None)
    order = {sort: "ascending", f"-{sort}": "descending"}.get(current, "")
    return drawn(
        "th",
        {"label": label, "numeric": numeric, "title": title, "href": f"?{query.urlencode()}", "order": order},
    )


@register.simple_tag
def paging(previous: str = "", next: str = "", line: str = "") -> SafeString:
    return drawn("paging", locals())


@register.simple_tag
def meter(value: float, label: str, text: str = "", max: float = 100, tone: str = "") -> SafeString:
    return drawn("meter", locals(), text=text or money.percent(value / max))


@register.simple_tag
def steps(items: Any, label: str = "Progress") -> SafeString:
    return drawn("steps", locals())


@register.simple_tag
def skeleton(shape: str = "text", rows: int = 3) -> SafeString:
    return drawn("skeleton", {"shape": shape, "rows": range(rows)})


@register.simple_tag
def code(text: str, label: str = "Copy", *, language: str = "", tells: str = "") -> SafeString:
    """`language` colours it; `tells` names the event of the journal that copying it is."""
    return drawn("code", locals(), coloured=coloured(text, language))


@register.simple_tag
def copyable(value: str, label: str = "value") -> SafeString:
    return drawn("copyable", locals())


@register.simple_tag
def ranked(rows: Any, label: str = "") -> SafeString:
    return drawn("ranked", {"rows": rows, "label": label})


@register.simple_tag(takes_context=True)
def navigation(context: Context) -> SafeString:
    """The sidebar's groups, with only the entries that exist and that this member may open."""
    return drawn("navigation", {"groups": groups_for(context.get("request"))})

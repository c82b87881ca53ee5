"""Buttons and form fields: Django's own forms in our clothes."""

from typing import Any

from django import forms, template
from django.forms.boundfield import BoundField
from django.template import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

register = template.Library()

BUTTONS = {
    "primary": "btn-primary",
    "secondary": "btn-secondary",
    "quiet": "btn-quiet",
    "danger": "btn-danger",
}
TONE_ICONS = {
    "good": "circle-check",
    "warn": "alert-triangle",
    "bad": "alert-circle",
    "info": "info-circle",
    "brand": "sparkles",
    "neutral": "info-circle",
}


def button_class(kind: str, size: str, wide: bool = False) -> str:
    return " ".join(["btn", BUTTONS[kind], *(["btn-sm"] if size == "sm" else []), *(["w-100"] if wide else [])])


@register.simple_tag
def button(
    label: str,
    href: str = "",
    *,
    kind: str = "secondary",
    icon: str = "",
    icon_end: str = "",
    size: str = "",
    name: str = "",
    value: str = "",
    form: str = "",
    wide: bool = False,
    new_tab: bool = False,
    formaction: str = "",
    tour: str = "",
) -> SafeString:
    return render_to_string("ui/button.html", locals() | {"css": button_class(kind, size, wide)})


@register.simple_tag(takes_context=True)
def post_button(
    context: Context,
    label: str,
    action: str,
    *,
    kind: str = "secondary",
    icon: str = "",
    size: str = "",
    name: str = "",
    value: str = "",
) -> SafeString:
    values = {"label": label, "action": action, "icon": icon, "name": name, "value": value}
    css = button_class(kind, size)
    return render_to_string("ui/post_button.html", values | {"css": css, "csrf_token": context.get("csrf_token")})


@register.simple_tag
def dialog_button(label: str, dialog: str, kind: str = "secondary", icon: str = "", size: str = "") -> SafeString:
    """A link to the dialog's id: it opens as :target without the script, as a modal with it."""
    return render_to_string("ui/dialog_button.html", locals() | {"css": button_class(kind, size)})


@register.simple_tag
def field(bound: BoundField, hint: str = "", prefix: str = "", label: str = "") -> SafeString:
    """One field with its label, help and errors; the input keeps what Django and the form gave it.

    Of a form that was sent, the first field that is wrong has the focus.
    """
    widget = bound.field.widget
    kind = widget_kind(widget)
    attrs: dict[str, Any] = {"class": css_for(widget, kind, bool(bound.errors))}
    if wrong := [each.name for each in bound.form if each.errors]:
        attrs["autofocus"] = bound.name == wrong[0]
    control = bound.as_widget(attrs=attrs)
    values = {
        "bound": bound,
        "kind": kind,
        "control": control,
        "hint": hint,
        "prefix": prefix,
        "label": label or bound.label,
    }
    return render_to_string("ui/field.html", values)


@register.simple_tag
def form_errors(form: forms.BaseForm) -> SafeString:
    return render_to_string("ui/form_errors.html", {"errors": form.non_field_errors()})


@register.simple_tag
def form_fields(form: forms.BaseForm) -> SafeString:
    """The whole form: what is wrong with it as one, then each field in order."""
    return render_to_string("ui/form_fields.html", {"form": form})


@register.simple_tag
def choice(
    name: str,
    value: str,
    label: str,
    *,
    hint: str = "",
    icon: str = "",
    logo: str = "",
    checked: bool = False,
    kind: str = "radio",
    badge: str = "",
) -> SafeString:
    return render_to_string("ui/choice.html", locals())


def widget_kind(widget: forms.Widget) -> str:
    for kind, types in (
        ("hidden", forms.HiddenInput),
        ("check", forms.CheckboxInput),
        ("group", (forms.RadioSelect, forms.CheckboxSelectMultiple)),
        ("password", forms.PasswordInput),
        ("select", (forms.Select,)),
    ):
        if isinstance(widget, types):
            return kind
    return "input"


def css_for(widget: forms.Widget, kind: str, is_wrong: bool) -> str:
    base = {"check": "form-check-input", "group": "", "select": "form-select", "hidden": ""}.get(kind, "form-control")
    own: Any = widget.attrs.get("class", "")
    return " ".join(part for part in (base, own, "is-invalid" if is_wrong and base else "") if part)

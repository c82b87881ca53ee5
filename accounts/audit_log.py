"""The audit log as people read it: filtered, the newest first, a page at a time, and as a file."""

import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property
from typing import Any, cast
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.apps import apps
from django.db.models import Q, QuerySet
from django.http import QueryDict

from accounts import sessions
from accounts.forgetting import NOWHERE
from accounts.models import AuditLine, Organization
from tokentra.lib.csv_cells import line, safe
from tokentra.lib.tenancy import organization_scope

log = logging.getLogger(__name__)

PAGE = 50
HEADER = ("at", "who", "action", "object_type", "object_id", "ip", "user_agent", "data")
OURSELVES, DELETED, DIRECTORY = "TokenTra", "A deleted account", "Your directory"
WORDS = {"sso_url": "Single sign-on address"}  # where those of its name are none of people's
STOPPED = "# error: The file stopped early and is not complete. Ask for it again.\r\n"


class FilterForm(forms.Form):
    who = forms.EmailField(required=False)
    action = forms.RegexField(r"^[a-z_]{1,60}$", required=False)
    first = forms.DateField(required=False, error_messages={"invalid": "Write the first day as 2026-01-31."})
    last = forms.DateField(required=False, error_messages={"invalid": "Write the last day as 2026-01-31."})


@cache
def kinds() -> dict[str, str]:
    """What a line was about, as people call it."""
    return {model._meta.model_name or "": str(model._meta.verbose_name) for model in apps.get_models()}


@dataclass(frozen=True)
class Shown:
    """A line in words."""

    line: AuditLine

    @property
    def who(self) -> str:
        return who(self.line)

    @property
    def what(self) -> str:
        return in_words(self.line.action)

    @property
    def about(self) -> str:
        """What it was done to: its name, else its kind."""
        named = self.line.data.get("name") or self.line.data.get("email") or ""
        kind = self.line.object_type
        return f"{kinds().get(kind, kind)} {named}".strip() if kind != "organization" else str(named)

    @property
    def device(self) -> str:
        return sessions.device(self.line.user_agent) if self.line.user_agent else ""

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """Field, before, after."""
        before, after = (self.line.data.get(name) for name in ("before", "after"))
        if isinstance(before, dict) and isinstance(after, dict):
            names = [name for name in after if before.get(name) != after[name]]
            return [(in_words(name), plain(before.get(name)), plain(after[name])) for name in names]
        return [("", plain(before), plain(after))] if before is not None or after is not None else []

    @property
    def facts(self) -> list[tuple[str, str]]:
        """All else that was written down."""
        said = {"before", "after", "api_key", "staff", "directory", "name" if self.line.data.get("name") else "email"}
        return [(in_words(name), plain(value)) for name, value in self.line.data.items() if name not in said]


class Log:
    """One page of it, read inside the organization's scope."""

    def __init__(self, organization: Organization, query: QueryDict) -> None:
        self.organization = organization
        told = {name: query.get(name, "").replace("\x00", "").strip() for name in FilterForm.base_fields}
        self.form = FilterForm(told)
        self.told = {name: value for name, value in told.items() if value} if self.form.is_valid() else {}
        self.errors = [str(each) for errors in self.form.errors.values() for each in errors]
        self.after, self.before = (id_of(query.get(name, "")) for name in ("after", "before"))

    @property
    def lines(self) -> QuerySet[AuditLine]:
        return filtered(self.organization, self.form.cleaned_data if not self.errors else {})

    @cached_property
    def page(self) -> tuple[list[AuditLine], bool, bool]:
        """The lines, and whether there are newer and older ones. A cursor of another log is the first page."""
        cursor = self.after or self.before
        at = AuditLine.objects.owned_by(self.organization).filter(pk=cursor).first() if cursor else None
        back = bool(at and self.before and not self.after)
        rows = self.lines.order_by("at", "id") if back else self.lines.order_by("-at", "-id")
        if at:
            step = "gt" if back else "lt"
            rows = rows.filter(Q(**{f"at__{step}": at.at}) | Q(at=at.at, **{f"id__{step}": at.pk}))
        found = list(rows[: PAGE + 1])
        more, shown = len(found) > PAGE, found[:PAGE]
        return (shown[::-1], more, True) if back else (shown, at is not None, more)

    @property
    def shown(self) -> list[Shown]:
        return [Shown(each) for each in self.page[0]]

    @property
    def newer(self) -> str:
        return self._turn("before", self.page[0][0]) if self.page[1] and self.page[0] else ""

    @property
    def older(self) -> str:
        return self._turn("after", self.page[0][-1]) if self.page[2] and self.page[0] else ""

    def _turn(self, name: str, at: AuditLine) -> str:
        return "?" + urlencode(self.told | {name: str(at.pk)})

    @property
    def query(self) -> str:
        return urlencode(self.told)

    @property
    def actions(self) -> list[tuple[str, str]]:
        """What was ever done here."""
        known = (
            AuditLine.objects.owned_by(self.organization).order_by("action").values_list("action", flat=True).distinct()
        )
        return [(action, in_words(action)) for action in known]

    @property
    def people(self) -> list[str]:
        return list(self.organization.memberships.order_by("user__email").values_list("user__email", flat=True))


def filtered(organization: Organization, told: dict[str, Any]) -> QuerySet[AuditLine]:
    rows = cast(QuerySet[AuditLine], AuditLine.objects.owned_by(organization).select_related("actor"))
    if told.get("who"):
        rows = rows.filter(actor__email=told["who"].lower())
    if told.get("action"):
        rows = rows.filter(action=told["action"])
    if told.get("first"):
        rows = rows.filter(at__gte=midnight(told["first"]))
    if told.get("last") and told["last"] < date.max:
        rows = rows.filter(at__lt=midnight(told["last"] + timedelta(days=1)))
    return rows


def file(organization: Organization, told: dict[str, Any]) -> Iterator[str]:
    """Every line that fits, the newest first, in a scope of its own; the last line carries how many."""
    count = 0
    try:
        with organization_scope(organization.pk, up_to_date=False):
            yield line(HEADER)
            for each in filtered(organization, told).order_by("-at", "-id").iterator(chunk_size=500):
                data = json.dumps(each.data, ensure_ascii=False, sort_keys=True)
                cells = [who(each), each.action, each.object_type, each.object_id, each.ip or "", each.user_agent, data]
                yield line([f"{each.at:%Y-%m-%dT%H:%M:%SZ}", *map(safe, cells)])
                count += 1
            yield f"# rows: {count}\r\n"
    except Exception:
        log.exception("the audit file of %s stopped after %s lines", organization.pk, count)
        yield f"{STOPPED}# rows: {count}\r\n"


def who(each: AuditLine) -> str:
    """A person, a program by its key, the directory, staff of the operator, or TokenTra itself."""
    if each.data.get("staff"):
        return "Staff of the operator"
    if each.actor:
        return DELETED if each.actor.email.endswith(f"@{NOWHERE}") else each.actor.email
    if each.data.get("directory"):
        return DIRECTORY
    return f"API key {each.data['api_key']}" if each.data.get("api_key") else OURSELVES


def in_words(name: str) -> str:
    return WORDS.get(name) or name.replace("_", " ").capitalize()


def plain(value: Any) -> str:
    """One fact of a line, as text."""
    if isinstance(value, dict):
        return "; ".join(f"{in_words(str(name))}: {plain(each)}" for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value in (None, "", []):
        return "none"
    return ", ".join(map(plain, value)) if isinstance(value, list) else str(value)


def midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def id_of(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

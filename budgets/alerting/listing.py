"""The list of alerts with its filters, and one alert with its story and its deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from urllib.parse import urlencode
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse

from accounts.models import Organization
from budgets.alerting.kinds import BY_ID, KINDS, Kind
from budgets.alerting.models import Alert, AlertNews, AlertQuerySet, AlertWatch, State
from budgets.channels.models import Delivery
from budgets.channels.showing import Sent, sent

PAGE = 50
VIEWS = (("standing", "Not over"), ("open", "Open"), ("resolved", "Over"), ("all", "All"))
TONES = {"info": "info", "warning": "warn", "critical": "bad"}
STATE_TONES = {
    State.OPEN: ("warn", "bell-ringing"),
    State.ACKNOWLEDGED: ("info", "eye"),
    State.SNOOZED: ("neutral", "zzz"),
    State.RESOLVED: ("good", "circle-check"),
}
SEVERITY_ICONS = {"info": "info-circle", "warning": "alert-triangle", "critical": "alert-circle"}


@dataclass(frozen=True, slots=True)
class Row:
    alert: Alert
    kind: Kind

    @property
    def tone(self) -> str:
        return TONES[self.alert.severity]

    @property
    def severity_icon(self) -> str:
        return SEVERITY_ICONS[self.alert.severity]

    @property
    def state_tone(self) -> str:
        return STATE_TONES[State(self.alert.state)][0]

    @property
    def state_icon(self) -> str:
        return STATE_TONES[State(self.alert.state)][1]

    @property
    def can_be_acknowledged(self) -> bool:
        return self.alert.state in (State.OPEN, State.SNOOZED)


@dataclass(frozen=True, slots=True)
class Segment:
    label: str
    href: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Board:
    """What the page of alerts shows."""

    rows: Sequence[Row]
    view: str
    kind: str
    has_any: bool
    next: str
    watch: AlertWatch | None

    @classmethod
    def read(cls, organization: Organization, query: QueryDict, *, now: datetime) -> Self:
        view = query.get("view", "")
        view = view if view in dict(VIEWS) else "standing"
        kind = query.get("kind", "") if query.get("kind", "") in BY_ID else ""
        mine = Alert.objects.owned_by(organization)
        wanted = in_view(mine, view).order_by("-id")
        if kind:
            wanted = wanted.filter(kind=kind)
        if before := as_id(query.get("before", "")):
            wanted = wanted.filter(pk__lt=before)
        found = list(wanted[: PAGE + 1])
        more = {"view": view, "kind": kind, "before": found[PAGE - 1].pk} if len(found) > PAGE else {}
        following = f"?{urlencode({name: each for name, each in more.items() if each})}" if more else ""
        watch = AlertWatch.objects.owned_by(organization).first()
        rows = [Row(alert, BY_ID[alert.kind]) for alert in found[:PAGE]]
        return cls(rows, view, kind, bool(rows) or mine.exists(), following, watch)

    @property
    def views(self) -> list[Segment]:
        kept = {"kind": self.kind} if self.kind else {}
        return [Segment(label, f"?{urlencode({'view': key, **kept})}", key == self.view) for key, label in VIEWS]

    @property
    def is_stuck(self) -> bool:
        return bool(self.watch and self.watch.failures)

    @property
    def kinds(self) -> Sequence[Kind]:
        return KINDS

    @property
    def can_acknowledge_any(self) -> bool:
        return any(row.can_be_acknowledged for row in self.rows)


def in_view(alerts: AlertQuerySet, view: str) -> AlertQuerySet:
    match view:
        case "open":
            return alerts.open()
        case "resolved":
            return alerts.filter(state=State.RESOLVED)
        case "all":
            return alerts
    return alerts.standing()


@dataclass(frozen=True, slots=True)
class Shown:
    """One alert: its words, its story, and where it was sent."""

    row: Row
    news: Sequence[AlertNews]
    deliveries: Sequence[Sent]

    @property
    def alert(self) -> Alert:
        return self.row.alert

    @property
    def rule_url(self) -> str:
        return reverse("alerts:rule", args=[self.alert.rule_id]) if self.alert.rule_id else ""


def one(alert: Alert) -> Shown:
    news = AlertNews.objects.filter(organization_id=alert.organization_id, alert=alert).select_related("by")
    deliveries = Delivery.objects.filter(organization_id=alert.organization_id, news__alert=alert)
    return Shown(Row(alert, BY_ID[alert.kind]), list(news.order_by("at", "pk")), sent(deliveries))


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None

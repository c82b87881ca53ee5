"""Everything the style page shows: each component, typical and crowded."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms

from tokentra.lib.charts import Part, Series, Slot, rank, stacked

LONG = "anthropic.claude-opus-with-a-name-of-sixty-characters-2026-11"
MODELS = [
    "gpt-5.2", "claude-sonnet-5", "gpt-5.2-mini", "claude-haiku-5", "o5", LONG, "text-embedding-4-large",
    "gpt-image-2", "whisper-2", "gpt-realtime", "claude-opus-5", "gpt-4o",
]  # fmt: skip
LAST = date(2026, 11, 20)


class ConnectForm(forms.Form):
    email = forms.EmailField(label="Work email", help_text="Codes and alerts go here.")
    key = forms.CharField(label="Admin API key", widget=forms.PasswordInput)
    name = forms.CharField(label="Name", required=False)
    zone = forms.ChoiceField(label="Time zone", choices=[("UTC", "UTC"), ("Europe/Paris", "Europe/Paris")])
    keep = forms.ChoiceField(
        label="Data", choices=[("keep", "Keep it"), ("delete", "Delete it")], widget=forms.RadioSelect
    )
    agree = forms.BooleanField(label="I have read what will be lost")

    def clean(self) -> dict[str, Any]:
        raise forms.ValidationError("OpenAI refused this key. Create a new admin key and paste it here.")


def days(count: int) -> list[Slot]:
    slots = []
    for back in reversed(range(count)):
        day = LAST - timedelta(days=back)
        state = "partial" if back == 0 else "unsettled" if back < 4 else ""
        slots.append(Slot(f"{day.day} {day:%b}", f"{day:%A} {day.day} {day:%B %Y}", f"?from={day}&to={day}", state))
    return slots


def spend(model: int, day: int) -> Decimal:
    weekday = (LAST - timedelta(days=day)).weekday()
    quiet = Decimal("0.35") if weekday > 4 else Decimal(1)
    return (Decimal(190 - 14 * model + (day * 37 + model * 53) % 61) * quiet / (model + 1)).quantize(
        Decimal("0.000001")
    )


def context() -> dict[str, Any]:
    series = [Series(name, name, [spend(at, day) for day in reversed(range(30))]) for at, name in enumerate(MODELS)]
    tiny = [Series("gpt-5.2-mini", "gpt-5.2-mini", [Decimal("0.000000064") * (day % 7) for day in range(90)])]
    hours = [
        Slot(f"{hour:02}:00", f"Friday 20 November 2026, {hour:02}:00 UTC", "", "partial" if hour == 23 else "")
        for hour in range(24)
    ]
    credits = [Decimal(-120) if hour == 4 else Decimal(90 + hour) for hour in range(24)]
    parts = [
        Part(
            one.key,
            one.name,
            one.total,
            href="#",
            logo="openai" if one.key.startswith("gpt") else "anthropic",
        )
        for one in series
    ]
    bound = ConnectForm({"email": "alice", "keep": "keep", "zone": "UTC"})
    return {
        "chart": stacked("spend", "Spend by day and model", days(30), series, ranking=MODELS),
        "tiny": stacked("tiny", "Spend by day", days(90), tiny),
        "bare": stacked("bare", "Spend by day", days(30), [], empty="No costs from 22 Oct to 20 Nov."),
        "requests": stacked("requests", "Requests by hour", hours, [Series("", "Requests", credits, 1)], unit="count"),
        "parts": rank(parts, ranking=MODELS),
        "form": ConnectForm(),
        "wrong": bound,
        "now": datetime(2026, 11, 20, 14, 0, tzinfo=UTC),
        "many": Decimal("1240000.4711"),
        "tokens": 12_345_678,
        "small": Decimal("0.0000000064123"),
        "change": Decimal("0.23"),
        "models": [(one.name, one.total, 1000 * at**3 + 7) for at, one in enumerate(series, start=1)],
        "presets": [
            {"label": label, "href": f"?period={label}", "is_current": label == "30 days"}
            for label in ("Today", "24 hours", "7 days", "30 days", "90 days", "Month to date", "Last month")
        ],
        "kept": {"group": "model"},
        "start": date(2026, 10, 22),
        "end": LAST,
        "stages": [
            {"label": "Connected to OpenAI", "state": "done", "line": ""},
            {"label": "Found 3 projects", "state": "done", "line": "Production, Staging and Research"},
            {"label": "Last 30 days of usage", "state": "now", "line": "18 of 30 days read, 4,213 rows"},
            {
                "label": "Last 30 days of the bill",
                "state": "failed",
                "line": "OpenAI answered 500 at 13:58. Next try at 14:03.",
            },
            {"label": "The 60 days before", "state": "waiting", "line": ""},
        ],
        "statuses": [
            "validating",
            "backfilling",
            "healthy",
            "degraded",
            "failing",
            "broken",
            "paused",
            "disconnected",
        ],
        "bases": ["billed", "computed", "measured", "mixed", "reported", "estimated", "unpriced"],
        "tones": ["good", "warn", "bad", "info", "brand", "neutral"],
        "kinds": ["primary", "secondary", "quiet", "danger"],
        "long": LONG,
    }

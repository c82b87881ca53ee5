"""The export in columns of FOCUS, the FinOps Open Cost and Usage Specification; `x_` columns are ours."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from tokentra.lib.csv_cells import line, safe
from usage.csv_lines import left_out
from usage.figures import Figures, written
from usage.names import Names, provider_name
from usage.wire import plain

BY_DAY = ("day", "provider", "connection", "model", "project", "api_key", "service_tier", "line_item")
BY_HOUR = ("hour", "provider", "connection", "model")
COLUMNS = (
    "BilledCost",
    "EffectiveCost",
    "BillingCurrency",
    "BillingAccountId",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "ChargeDescription",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ProviderName",
    "PublisherName",
    "InvoiceIssuerName",
    "ServiceCategory",
    "ServiceName",
    "SkuId",
    "SubAccountId",
    "SubAccountName",
    "x_ApiKeyId",
    "x_ApiKeyName",
    "x_ServiceTier",
    "x_Basis",
    "x_Requests",
    "x_UnpricedTokens",
    "x_PartlyPricedCalls",
    "x_TokenlessCalls",
)


def header() -> str:
    return line(COLUMNS)


def rows(figures: Figures, names: Names) -> Iterator[str]:
    """One row in dollars, and one for each other currency: amounts of two currencies never share one."""
    if figures.cost or figures.tokens.total or figures.requests or not figures.other_currencies:
        yield row(figures, names, "USD", figures.cost)
    for currency, amount in figures.other_currencies.items():
        yield row(Figures(keys=figures.keys, billed=amount), names, currency, amount)


def row(figures: Figures, names: Names, currency: str, amount: Decimal) -> str:
    key = {name: written(value) for name, value in figures.keys.items()}
    start, end = charge_period(figures)
    month = start.replace(day=1, hour=0)
    provider, project, api_key = key["provider"], key.get("project", ""), key.get("api_key", "")
    has_tokens = figures.tokens.total > 0
    return line(
        [
            plain(amount),
            plain(amount),
            currency,
            key["connection"],
            written(month),
            written((month + timedelta(days=31)).replace(day=1)),
            written(start),
            written(end),
            "Credit" if amount < 0 else "Usage",
            safe(key.get("line_item", "") or key["model"]),
            str(figures.tokens.total) if has_tokens else "",
            "Tokens" if has_tokens else "",
            *(safe(provider_name(provider)) for _ in range(3)),
            "AI and Machine Learning",
            safe(provider_name(provider)),
            safe(key["model"]),
            safe(project),
            safe(names.given("project", project)),
            safe(api_key),
            safe(names.given("api_key", api_key)),
            safe(key.get("service_tier", "")),
            basis(figures),
            "" if figures.requests is None else str(figures.requests),
            *left_out(figures),
        ]
    )


def charge_period(figures: Figures) -> tuple[datetime, datetime]:
    at = figures.keys.get("hour") or figures.keys["day"]
    if isinstance(at, datetime):
        return at.astimezone(UTC), at.astimezone(UTC) + timedelta(hours=1)
    assert isinstance(at, date)  # noqa: S101  # keys are an hour or a day
    start = datetime.combine(at, time.min, UTC)
    return start, start + timedelta(days=1)


def basis(figures: Figures) -> str:
    parts = [name for name in ("billed", "computed", "measured") if getattr(figures, name)]
    return parts[0] if len(parts) == 1 else "mixed" if parts else ""

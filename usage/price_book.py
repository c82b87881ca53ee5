"""Published prices: the price book's own, and what providers declare beside it.

The book is the genai-prices package. It takes 60 MB, so a process imports it when it first prices
something, and 50 µs a call, so rates are resolved once for each model, kind of processing and interval.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.types import MatchLogic, ModelInfo, ModelPrice, TieredPrices

PRICE_BOOK_VERSION = version("genai-prices")

Context = tuple[tuple[str, str], ...]  # how a request was processed, in the book's words; () is the standard way

# A class has the first of these prices that the book gives; a class that it gives none has no price. A price
# of the whole direction is not taken for a modality: audio at the price of text would be a guess.
PRICES_OF_CLASS = {
    "input": ("input_text_mtok", "input_mtok"),
    "cache_read": ("cache_text_read_mtok", "cache_read_mtok"),
    "cache_write_5m": ("cache_write_5m_mtok", "cache_write_mtok"),
    "cache_write_30m": ("cache_write_mtok",),
    "cache_write_1h": ("cache_write_1h_mtok",),
    "cache_write_12h": (),
    "output": ("output_text_mtok", "output_mtok"),
    "audio_in": ("input_audio_mtok",),
    "audio_out": ("output_audio_mtok",),
    "image_in": ("input_image_mtok",),
    "image_out": ("output_image_mtok",),
}
TEXT_READ = "cache_read of text"  # where cached audio or images cost something else
OTHER_CACHE_READS = ("cache_audio_read_mtok", "cache_image_read_mtok", "cache_video_read_mtok")


@dataclass(frozen=True)
class Declared:
    """A price that a provider states as a share of its standard price, for what the book does not list."""

    provider: str
    context: Context
    factor: Decimal
    since: date
    source: str


DECLARED = (
    Declared(
        "openai",
        (("processing", "batch"),),
        Decimal("0.5"),
        date(2024, 4, 15),
        "https://developers.openai.com/api/docs/guides/batch",
    ),
    Declared(
        "openai",
        (("service_tier", "flex"),),
        Decimal("0.5"),
        date(2025, 4, 17),
        "https://developers.openai.com/api/docs/guides/flex-processing",
    ),
    Declared(
        "anthropic",
        (("processing", "batch"),),
        Decimal("0.5"),
        date(2024, 10, 8),
        "https://platform.claude.com/docs/en/build-with-claude/batch-processing",
    ),
)
REGIONAL = {  # what a place of inference adds; https://platform.claude.com/docs/en/manage-claude/data-residency
    ("anthropic", "us"): Decimal("1.1"),
}
FREE = {("openai", "moderation")}  # https://developers.openai.com/api/docs/guides/moderation


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of one model in USD per million tokens, by class; a class that is missing has no price.

    `certain_up_to` is the largest input of a request for which they surely hold, None when always. `per_unit` is in USD
    for one unit that is no token; the book has none, an organization may have its own.
    """

    ref: str
    per_million: dict[str, Decimal]
    per_request: Decimal = Decimal(0)
    certain_up_to: int | None = None
    per_unit: Mapping[str, Decimal] = field(default_factory=dict)

    def times(self, factor: Decimal, ref: str) -> "Rates":
        prices = {name: price * factor for name, price in self.per_million.items()}
        return Rates(f"{self.ref}:{ref}", prices, self.per_request * factor, self.certain_up_to)


@dataclass(frozen=True, slots=True)
class NoRates:
    """Why there is no price."""

    why: str


@dataclass(frozen=True)
class Entry:
    """A model of the book, with the days on which any price of it may change."""

    provider: str
    info: "ModelInfo"
    is_own: bool  # false for a model that the book knows from another provider
    changes: tuple[date, ...]
    changes_within_days: bool

    def since(self, day: date) -> date | None:
        """The start of the interval of unchanged prices around a day; None before the first change."""
        place = bisect_right(self.changes, day)
        return self.changes[place - 1] if place else None


def rates(
    provider: str, model: str, context: Context, *, window: str, start: datetime, seconds: int
) -> Rates | NoRates:
    """The published rates for a bucket. `window` is the provider's context window, as "200k-1M", or ""."""
    entry = find(provider, model)
    if entry is None:
        return NoRates("unknown model")
    if not entry.changes_within_days:
        since = entry.since(start.date())
        return _at_interval(entry.provider, model, context, window, since)
    end = start + timedelta(seconds=seconds) - timedelta(seconds=1)
    first = _resolve(entry, context, window, start)
    if seconds > 3600 or first != _resolve(entry, context, window, end):
        return NoRates("price changes within the bucket")
    return first


@lru_cache(maxsize=4096)
def find(provider: str, model: str) -> Entry | None:
    """The book's entry for a model as a provider names it; None when the book does not name exactly it."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        owner, info = get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        return None
    if not _names(info.match, model.lower()):
        return None
    changes, within_days = set(), False
    for constraint in _constraints(info):
        if hasattr(constraint, "start_date"):
            changes.add(constraint.start_date)
        else:
            within_days = True
    changes |= {declared.since for declared in DECLARED if declared.provider == provider}
    is_own = any(info is mine for mine in owner.models)
    return Entry(provider, info, is_own, tuple(sorted(changes)), within_days)


@lru_cache(maxsize=16384)
def _at_interval(provider: str, model: str, context: Context, window: str, since: date | None) -> Rates | NoRates:
    entry = find(provider, model)
    assert entry is not None  # noqa: S101  # its caller has just found it
    day = since or date(1970, 1, 1)
    return _resolve(entry, context, window, datetime(day.year, day.month, day.day))  # noqa: DTZ001  # naive is UTC to the book


def _resolve(entry: Entry, context: Context, window: str, at: datetime) -> Rates | NoRates:
    info = entry.info
    if (entry.provider, info.id) in FREE:
        return Rates(f"declared:{entry.provider}/{info.id}:free", {"input": Decimal(0), "output": Decimal(0)})
    since = entry.since(at.date())
    ref = f"genai-prices@{PRICE_BOOK_VERSION}:{entry.provider}/{info.id}" + (f":{since}" if since else "")
    if not context:
        return _rates(info.get_prices(at), window, ref)
    words = "+".join(value for _, value in context)
    if entry.is_own and len(context) == 1 and _has_variant(info, context, at):
        return _rates(info.get_prices(at, dict(context)), window, f"{ref}:{words}")
    for declared in DECLARED:
        if (declared.provider, declared.context) == (entry.provider, context) and at.date() >= declared.since:
            return _rates(info.get_prices(at), window, ref).times(declared.factor, f"declared {words}")
    return NoRates(f"no rate for {words}")


def _rates(price: "ModelPrice", window: str, ref: str) -> Rates:
    bounds = _bounds(window)
    starts: list[int] = []
    chosen: dict[str, Decimal] = {}
    for name, keys in PRICES_OF_CLASS.items():
        found = next((value for key in keys if (value := getattr(price, key)) is not None), None)
        if found is None:
            continue
        if name == "cache_read" and _reads_differ(price):
            name = TEXT_READ  # noqa: PLW2901  # it holds for cached text alone
        chosen[name] = found if isinstance(found, Decimal) else _tier(found, bounds, starts)
    requests = price.requests_kcount
    per_request = requests / 1000 if isinstance(requests, Decimal) else Decimal(0)
    return Rates(ref, chosen, per_request, min(starts) if starts else None)


def _tier(price: "TieredPrices", bounds: tuple[int, int] | None, uncertain: list[int]) -> Decimal:
    """The price for a context window; tiers that the window leaves open are noted in `uncertain`."""
    low, high = bounds or (0, max(tier.start for tier in price.tiers) + 1)
    chosen = price.base
    for tier in price.tiers:
        if tier.start <= low:
            chosen = tier.price
        elif tier.start < high:
            uncertain.append(tier.start)
    return chosen


def _bounds(window: str) -> tuple[int, int] | None:
    scale = {"": 1, "k": 1_000, "m": 1_000_000}
    parts = re.fullmatch(r"(\d+)([kKmM]?)-(\d+)([kKmM]?)", window)
    if not parts:
        return None
    low, low_unit, high, high_unit = parts.groups()
    return int(low) * scale[low_unit.lower()], int(high) * scale[high_unit.lower()]


def _reads_differ(price: "ModelPrice") -> bool:
    """Whether cached audio or images cost something else than cached text: usage does not tell them apart."""
    text = price.cache_text_read_mtok or price.cache_read_mtok
    return any(getattr(price, key) not in (None, text) for key in OTHER_CACHE_READS)


def _has_variant(info: "ModelInfo", context: Context, at: datetime) -> bool:
    asked = dict(context)
    return any(
        all(asked.get(key) == value for key, value in variant.when.items())
        and (variant.constraint is None or variant.constraint.active(at))
        for variant in info.price_variants or ()
    )


def _constraints(info: "ModelInfo") -> Iterator[object]:
    conditional = info.prices if isinstance(info.prices, list) else []
    for place in (*conditional, *(info.price_variants or ())):
        if place.constraint is not None:
            yield place.constraint


# No text can be read as these parts in two ways: senders name models, and trying all ways takes for ever.
DATED = r"(?:[-@.:]?(?:latest|preview|\d{4}-\d{2}-\d{2}|\d{4}|v\d++(?::\d{1,3}(?!\d))?+))*"


def _names(match: "MatchLogic", model: str) -> bool:
    """Whether the book means this model: not only a newer one whose name begins alike."""
    kind = type(match).__name__
    if kind in ("ClauseOr", "ClauseAnd"):
        parts = match.or_ if kind == "ClauseOr" else match.and_  # type: ignore[union-attr]  # told by its name
        return any(part.is_match(model) and _names(part, model) for part in parts)
    if kind == "ClauseStartsWith":
        rest = model.removeprefix(match.starts_with.lower())  # type: ignore[union-attr]  # told by its name
        return model.startswith("ft:") or re.fullmatch(DATED, rest) is not None
    return match.is_match(model)

"""Reads OpenAI's usage results: overlapping counts become disjoint token classes. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from providers.connectors import reading
from usage.rows import Ledger, Tokens, UsageRow

COMMON = ("project_id", "user_id", "api_key_id", "model")
COMPLETIONS_BY = (*COMMON, "service_tier", "batch")
"""Grouping by user multiplies rows only where people share a key, which is rare with project keys; it is
given up for a window whose answer is larger than the client takes (see OpenAI._read_usage)."""


@dataclass(frozen=True, slots=True)
class Report:
    """One usage endpoint: its dimensions, and the unit that it counts if it does not count tokens."""

    path: str
    label: str
    group_by: tuple[str, ...]
    unit: str = ""  # name of the count in the answer
    unit_name: str = ""  # ours
    counts_requests: bool = True
    is_hourly: bool = False

    @property
    def name(self) -> str:
        return f"usage.{self.path}"


REPORTS = (
    Report("completions", "Chat and responses", COMPLETIONS_BY, is_hourly=True),
    Report("embeddings", "Embeddings", COMMON),
    Report("moderations", "Moderations", COMMON),
    Report("images", "Images", (*COMMON, "size", "source"), "images", "images"),
    Report("audio_speeches", "Speech", COMMON, "characters", "characters"),
    Report("audio_transcriptions", "Transcription", COMMON, "seconds", "seconds"),
    Report("vector_stores", "Vector stores", ("project_id",), "usage_bytes", "bytes", False),
    Report("code_interpreter_sessions", "Code interpreter", ("project_id",), "num_sessions", "sessions", False),
    Report(
        "file_search_calls",
        "File search",
        ("project_id", "user_id", "api_key_id", "vector_store_id"),
        "num_requests",
        "calls",
        False,
    ),
    # The model requests that searched are counted by completions already.
    Report("web_search_calls", "Web search", (*COMMON, "context_level"), "num_requests", "calls", False),
    Report("decisions", "Decisions", COMPLETIONS_BY, is_hourly=False),
)
BY_NAME = {report.name: report for report in REPORTS}
KEPT_BESIDE = ("size", "source", "vector_store_id", "context_level")


@dataclass(frozen=True, slots=True)
class Usage:
    row: UsageRow
    problem: str = ""


def read(report: Report, result: dict[str, Any], *, start: datetime, seconds: int, grouped: tuple[str, ...]) -> Usage:
    """One result of one bucket. Raises BadRow; a problem beside a row is one that the row survived."""
    labels = {name: reading.text(result, name) for name in grouped if name != "batch"}
    tokens, problem, requests = Tokens(), "", None
    units: tuple[tuple[str, Decimal], ...] = ()
    if report.path == "decisions":
        units = _decisions(result)
    elif report.unit:
        units = _unit(report, result)
        requests = reading.optional_count(result, "num_model_requests") if report.counts_requests else None
    else:
        tokens, problem = classes(result)
        requests = reading.optional_count(result, "num_model_requests")
    row = UsageRow(
        ledger=Ledger.USAGE,
        endpoint=report.name,
        start=start,
        seconds=seconds,
        provider="openai",
        model=labels.get("model", ""),
        project=labels.get("project_id", ""),
        api_key=labels.get("api_key_id", ""),
        user=labels.get("user_id", ""),
        service_tier=labels.get("service_tier", ""),
        batch="batch" in grouped and reading.flag(result, "batch"),
        kind="unit" if report.unit or report.path == "decisions" else "tokens",
        tokens=tokens,
        units=units,
        requests=requests,
        extra=tuple((name, labels[name]) for name in KEPT_BESIDE if labels.get(name)),
    )
    return Usage(row, problem)


def classes(result: dict[str, Any]) -> tuple[Tokens, str]:
    """Disjoint classes whose input part adds up to `input_tokens`, and what did not fit, if anything.

    When the parts are more than the whole, the parts are kept as they were sent and nothing is left for plain
    input (or output): taking tokens from one part or another would be a guess.
    """
    total, read = reading.count(result, "input_tokens"), reading.count(result, "input_cached_tokens")
    short, long = _writes(result)
    audio_in, image_in = (
        reading.count(result, "input_audio_tokens"),
        reading.count(result, "input_image_tokens"),
    )
    out = reading.count(result, "output_tokens")
    audio_out, image_out = (
        reading.count(result, "output_audio_tokens"),
        reading.count(result, "output_image_tokens"),
    )
    fresh = total - read - short - long - audio_in - image_in
    plain_out = out - audio_out - image_out
    problem = ""
    if fresh < 0:
        problem = f"the parts of its input are {total - fresh:,} tokens, but the whole is {total:,}"
    elif plain_out < 0:
        problem = f"the parts of its output are {out - plain_out:,} tokens, but the whole is {out:,}"
    tokens = Tokens(
        input=max(fresh, 0),
        cache_read=read,
        cache_write_30m=short,
        cache_write_12h=long,
        output=max(plain_out, 0),
        audio_in=audio_in,
        audio_out=audio_out,
        image_in=image_in,
        image_out=image_out,
    )
    return tokens, problem


def _writes(result: dict[str, Any]) -> tuple[int, int]:
    """Short and long cache writes; what the split leaves unsaid, or all when there is none, is short."""
    total = reading.count(result, "input_cache_write_tokens")
    short, long = (reading.count(result, f"input_cache_write_{life}_tokens") for life in ("30m", "12h"))
    return max(short, total - long), long


def _unit(report: Report, result: dict[str, Any]) -> tuple[tuple[str, Decimal], ...]:
    number = reading.quantity(result, report.unit) or Decimal(0)
    if number < 0:
        raise reading.BadRow(f"{report.unit} is negative")
    return ((report.unit_name, number),)


def _decisions(result: dict[str, Any]) -> tuple[tuple[str, Decimal], ...]:
    """Kept as units, outside every total: nobody knows whether completions hold the same tokens already."""
    tokens, _ = classes(result)
    counted = {
        "decision_tokens": tokens.total,
        "decisions": reading.count(result, "num_model_requests"),
    }
    return tuple((name, Decimal(number)) for name, number in counted.items() if number)

"""Counts what was sent and not kept, by reason, so that its owner can see it."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import msgspec
from django.db import connection
from django.utils import timezone

from accounts.models import Organization
from tokentra.lib.ids import uuid7
from tokentra.lib.problems import Problem
from tokentra.lib.tenancy import organization_scope
from usage.discarded import Discard

encode = msgspec.json.Encoder().encode

# What each reason means, in words for the owner.
REASONS = {
    "content": "Text of prompts or answers, which is not stored.",
    "error_text": "What an error said, of which only its name is stored.",
    "secret_masked": "What looked like a key or token was masked.",
    "too_many_tags": "Tags beyond the twentieth of an event.",
    "tag_cut": "Tags longer than 64 characters, or with a value longer than 256, were cut.",
    "tag_not_text": "Tags that hold a list or an object.",
    "too_many_units": "Names of units beyond the hundredth of a day, which are counted together as (other).",
    "id_in_use": "Another event with the same id on the same day was there first.",
    "timestamp_out_of_range": "The time lies too far back or ahead, or has no zone.",
    "missing_field": "A required field was missing.",
    "unknown_field": "A field that does not exist where it stood.",
    "invalid_field": "A field with a value of the wrong kind or size.",
    "invalid_text": "Text that cannot be stored.",
    "invalid_event": "An item that is no object.",
    "not_a_model_call": "Spans that are no model call, such as web requests, tools and steps of an agent.",
    "event_too_large": "More than 1 MiB in one event or span.",
    "nothing_used": "Neither tokens nor units nor cost.",
    "too_many_events": "Events of requests with more than 1,000 of them, which are refused whole.",
    "body_too_large": "Requests of more than 5 MiB, or 20 MiB of spans, refused whole; each counts as one.",
    "unreadable_json": "Requests that are no JSON, refused whole; each counts as one.",
    "unreadable_body": "Requests that do not unpack, or are no export of spans, refused whole; each counts as one.",
    "unknown_encoding": "Requests packed in an unknown way, refused whole; each counts as one.",
    "unknown_content_type": "Requests of spans that are neither protobuf nor JSON, refused whole; each counts as one.",
    "key_misplaced": "Requests with an API key in their body, refused whole; each counts as one.",
}


def adding(organization: str, moment: str, rows: str, where: str = "") -> str:
    """SQL that adds rows of `encoded` to what is counted."""
    return f"""
INSERT INTO usage_discard AS held (id, organization_id, day, key_id, reason, count, last_at, field)
SELECT id, {organization}, day, key_id, reason, count, {moment}, field
FROM json_to_recordset({rows}) AS given (id uuid, day date, key_id uuid, reason text, count bigint, field text)
{where}
ON CONFLICT (organization_id, day, key_id, reason) DO UPDATE
SET count = held.count + excluded.count, last_at = greatest(held.last_at, excluded.last_at),
    field = excluded.field"""  # noqa: S608  # parameters


ADD = adding("%(organization)s", "%(moment)s", "%(rows)s")


@dataclass(frozen=True, slots=True)
class Discarded:
    count: int
    field: str = ""


def known_field(name: str) -> str:
    """The name of a field of ours; what else was sent there is not kept."""
    return name if re.fullmatch(r"[A-Za-z0-9_.]{1,80}", name) else ""


def count(organization_id: UUID, key_id: UUID | None, discarded: Mapping[str, Discarded], *, now: datetime) -> None:
    """Add to the counts of the UTC day."""
    if discarded:
        rows = encoded(key_id, discarded, now=now).decode()
        with organization_scope(organization_id, up_to_date=False), connection.cursor() as cursor:
            cursor.execute(ADD, {"organization": organization_id, "moment": now, "rows": rows})


@contextmanager
def of_whole_requests(organization_id: UUID, key_id: UUID | None) -> Iterator[None]:
    """Counts a request that is refused whole, and would be again; how many events it held, where that is known."""
    try:
        yield
    except Problem as problem:
        if problem.code in REASONS:
            lost = Discarded(getattr(problem, "count", 1))
            count(organization_id, key_id, {problem.code: lost}, now=timezone.now())
        raise


def encoded(key_id: UUID | None, discarded: Mapping[str, Discarded], *, now: datetime) -> bytes:
    """In an order in which two who count the same never wait in a circle."""
    return encode(
        [
            {
                "id": uuid7(),
                "day": now.date(),
                "key_id": key_id,
                "reason": reason,
                "count": discarded[reason].count,
                "field": known_field(discarded[reason].field),
            }
            for reason in sorted(discarded)
        ]
    )


@dataclass(frozen=True, slots=True)
class Total:
    """One reason over the days that were looked at."""

    reason: str
    words: str
    count: int
    field: str
    last_at: datetime


def since(organization: Organization, day: date) -> list[Total]:
    """What was not kept from a UTC day on, the most frequent reason first."""
    rows = Discard.objects.owned_by(organization).filter(day__gte=day).order_by("last_at")
    found: dict[str, Total] = {}
    for row in rows:
        before = found.get(row.reason)
        words = REASONS.get(row.reason, "Something else.")
        total = row.count + (before.count if before else 0)
        found[row.reason] = Total(row.reason, words, total, row.field, row.last_at)
    return sorted(found.values(), key=lambda total: (-total.count, total.reason))

"""Good answers spoilt: cursors that lie, buckets lost or doubled, rows that make no sense."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Protocol

from .wire import Exact, decode, encode


class NextToken(Protocol):
    def __call__(self, *, advancing: bool) -> str: ...


Body = dict[str, Any]
Options = dict[str, Any]

_TOKEN_MEMBERS = ("input_tokens", "uncached_input_tokens", "output_tokens", "num_model_requests")


def mutate(action: str, options: Options, body: bytes, token: NextToken) -> bytes | None:
    """The spoilt body, or None when there was nothing in it to spoil in this way."""
    answer = decode(body)
    return encode(answer) if MUTATIONS[action](answer, options, token) else None


def _more_without_cursor(body: Body, options: Options, token: NextToken) -> bool:
    body["has_more"] = True
    for name in ("next_page", "last_id"):
        if name in body:
            body[name] = None
    return True


def _repeated_cursor(body: Body, options: Options, token: NextToken) -> bool:
    body["has_more"] = True
    if "next_page" in body:
        body["next_page"] = token(advancing=False)
    return True


def _endless_pages(body: Body, options: Options, token: NextToken) -> bool:
    """The last page is never the last; in lists, which have no tokens, it stays the same one."""
    if not body["has_more"]:
        body["has_more"] = True
        if "next_page" in body:
            body["next_page"] = token(advancing=True)
    return True


def _drop_bucket(body: Body, options: Options, token: NextToken) -> bool:
    place = options.get("bucket", 0)
    if place >= len(body["data"]):
        return False
    del body["data"][place]
    return True


def _duplicate_bucket(body: Body, options: Options, token: NextToken) -> bool:
    """The same bucket twice in a row; with `first_copy: empty` the earlier one has no results."""
    place = options.get("bucket", 0)
    if place >= len(body["data"]):
        return False
    first = copy.deepcopy(body["data"][place])
    if options.get("first_copy") == "empty":
        first["results"] = []
    body["data"].insert(place, first)
    return True


def _empty(body: Body, options: Options, token: NextToken) -> bool:
    """No usage at all, in good order: idle buckets, or no rows."""
    if body["data"] and "results" in body["data"][0]:
        for bucket in body["data"]:
            bucket["results"] = []
    else:
        body["data"] = []
        _last_page(body)
    return True


def _no_buckets(body: Body, options: Options, token: NextToken) -> bool:
    body["data"] = []
    _last_page(body)
    return True


def _last_page(body: Body) -> None:
    body["has_more"] = False
    for name in ("next_page", "first_id", "last_id"):
        if name in body:
            body[name] = None


def _bad_row(body: Body, options: Options, token: NextToken) -> bool:
    """A senseless row beside the good ones, or with `replace` in the place of the first."""
    rows = _first_rows(body)
    if not rows:
        return False
    row = copy.deepcopy(rows[0])
    _spoil(row, options.get("kind", "negative_tokens"))
    if options.get("replace"):
        rows[0] = row
    else:
        rows.insert(options.get("place", 0), row)
    return True


def _patch(body: Body, options: Options, token: NextToken) -> bool:
    """Set (or `remove`) what stands at `at`, a path of names and numbers; {"exact": "1e-7"} is a spelling."""
    *path, last = options["at"]
    target: Any = body
    for step in path:
        if isinstance(target, list) and step >= len(target):
            return False
        target = target[step]
    if options.get("remove"):
        del target[last]
        return True
    value = options["value"]
    target[last] = Exact(value["exact"]) if isinstance(value, dict) and set(value) == {"exact"} else value
    return True


def _first_rows(body: Body) -> list[Any]:
    data: list[Any] = body["data"]
    if data and "results" in data[0]:
        return next((bucket["results"] for bucket in data if bucket["results"]), [])
    return data


def _spoil(row: Body, kind: str) -> None:
    amounts: dict[str, Any] = {
        "nan_amount": Exact("NaN"),
        "nan_text_amount": "NaN",
        "infinite_amount": "Infinity",
        "wordy_amount": "about 3",
    }
    if kind in amounts:
        _set_amount(row, amounts[kind])
        return
    values: dict[str, Any] = {"negative_tokens": -5, "string_tokens": "12", "fractional_tokens": Exact("1.5")}
    holder = row.get("usage", row)
    for name in _TOKEN_MEMBERS:
        if name in holder:
            holder[name] = values[kind]
            return
    raise ValueError(f"no {kind} in a row like this")


def _set_amount(row: Body, value: Any) -> None:
    if isinstance(row.get("cost"), dict):
        row["cost"]["amount"] = value
    elif isinstance(row.get("amount"), dict):
        row["amount"]["value"] = value
    else:
        row["amount"] = value


MUTATIONS: dict[str, Callable[[Body, Options, NextToken], bool]] = {
    "more_without_cursor": _more_without_cursor,
    "repeated_cursor": _repeated_cursor,
    "endless_pages": _endless_pages,
    "drop_bucket": _drop_bucket,
    "duplicate_bucket": _duplicate_bucket,
    "empty": _empty,
    "no_buckets": _no_buckets,
    "bad_row": _bad_row,
    "patch": _patch,
}

"""The test's own way in, under /__fake__/: faults, revisions, recorded requests and the truth."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from .storage import fact_kinds, record, world_from_plain
from .wire import Answer, Request, encode
from .world import Account, OpenAIAccount, remove, revise

if TYPE_CHECKING:
    from .server import FakeProvider


class Control:
    """Answers the control paths of one fake."""

    def __init__(self, fake: FakeProvider) -> None:
        self._fake = fake

    def answer(self, request: Request, body: bytes) -> Answer:
        routes: dict[tuple[str, str], Callable[[dict[str, str], Any], Any]] = {
            ("GET", "faults"): lambda query, sent: self._fake.faults.report(),
            ("POST", "faults"): self._load_faults,
            ("DELETE", "faults"): lambda query, sent: self._fake.script([]),
            ("GET", "requests"): lambda query, sent: [asdict(seen) for seen in self._fake.requests],
            ("DELETE", "requests"): lambda query, sent: self._fake.forget(),
            ("POST", "revise"): self._revise,
            ("POST", "world"): self._replace_world,
            ("GET", "truth"): self._truth,
        }
        act = routes.get((request.method, request.path.removeprefix("/__fake__/").rstrip("/")))
        if act is None:
            return Answer(404, encode({"error": "no such control"}))
        try:
            result = act(dict(request.pairs), json.loads(body) if body else None)
        except (ValueError, LookupError, TypeError, AttributeError) as mistake:
            return Answer(400, encode({"error": f"{type(mistake).__name__}: {mistake}"}))
        return Answer(200, encode({"ok": True} if result is None else result))

    def _load_faults(self, query: dict[str, str], sent: Any) -> None:
        self._fake.script(sent)

    def _replace_world(self, query: dict[str, str], sent: Any) -> None:
        self._fake.world = world_from_plain(sent)

    def _revise(self, query: dict[str, str], sent: Any) -> dict[str, int]:
        """`{"now"?, "provider", "account"?, "settings"?, "add"?: {list: [..]}, "remove"?: {list: {match}},
        "change"?: [{"list", "match", "set"}]}`; answers how many records each step touched."""
        if "now" in sent:
            self._fake.world.now = sent["now"]
        if "provider" not in sent:
            return {}
        account = self._fake.world.account(sent["provider"], sent.get("account"))
        kinds = fact_kinds(account)
        touched = {"added": 0, "removed": 0, "changed": 0}
        for name, value in sent.get("settings", {}).items():
            if not hasattr(account.settings, name):
                raise ValueError(f"no setting {name}")
            setattr(account.settings, name, value)
        for name, match in sent.get("remove", {}).items():
            touched["removed"] += remove(_records(account, name), **match)
        for change in sent.get("change", []):
            records = _records(account, change["list"])
            touched["changed"] += revise(records, change.get("match", {}), **change["set"])
        for name, entries in sent.get("add", {}).items():
            made = [record(kinds[name], entry) for entry in entries]
            _records(account, name).extend(made)
            touched["added"] += len(made)
        return touched

    def _truth(self, query: dict[str, str], sent: Any) -> dict[str, Any]:
        """Totals of a half-open window of days, dollars as exact text."""
        account = self._fake.world.account(query["provider"], query.get("account"))
        start, end = query["from"], query["to"]
        currencies = sorted({bill.currency.lower() for bill in account.bills})
        truth: dict[str, Any] = {
            "billed": {name: f"{account.total_billed(start, end, name):f}" for name in currencies},
            "billed_by_day": {
                str(day): f"{amount:f}" for (day,), amount in sorted(account.billed_by(("day",), start, end).items())
            },
        }
        if isinstance(account, OpenAIAccount):
            endpoint = query.get("endpoint", "completions")
            truth["tokens"] = account.tokens(start, end, endpoint=endpoint)
            truth["requests"] = account.requests(start, end, endpoint=endpoint)
            truth["units"] = account.units(start, end, endpoint=endpoint)
        else:
            truth["tokens"] = account.tokens(start, end)
            truth["requests"] = account.requests(start, end)
        return truth


def _records(account: Account, name: str) -> list[Any]:
    if name not in fact_kinds(account):
        raise LookupError(f"no list {name}; there are {', '.join(fact_kinds(account))}")
    records: list[Any] = getattr(account, name)
    return records

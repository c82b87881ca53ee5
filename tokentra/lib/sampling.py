"""A small piece of an answer that nobody understood, with nothing in it that is secret or personal."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from tokentra.lib.masking import MASK, is_personal, mask, mask_personal

LONGEST = 2_000
MOST_ITEMS, MOST_FIELDS, DEEPEST, LONGEST_VALUE = 3, 40, 12, 200


@dataclass(frozen=True, slots=True)
class Heard:
    """The last answer: JSON as it was parsed, or text; and the credentials that it was asked with."""

    body: Any = field(default="", repr=False)
    credentials: tuple[str, ...] = field(default=(), repr=False)

    def sample(self) -> str:
        """At most LONGEST characters, masked; "" when nothing was heard."""
        if isinstance(self.body, str):
            text = self._hidden(self.body)
        else:
            text = json.dumps(_shortened(self.body, self._hidden), ensure_ascii=False)
        return mask_personal(mask(text)).replace("\0", "\ufffd").encode(errors="replace").decode()[:LONGEST]

    def _hidden(self, text: str) -> str:
        """Before anything is cut: the beginning of a secret is a part of it."""
        for secret in self.credentials:
            text = text.replace(secret, MASK)
        return mask(text)


def _shortened(value: Any, hidden: Callable[[str], str], depth: int = 0, *, personal: bool = False) -> Any:
    """The same shape: the first items of each list, the beginning of each text."""
    if depth > DEEPEST:
        return "…"
    if isinstance(value, Mapping):
        return {
            hidden(str(name))[:LONGEST_VALUE]: _shortened(
                each, hidden, depth + 1, personal=personal or is_personal(str(name))
            )
            for name, each in islice(value.items(), MOST_FIELDS)
        }
    if isinstance(value, list):
        first = [_shortened(each, hidden, depth + 1, personal=personal) for each in value[:MOST_ITEMS]]
        return [*first, f"… and {len(value) - MOST_ITEMS:,} more"] if len(value) > MOST_ITEMS else first
    if isinstance(value, bool) or value is None:
        return value
    if personal:
        return MASK
    return hidden(value)[:LONGEST_VALUE] if isinstance(value, str) else f"{value}"[:LONGEST_VALUE]

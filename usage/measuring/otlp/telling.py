"""What a span says of itself, found by the wording of its names. Pure."""

import json
from typing import Any

from usage.measuring.otlp import dialects, litellm, vercel
from usage.measuring.otlp.dialects import Names
from usage.measuring.otlp.spans import Span, Value
from usage.measuring.otlp.wording import Attributes, Wording, ours_of, said_of, wording_of

LONGEST_JSON = 10_000


class Told:
    """One span with what it says of itself: `said` by what `Wording.asked` names, `whose` and `others` as `named`."""

    __slots__ = ("attributes", "is_call", "kind", "others", "said", "span", "whose", "wording")

    def __init__(self, span: Span, wordings: dict[Names, Wording]) -> None:
        """`wordings` are those that are known of the same request, to which this adds."""
        attributes: Attributes = span.attributes
        known = known_of(attributes, wordings)
        if known.may_be_completed:
            attributes = vercel.completed(litellm.completed(attributes))
            known = known_of(attributes, wordings)
        self.span, self.attributes, self.wording = span, attributes, known
        said = self.said = said_of(attributes, known.asked)
        kind = said.get("kind")
        self.kind = kind.lower() if isinstance(kind, str) else ""
        # One of a model, or anything else that tells the tokens of one, such as an agent's span.
        self.is_call = self.kind in dialects.CALLS or bool(
            known.tells_tokens and said.get("provider") and said.get("model")
        )
        self.whose, self.others = named(attributes, known)

    @property
    def is_tool(self) -> bool:
        return self.kind in dialects.TOOLS and not self.is_call

    @property
    def is_total(self) -> bool:
        """Its sender says that it repeats others."""
        said = self.attributes.get(dialects.IS_TOTAL)
        return said is not None and str(said).lower() == "true"


def known_of(attributes: Attributes, wordings: dict[Names, Wording]) -> Wording:
    names = tuple(attributes)
    if (known := wordings.get(names)) is None:
        known = wordings[names] = wording_of(names)
    return known


def named(attributes: Attributes, wording: Wording) -> tuple[dict[str, str], dict[str, str]]:
    """Whose it was, in the names of events, and what customers' code named otherwise."""
    found: dict[str, str] = said_of(attributes, wording.owners)
    for ours, value in found.items():
        if type(value) is not str:
            found[ours] = as_text(value)
    others = {name: as_text(value) for name, value in said_of(attributes, wording.own).items()}
    if wording.tells_metadata:
        for name, value in from_json(attributes["metadata"]).items():
            if isinstance(value, Value) and value != "":
                ours = ours_of(name)
                (found if ours else others)[ours or name] = as_text(value)
    return found, others


def as_text(value: Value) -> str:
    if isinstance(value, str):  # as most are
        return value
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def from_json(text: object) -> dict[str, Any]:
    if not isinstance(text, str) or not text.startswith("{") or len(text) > LONGEST_JSON:
        return {}
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}

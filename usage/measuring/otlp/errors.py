"""How a call failed, by the name of its error: what an error says may quote what was asked, and is not kept. Pure.

Most libraries send a class or a code. Some send a sentence, or "BadRequestError: " with one behind it.
"""

import re

from usage.measuring.otlp.spans import Mark, Value

NAMELESS = "error"
LONGEST = 100  # characters of a name
# "openai.RateLimitError", "<class 'ValueError'>", "*net.OpError", "429", and what stands before ": …" or "(…"
NAME = re.compile(r"(?a:\s*(?:<class ')?\*?([\w$][\w$.:\\/`<>+-]*?)\.?(?:'>)?(?=\s*\Z|:\s|\s*\())")


def told_by(error: Value | None, marks: tuple[Mark, ...]) -> str:
    """What a span tells of its error: its own word, or the kind of the exception in it."""
    said = error or next((mark.attributes.get("exception.type") for mark in marks if mark.name == "exception"), None)
    return str(said)[: LONGEST * 10].strip() if said else ""


def name_of(said: str) -> str:
    """Without what it is in; empty where there is none."""
    found = NAME.match(said)
    name = found[1].rsplit(".", 1)[-1] if found else ""
    return name if len(name) <= LONGEST else ""


def is_more(said: str) -> bool:
    """Whether something is said beside a name."""
    found = NAME.match(said)
    return bool(said) and not (name_of(said) and found and found.end() == len(said))


def status_of(said: str) -> str:
    """By the name, or by what is said where there is none."""
    told = (name_of(said) or said).lower()
    if "timeout" in told:
        return "timeout"
    return "cancelled" if "cancel" in told else "error"

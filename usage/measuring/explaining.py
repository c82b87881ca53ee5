"""What is wrong with an event: msgspec's sentence in ours, which says what to do. Pure."""

import re
from typing import NamedTuple

from usage.measuring.shape import LONGEST_ID, LONGEST_TAG, LONGEST_TEXT
from usage.measuring.texts import cut

PLACE = re.compile(r" - at (?:`key` in )?`\$\.?(.*)`$")
A_TIME = "Write occurredAt with its zone, as 2026-01-31T23:59:59Z."
# Of which msgspec says a pattern, a type of ours or that it is none of some.
INSTEAD = {
    "id": f"An id is a text of 1 to {LONGEST_ID} characters.",
    "occurredAt": A_TIME,
    "cost.amount": 'Write a cost as a plain decimal, such as "0.0012".',
    "cost.currency": 'Write a currency as three capital letters, such as "USD".',
    "status": "A status is ok, error, timeout or cancelled.",
    "usageSource": "A usageSource is reported, estimated or missing.",
}
NAME_OF_UNIT = f"The name of a unit has 1 to {LONGEST_TAG} characters."


class Wrong(NamedTuple):
    code: str
    message: str
    field: str


def explained(said: str) -> Wrong:
    place = PLACE.search(said)
    field = (place[1] if place else "").replace("[...]", "")
    what = PLACE.sub("", said)
    if missing := re.match(r"Object missing required field `(\w+)`", what):
        name = f"{field}.{missing[1]}" if field else missing[1]
        return Wrong("missing_field", f"Send {name}.", name)
    if unknown := re.match(r"Object contains unknown field `(.*)`", what, re.DOTALL):
        name = cut(f"{field}.{unknown[1]}" if field else unknown[1], LONGEST_TEXT)
        return Wrong("unknown_field", f"There is no {name}.", name)
    if "timezone" in what:
        return Wrong("timestamp_out_of_range", A_TIME, field)
    if field == "units" and "length" in what:
        return Wrong("invalid_field", NAME_OF_UNIT, field)
    return Wrong("invalid_field", INSTEAD.get(field) or f"{cut(what.replace('`', ''), LONGEST_TEXT)}.", field)

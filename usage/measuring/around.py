"""What lies around a span: SQL that finds and moves events there, which statements.py prepares. $1: organization."""

from dataclasses import dataclass

from usage.measuring.transactions import OPEN, alone, each_alone, together
from usage.models import COUNTS

# Requests that tell of one trace follow one another. One that tells of many has the organization's traces for itself.
# $2: the lock of all of them, which is shared; $3: the locks of each, in order. Or $2 alone.
OPEN_EACH = f"{OPEN}, {together('$2')}, {each_alone('$3')}"
OPEN_ALL = f"{OPEN}, {alone('$2')}"
# Whether what is above an event repeats it: a span tells no usage but tokens, and what is a parent has some below it.
TELLS = f"(e.is_parent IS TRUE OR coalesce({', '.join(f'e.{name}' for name in COUNTS)}) IS NOT NULL)"


def below(ids: str, first: str, last: str) -> str:
    """Of spans by id, on days from a first to a last, the events that wait for them.

    Only one index has them in this order: no plan reads all events of a day instead.
    """
    return f"""
SELECT day, id, above FROM usage_event
WHERE organization_id = $1 AND above = ANY({ids}) AND day BETWEEN {first} AND {last} ORDER BY above OFFSET 0"""  # noqa: S608  # parameters by number


def waiting(ids: str, first: str, last: str) -> str:
    """The same, and whether each tells usage."""
    return f"""
SELECT below.*, told.* FROM ({below(ids, first, last)}) AS below CROSS JOIN LATERAL (
    SELECT {TELLS} FROM usage_event e
    WHERE e.organization_id = $1 AND e.day = below.day AND e.id = below.id AND e.day BETWEEN {first} AND {last} OFFSET 0
) AS told"""  # noqa: S608  # as above


def counted(ids: str, first: str, last: str, *, more: str = "") -> str:
    """Of the same, those that are events which count; `more` is what is asked of each beside its day and id."""
    return f"""
SELECT e.day, e.id{more} FROM generate_series({first}, {last}, interval '1 day') AS of (day)
JOIN usage_event e ON e.organization_id = $1 AND e.day = of.day::date AND e.id = ANY({ids})
WHERE e.is_parent IS NOT TRUE AND e.day BETWEEN {first} AND {last}"""  # noqa: S608  # as above


def upwards(ids: str, first: str, last: str) -> str:
    """The same with what each waits for, and where they tell no usage themselves, those above them."""
    more = f", e.above, {TELLS} AS tells"
    return f"""
WITH RECURSIVE found AS (
    {counted(ids, first, last, more=more)}
    UNION SELECT higher.* FROM found CROSS JOIN LATERAL (
        {counted("ARRAY[found.above]", first, last, more=more)} OFFSET 0
    ) AS higher WHERE NOT found.tells
) SELECT day, id, above FROM found"""  # noqa: S608  # as above


# Of events by day and id ($2, $3), which span each waits for from now on ($4).
MOVE = """
UPDATE usage_event event SET above = moved.above FROM unnest($2, $3, $4) AS moved (day, id, above)
WHERE event.organization_id = $1 AND event.day = moved.day AND event.id = moved.id"""


@dataclass(frozen=True, slots=True)
class Around:
    """What may not be there while spans are stored as they stand.

    `opens` is a statement, with its parameters, after which nobody else tells of their traces; `stores` is the one that
    stores them, with those of its parameters that say what may not be there.
    """

    opens: tuple[str, list[str]]
    stores: tuple[str, list[str]]

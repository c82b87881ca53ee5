"""By what measured events are added up, on one screen. Pure."""

from dataclasses import dataclass

from usage.measured import TAG


@dataclass(frozen=True, slots=True)
class Dimension:
    """What a page may ask for; `sql` says it of a row of usage_event, null where it was not said.

    `is_many` tells that it has so many values that events of one request seldom share one.
    """

    name: str
    sql: str
    by_hour: bool = False
    crossed_with: tuple[str, ...] = ()
    is_many: bool = False


MODEL = "provider || '/' || model"
DIMENSIONS = (
    Dimension("all", "''", by_hour=True),
    Dimension("model", MODEL, by_hour=True),
    Dimension("customer", "customer", by_hour=True, crossed_with=("model", "feature"), is_many=True),
    Dimension("user", "user_ref", is_many=True),
    Dimension("feature", "feature", crossed_with=("model",)),
    Dimension("team", "team", crossed_with=("model",)),
    Dimension("agent", "agent", by_hour=True, crossed_with=("model", "tool")),
    Dimension("prompt", "prompt", crossed_with=("model",)),
    Dimension("tool", "tool"),
    Dimension("environment", "environment", crossed_with=("model",)),
    Dimension("project", "project", crossed_with=("model",)),
    Dimension("api_key", "key_id::text", crossed_with=("model",)),
    Dimension("cost_center", "cost_center", crossed_with=("model",)),
)
BY_NAME = {dimension.name: dimension for dimension in DIMENSIONS}


def dimension_of(name: str) -> Dimension:
    """One of them, or a tag that is summed; raises KeyError for another name."""
    return Dimension(name, "", crossed_with=("model",)) if name.startswith(TAG) else BY_NAME[name]

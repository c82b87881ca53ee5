"""What transactions on measured events begin and end with, in SQL: locks, and how statements are planned."""

from uuid import UUID

from tokentra.lib.tenancy import name_within, opened

# Plans by which every row that is looked at is found by its key, whatever the planner knows of the tables; what was
# found so, as the kind of many events, may be remembered for the next. Groups are told apart by hashes of their keys:
# sorting thousands of rows for it takes a sixth longer.
OFF = ("jit", *(f"enable_{name}" for name in ("hashjoin", "mergejoin", "material", "seqscan", "bitmapscan", "sort")))
BY_KEY = ";".join(("SET LOCAL plan_cache_mode = force_generic_plan", *(f"SET LOCAL {name} = off" for name in OFF)))
ROOMY = "SET LOCAL work_mem = '32MB'"  # so that some thousand groups are added up without a file
# A step that takes longer than a worker may be silent would be begun for ever, and keep all others from theirs.
BOUNDED = "SET LOCAL statement_timeout = '30s'"
SET = ("plan_cache_mode", "work_mem", "statement_timeout", *OFF)
AS_BEFORE = ";".join(f"SET LOCAL {name} TO DEFAULT" for name in SET)
UNHURRIED = "SET LOCAL synchronous_commit = off"  # it ends before it is on the disk


def sums_of(organization_id: UUID) -> str:
    """The lock that those who store or add up events hold together, and who makes sums anew holds alone."""
    return name_within(organization_id, "measured sums")


def adding_up_of(organization_id: UUID) -> str:
    """The lock that whoever adds up holds alone."""
    return name_within(organization_id, "adding up")


def totaling_of(organization_id: UUID) -> str:
    """The lock that whoever adds to totals holds alone, after the one before where they add to other sums, too."""
    return name_within(organization_id, "totaling")


def traces_of(organization_id: UUID) -> str:
    """The lock that those share who tell of some traces, each of which they hold alone, and who tells of many holds
    alone."""
    return name_within(organization_id, "traces")


def together(name: str) -> str:
    """A source of one row that waits for a lock which many may hold, until nobody holds it alone."""
    return f"pg_advisory_xact_lock_shared(hashtextextended({name}, 0))"


def alone(name: str) -> str:
    """The same, until nobody else holds it."""
    return f"pg_advisory_xact_lock(hashtextextended({name}, 0))"


def each_alone(keys: str) -> str:
    """An expression that waits as `alone` does for each of an array of 64-bit numbers, in its order.

    It is run when it is its turn in a list of what is selected.
    """
    return f"(SELECT count(*) FROM unnest({keys}) AS of (key) WHERE pg_advisory_xact_lock(of.key) IS NULL)"  # noqa: S608  # none is


# For a transaction of prepared statements that are sent together: plans by keys, in the scope of an organization ($1).
OPEN = ", ".join(
    [
        f"SELECT {opened('$1')}",
        "set_config('plan_cache_mode', 'force_generic_plan', true)",
        *(f"set_config('{name}', 'off', true)" for name in OFF),
    ]
)
ALONE = f"SELECT FROM {alone('%s')}"

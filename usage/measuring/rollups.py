"""What a rollup is: a table of sums, and the SQL of its groups and sums over some source of rows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Columns = dict[str, str]  # a column's name to its SQL


@dataclass(frozen=True)
class Part:
    """Rows of a rollup that come from one source."""

    groups: Columns
    sums: Columns
    source: str

    @property
    def constant(self) -> frozenset[str]:
        """Groups that are a word or given, which nothing has to be told apart by."""
        return frozenset(name for name, sql in self.groups.items() if sql.startswith(("'", "$")) or sql == "false")


@dataclass(frozen=True)
class Rollup:
    """A table of sums, one row for each group; `of_day` says which of its rows are of one day, or are chosen otherwise.

    What its key has beside groups are hashes of them: those that are `hashed`, in SQL with the names of groups in
    braces, or else one of all. What is `sparse` is null where it is zero. Whoever writes its rows gets to know what is
    `returning`.
    """

    table: str
    key: str
    parts: tuple[Part, ...]
    of_day: str = ""
    sparse: frozenset[str] = frozenset()
    hashed: Columns = field(default_factory=dict)
    returning: str = ""

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.parts[0].groups)

    @property
    def telling(self) -> str:
        """How a statement ends that writes its rows."""
        return f"RETURNING {self.returning}" if self.returning else ""

    @property
    def hashes(self) -> Columns:
        """What of its key is no group, made of its groups."""
        return self.hashes_of({name: name for name in self.groups})

    def hashes_of(self, groups: Columns) -> Columns:
        """The same made of SQL for its groups."""
        hashed = self.hashed or {
            "id": f"md5(concat_ws(chr(31), {', '.join(f'{{{name}}}' for name in self.groups)}))::uuid"
        }
        return {name: sql.format(**groups) for name, sql in hashed.items()}

    def key_of(self, part: Part) -> Columns:
        """Its key where rows come from this part."""
        of = part.groups | self.hashes_of(part.groups)
        return {name: of[name] for name in self.key.split(", ")}

    @property
    def sums(self) -> tuple[str, ...]:
        return tuple(self.parts[0].sums)


def expanded(source: str, names: str, rows: Sequence[tuple[str, ...]]) -> str:
    """Each row of a source once for each of these rows of values, where all of them are known."""
    values = ", ".join(f"({', '.join(row)})" for row in rows)
    known = " AND ".join(f"{name} IS NOT NULL" for name in names.split(", "))
    return f"{source} CROSS JOIN LATERAL (VALUES {values}) AS by ({names}) WHERE {known}"


def quoted(word: str) -> str:
    return f"'{word}'"


def themselves(columns: Columns) -> Columns:
    return {name: name for name in columns}

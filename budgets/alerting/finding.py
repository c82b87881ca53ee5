"""What a detector found: made of figures, before anybody was told. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

STANDING = ""  # a finding without a period of its own lasts from its first day until it is over
LONGEST_PERIOD, LONGEST_TITLE = 40, 200


@dataclass(frozen=True, slots=True)
class Finding:
    """`key` is what it is about; found again for the same period, it is the same alert."""

    kind: str
    key: str
    title: str
    text: str
    period: str = STANDING
    severity: str = "warning"
    numbers: Sequence[tuple[str, str]] = ()
    path: str = ""
    rule_id: UUID | None = None
    crossing_id: UUID | None = None
    is_quiet: bool = False  # written down and told of nobody: a higher one of the same moment says it all
    is_revised: bool = False

"""What a reading was answered before the time of its step was over: the next step asks for the rest only.

Nothing of it counts before the reading is whole; then it is written with its mark and the answers go.
"""

import zlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.owned import OwnedQuerySet
from providers.models import Connection, KeptAnswer

KEPT_FOR = timedelta(hours=1)  # as long as a provider may make us wait; then the reading begins again


@dataclass
class Answers:
    """The memory of one reading, for the HTTP client. `began_at` is when its first answer came."""

    reading: str
    began_at: datetime
    kept: dict[str, bytes] = field(default_factory=dict)
    new: dict[str, bytes] = field(default_factory=dict)

    def get(self, question: str) -> bytes | None:
        known = self.kept.get(question) or self.new.get(question)
        return zlib.decompress(known) if known else None

    def keep(self, question: str, raw: bytes) -> None:
        self.new[question] = zlib.compress(raw, 1)


def load(connection: Connection, reading: str, *, now: datetime) -> Answers:
    kept = list(of(connection).filter(reading=reading, kept_at__gt=now - KEPT_FOR))
    began_at = min((each.kept_at for each in kept), default=now)
    return Answers(reading, began_at, {each.question: bytes(each.body) for each in kept})


def keep(connection: Connection, answers: Answers, *, now: datetime) -> None:
    of(connection).filter(reading=answers.reading, kept_at__lte=now - KEPT_FOR).delete()
    KeptAnswer.objects.bulk_create(
        [
            KeptAnswer(
                organization_id=connection.organization_id,
                connection=connection,
                reading=answers.reading,
                question=question,
                body=body,
                kept_at=now,
            )
            for question, body in answers.new.items()
        ]
    )


def drop(connection: Connection, answers: Answers) -> None:
    of(connection).filter(reading=answers.reading).delete()


def drop_all(connection: Connection) -> None:
    of(connection).delete()


def of(connection: Connection) -> OwnedQuerySet[KeptAnswer]:
    return KeptAnswer.objects.filter(organization_id=connection.organization_id, connection=connection)

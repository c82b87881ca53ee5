"""What an API answers when it refuses: one shape, with a code, a sentence and the fields."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest


class Problem(Exception):
    """Raised anywhere behind a JSON route; the API turns it into the one error body.

    `extra` stands beside code and message, such as the id of what is already connected. `until` is when the next
    request is taken, where none is before.
    """

    until: float | None = None

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        self.headers = dict(headers or {})
        self.extra = extra

    def body(self, request_id: str) -> dict[str, Any]:
        error = {"code": self.code, "message": self.message, "fields": self.fields, "requestId": request_id}
        return {"error": error | self.extra}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is noted of a problem, which itself holds the request by the frames it went through."""

    code: str
    until: float | None


def note_refusal(request: HttpRequest, problem: Problem) -> None:
    """For whoever notes what came of a key's requests."""
    request.refusal = Refusal(problem.code, problem.until)  # type: ignore[attr-defined]  # refusal_of reads it


def refusal_of(request: HttpRequest) -> Refusal | None:
    found: Refusal | None = getattr(request, "refusal", None)
    return found

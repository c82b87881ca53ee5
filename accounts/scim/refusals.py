"""Why something that a directory asks for is not done, as SCIM has it: a status, a kind and a sentence."""

from typing import Any

SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class Refused(Exception):
    status = 400
    kind = ""

    def __init__(self, detail: str, *, status: int = 0, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.headers = status or self.status, headers or {}

    @property
    def body(self) -> dict[str, Any]:
        told = {"schemas": [SCHEMA], "status": str(self.status), "detail": str(self)}
        return told | ({"scimType": self.kind} if self.kind else {})


class Wrong(Refused):
    kind = "invalidValue"


class Unreadable(Refused):
    kind = "invalidSyntax"


class BadFilter(Refused):
    kind = "invalidFilter"


class Fixed(Refused):
    """It may not be changed from there."""

    kind = "mutability"


class Taken(Refused):
    status, kind = 409, "uniqueness"


class Forbidden(Refused):
    status = 403


class Missing(Refused):
    status = 404

    def __init__(self) -> None:
        super().__init__("There is nothing here under this id or address.")

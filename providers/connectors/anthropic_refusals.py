"""What a refusal by Anthropic means: an unknown key and one of a workspace may be refused alike."""

from providers.connectors import reading
from providers.connectors.base import ConnectorError, Outcome, WrongKind
from providers.connectors.calling import Api, error_text
from providers.connectors.shapes import shape_of, wrong_shape
from tokentra.lib.http import Answer, Client

LABEL = "Anthropic"
VERSION = "2023-06-01"
BETA = "analytics-usage-cost-2026-08-24"
WANTED = (
    "TokenTra needs an admin key: an organization admin makes one in the Claude Console under Settings > Admin keys."
)
USELESS = {
    "subscription token": (
        f"This is a token of a Claude subscription, which cannot read an organization's usage. {WANTED}"
    ),
}
ENTERPRISE = "Claude Enterprise key"


def recognise(key: str) -> WrongKind | None:
    return wrong_shape(key, provider="anthropic", useless=USELESS, wanted=WANTED)


def api(client: Client, key: str) -> Api:
    headers = {"x-api-key": key, "anthropic-version": VERSION, "anthropic-beta": BETA}
    return Api(LABEL, client, headers, lambda answer: refusal(answer, key))


def kind_of(key: str) -> str:
    shape = shape_of(key)
    return shape.kind if shape else "key"


def refusal(answer: Answer, key: str) -> ConnectorError | None:
    said, kind = error_text(answer), kind_of(key)
    detail = f"{answer.status} {said}"
    if answer.status in (401, 403) and kind == "API key":
        message = f"This is an Anthropic API key of a workspace, which cannot read usage or costs. {WANTED}"
        return ConnectorError(Outcome.WRONG_KEY_KIND, message, detail=detail)
    if answer.status == 401:
        message = f"Anthropic does not know this key. It may have been deleted or have expired. {WANTED}"
        return ConnectorError(Outcome.INVALID_CREDENTIALS, message, detail=detail)
    if answer.status == 403:
        if kind == ENTERPRISE:
            message = (
                "This Claude Enterprise key lacks the scope read:analytics. The primary owner makes one"
                " that has it at claude.ai under Organization settings > API."
            )
        else:
            message = f"Anthropic does not let this key read here. {WANTED}"
        return ConnectorError(Outcome.MISSING_SCOPE, message, detail=detail)
    if answer.status == 400 and (earliest := reading.earliest_in(said)):
        message = "Anthropic does not reach back that far."
        return ConnectorError(Outcome.BAD_REQUEST, message, detail=detail, earliest=earliest)
    return None

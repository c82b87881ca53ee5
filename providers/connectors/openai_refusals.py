"""What a refusal by OpenAI means: it answers 401 and 403 for the same things, so the words decide."""

from providers.connectors import reading
from providers.connectors.base import ConnectorError, Outcome, WrongKind
from providers.connectors.calling import Api, error_of, error_text
from providers.connectors.shapes import shape_of, wrong_shape
from tokentra.lib.http import Answer, Client

LABEL = "OpenAI"
WANTED = "TokenTra needs an admin key: an organization owner makes one under Settings > Organization > Admin keys."
USELESS = {
    "project key": f"This is an OpenAI project key, which cannot read usage or costs. {WANTED}",
    "service account key": f"This is an OpenAI service account key. It cannot read usage or costs. {WANTED}",
    "user key": f"This is an old OpenAI user key, which cannot read usage or costs. {WANTED}",
}
SCOPES = {"api.usage.read": "“Usage: Read”", "api.management.read": "“Organization administration: Read”"}


def recognise(key: str) -> WrongKind | None:
    return wrong_shape(key, provider="openai", useless=USELESS, wanted=WANTED)


def api(client: Client, key: str) -> Api:
    return Api(LABEL, client, {"authorization": f"Bearer {key}"}, lambda answer: refusal(answer, key))


def refusal(answer: Answer, key: str) -> ConnectorError | None:
    said, error = error_text(answer), error_of(answer)
    detail = f"{answer.status} {said}"
    lowered = said.lower()
    if answer.status in (401, 403):
        if "missing scopes" in lowered or "insufficient permissions" in lowered:
            return _may_not_read(said, key, detail)
        if error.get("code") == "unsupported_country_region_territory":
            message = "OpenAI does not answer from the region that TokenTra runs in."
            return ConnectorError(Outcome.NOT_AVAILABLE, message, detail=detail)
        if answer.status == 403:
            return _may_not_read(said, key, detail)
        message = f"OpenAI does not know this key. It may have been deleted or have expired. {WANTED}"
        return ConnectorError(Outcome.INVALID_CREDENTIALS, message, detail=detail)
    if answer.status == 400 and error.get("param") == "start_time":
        message = "OpenAI does not reach back that far."
        return ConnectorError(Outcome.BAD_REQUEST, message, detail=detail, earliest=reading.earliest_in(said))
    return None


def _may_not_read(said: str, key: str, detail: str) -> ConnectorError:
    shape = shape_of(key)
    if shape is None or shape.kind != "admin key":
        message = f"This key works, but it is not an admin key, so it cannot read usage or costs. {WANTED}"
        return ConnectorError(Outcome.WRONG_KEY_KIND, message, detail=detail)
    missing = [words for scope, words in SCOPES.items() if scope in said]
    need = " and ".join(missing) or "a permission that reading here needs"
    place = "Settings > Organization > Admin keys"
    message = f"This admin key lacks {need}. Give it that under {place}, or make a new key."
    return ConnectorError(Outcome.MISSING_SCOPE, message, detail=detail)

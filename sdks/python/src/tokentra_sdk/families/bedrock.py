"""AWS's client for models on Bedrock, `bedrock-runtime` of boto3: conversations, invoked models and their streams."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from tokentra_sdk.bodies import watch_body
from tokentra_sdk.calls import Call
from tokentra_sdk.families.bedrock_answers import converse, invoked
from tokentra_sdk.families.bedrock_streams import InvokedReader
from tokentra_sdk.families.methods import Newest
from tokentra_sdk.usage import Usage, get
from tokentra_sdk.watching import Begun, Wrapped, watch_stream, watched


def wrap(client: Any, wrapped: Wrapped) -> bool:
    """Every operation of a client of AWS comes by one method; those of other services are left alone."""
    if get(client, "meta", "service_model", "service_name") != "bedrock-runtime":
        return False
    client._make_api_call = watched(wrapped, client._make_api_call, functools.partial(begun, wrapped))
    return True


def begun(wrapped: Wrapped, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Begun | None:
    operation = args[0] if args else kwargs.get("operation_name")
    asked = args[1] if len(args) > 1 else kwargs.get("api_params")
    if operation not in STREAMS or not isinstance(asked, Mapping):
        return None
    model = model_of(asked.get("modelId"))
    call = Call(wrapped.sdk, wrapped.provider or "aws", model, kind_of(model))
    found = Begun(call, args, kwargs, converse, body=asked)
    if operation == "ConverseStream":
        found.inside = functools.partial(conversing, call)
    elif operation == "InvokeModel":
        found.inside = functools.partial(answering, call)
    elif operation == "InvokeModelWithResponseStream":
        found.inside = functools.partial(streaming, call)
    return found


STREAMS = ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream")
KINDS = {"embed": "embeddings", "rerank": "rerank", "image": "image", "canvas": "image", "stability": "image"}


def model_of(id: Any) -> str:
    """An ARN says whose account it is, and ends with the model or its profile."""
    name = id if isinstance(id, str) else ""
    return name.rsplit("/", 1)[-1] if name.startswith("arn:") else name


def kind_of(model: str) -> str:
    return next((kind for mark, kind in KINDS.items() if mark in model), "chat")


# What watches a stream or a body holds nothing that holds it: whoever drops one has left it.


def conversing(call: Call, answer: Any) -> None:
    """The last event of a conversation tells its usage."""
    metadata = answer.get("ResponseMetadata")

    def whole(seen: Any) -> Usage:
        return converse({**seen["metadata"], "ResponseMetadata": metadata})

    watch_stream(answer["stream"], call, Newest(whole, decides="metadata"))


def answering(call: Call, answer: Any) -> None:
    """The program reads the answer of an invoked model itself; its headers tell the usage to whoever leaves it."""
    said = {name: value for name, value in answer.items() if name != "body"}
    length = str(get(said, "ResponseMetadata", "HTTPHeaders", "content-length") or "")

    call.answered()

    def whole(read: bytes | None) -> Usage:
        try:
            body = json.loads(read) if read else None
        except ValueError:
            body = None
        return invoked(body if isinstance(body, Mapping) else {}, said)

    if type(answer["body"]).__module__ == "botocore.response":
        watch_body(answer["body"], call, whole, int(length) if length.isdigit() else None)
    else:  # one that is read asynchronously
        call.succeeded(whole(None))


def streaming(call: Call, answer: Any) -> None:
    watch_stream(answer["body"], call, InvokedReader(answer))

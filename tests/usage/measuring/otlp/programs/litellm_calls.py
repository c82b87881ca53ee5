"""Calls through LiteLLM, as a program makes them that has turned its callback on. Takes the address of the models.

LiteLLM's callbacks run in threads and tasks that nobody waits for: the program ends when it is told a line.

It runs in an environment of its own: LiteLLM is no part of TokenTra.
"""

import asyncio
import sys

import litellm
from opentelemetry import trace

MODELS, WAY = sys.argv[1:3]
litellm.callbacks = ["otel"]
litellm.suppress_debug_info = True


def said(**more: object) -> dict[str, object]:
    question = [{"role": "user", "content": "The secret question"}]
    reached = {"api_base": f"{MODELS}/v1", "api_key": "none", "num_retries": 0}
    return {"model": "openai/gpt-4o-mini", "messages": question, **reached, **more}


async def asynchronous(**more: object) -> None:
    await asyncio.gather(*(litellm.acompletion(**said(**more)) for _ in range(2)))
    async for _ in await litellm.acompletion(**said(stream=True, stream_options={"include_usage": True}, **more)):
        pass
    await asyncio.to_thread(sys.stdin.readline)


def calls(**more: object) -> None:
    for _ in range(2):
        litellm.completion(**said(**more))
    for _ in litellm.completion(**said(stream=True, stream_options={"include_usage": True}, **more)):
        pass


def alone() -> None:
    calls()
    asyncio.run(asynchronous())


def inside() -> None:
    """Of spans of the program's own, one for each request that it serves."""
    litellm.completion(**said())  # by which LiteLLM has set up its tracer
    tracer = trace.get_tracer("shop")
    with tracer.start_as_current_span("checkout"):
        calls(user="globex")
    with tracer.start_as_current_span("search"):
        asyncio.run(asynchronous(user="initech"))


def failing() -> None:
    try:
        litellm.completion(**said(model="openai/broken"))
    except litellm.exceptions.BadRequestError:
        sys.stdin.readline()
    else:
        raise SystemExit("a call of a model that is broken did not fail")


{"alone": alone, "inside": inside, "failing": failing}[WAY]()
provider = trace.get_tracer_provider()
provider.force_flush()  # type: ignore[attr-defined]  # that of the SDK, which LiteLLM has set

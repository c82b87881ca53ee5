"""What the SDK costs a program: microseconds of its own thread for each call, and memory of its process.

    python benchmark.py [--calls 500]

Real clients call model servers of another process; what lies around the client's own method is ours. Each line is a
figure as JSON: its name, value, unit, and where it has one the most that it may be.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "src"), str(HERE / "tests")]
KEY = "tt_test_generated"
MOST_MICROSECONDS, MOST_MEBIBYTES = 1_000.0, 32.0
PIECES = 200

# By family: what holds the method around which the SDK stands, and its name.
METHODS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "openai": (lambda client: client, "request"),
    "anthropic": (lambda client: client, "request"),
    "bedrock": (lambda client: client, "_make_api_call"),
    "google": (lambda client: client.models, "_generate_content"),
    "mistral": (lambda client: client.chat, "complete"),
    "cohere": (lambda client: client._raw_client, "chat"),
    "pinecone": (lambda client: client, "query"),
}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=500, help="of each family")
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments.add_argument("--remember", metavar="URL", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.serve:
        serve()
    elif chosen.remember:
        remember(chosen.remember)
    else:
        for figure in figures(chosen.calls):
            print(json.dumps(figure), flush=True)


def figures(calls: int) -> Iterator[dict[str, Any]]:
    with servers() as (models, tokentra), tempfile.TemporaryDirectory() as spool:
        from families import FAMILIES
        from tokentra_sdk import TokenTra, attributes

        sdk = TokenTra(KEY, tokentra, spool_directory=spool)
        with attributes(customer_id="customer-7", feature="search", team="core", plan="gold"):
            for name, family in FAMILIES.items():
                yield from percentiles(f"a call of {name}", of_family(sdk, name, family, models, calls))
            yield from percentiles("a piece of a stream", of_streams(sdk, calls), of=PIECES)
            yield from percentiles("record", of_records(sdk, calls * 10))
        sdk.close(10.0)
        if lost := sdk.stats()["lost"]:
            raise SystemExit(f"events were lost: {lost}")
        yield from memory(tokentra, "while events are sent")
        yield from memory("http://127.0.0.1:9", "while the server is away")


@dataclass(frozen=True)
class Took:
    """Nanoseconds: those that passed, and those for which the thread had a processor."""

    passed: int
    worked: int

    def less(self, other: Took) -> Took:
        return Took(self.passed - other.passed, self.worked - other.worked)


def percentiles(name: str, took: Sequence[Took], *, of: int = 1) -> Iterator[dict[str, Any]]:
    """What passed is what a program waits for; on a busy machine, only what was worked is ours."""
    for what, all_of_it in (
        ("", [each.passed for each in took]),
        (" of the processor", [each.worked for each in took]),
    ):
        ordered = sorted(all_of_it)
        for share in (50, 99):
            value = ordered[min(len(ordered) - 1, len(ordered) * share // 100)] / 1000 / of
            yield {"name": f"{name}, p{share}{what}", "value": value, "unit": "µs", "at_most": MOST_MICROSECONDS}


def of_family(sdk: Any, name: str, family: Any, models: str, calls: int) -> list[Took]:
    """Around the method of a client: the whole, less the method itself."""
    client = family.make(models)
    find, method = METHODS[name]
    owner = find(client)
    inner = Stopwatch(getattr(owner, method))
    setattr(owner, method, inner)
    sdk.wrap(client)
    outer = Stopwatch(getattr(owner, method))
    setattr(owner, method, outer)
    ask = ASKING[name]
    for _ in range(calls + 20):
        ask(client)
    return [whole.less(own) for whole, own in zip(outer.took[20:], inner.took[20:])]


class Stopwatch:
    def __init__(self, method: Callable[..., Any]) -> None:
        self.method, self.took = method, list[Took]()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        passed, worked = time.perf_counter_ns(), time.thread_time_ns()
        try:
            return self.method(*args, **kwargs)
        finally:
            worked = time.thread_time_ns() - worked
            self.took.append(Took(time.perf_counter_ns() - passed, worked))


QUESTION = [{"role": "user", "content": "Hello!"}]
ASKING: dict[str, Callable[[Any], Any]] = {
    "openai": lambda client: client.chat.completions.create(model="gpt-4o-mini", messages=QUESTION),
    "anthropic": lambda client: client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=QUESTION),
    "bedrock": lambda client: client.converse(
        modelId="us.amazon.nova-lite-v1:0", messages=[{"role": "user", "content": [{"text": "Hello!"}]}]
    ),
    "google": lambda client: client.models.generate_content(model="gemini-2.5-flash", contents="Hello!"),
    "mistral": lambda client: client.chat.complete(model="mistral-small-latest", messages=QUESTION),
    "cohere": lambda client: client.chat(model="command-a-03-2025", messages=QUESTION),
    "pinecone": lambda client: client.query(vector=[0.5], top_k=3),
}


def of_streams(sdk: Any, calls: int) -> list[Took]:
    """A whole stream of OpenAI's, less the same pieces without us."""
    from openai.types.chat import ChatCompletionChunk

    from tokentra_sdk.calls import Call
    from tokentra_sdk.families.openai import Asked, ChatReader
    from tokentra_sdk.watching import watch_stream

    said: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini"}
    choice = {"index": 0, "delta": {"content": "word"}, "finish_reason": None}
    usage = {"prompt_tokens": 9, "completion_tokens": PIECES, "total_tokens": PIECES + 9}
    pieces = [ChatCompletionChunk.model_validate({**said, "choices": [choice]})] * (PIECES - 1)
    pieces.append(ChatCompletionChunk.model_validate({**said, "choices": [], "usage": usage}))

    def without() -> None:
        for _ in (piece for piece in pieces):
            pass

    def within() -> None:
        call = Call(sdk, "openai", "gpt-4o-mini", "chat")
        for _ in watch_stream((piece for piece in pieces), call, ChatReader(Asked("chat", {}))):
            pass

    plain, watched = Stopwatch(without), Stopwatch(within)
    for _ in range(calls):
        plain()
        watched()
    return [each.less(alone) for each, alone in zip(watched.took, plain.took)]


def of_records(sdk: Any, calls: int) -> list[Took]:
    record = Stopwatch(sdk.record)
    tokens = {"input": 900, "cacheRead": 100, "output": 45}
    for number in range(calls):
        record(provider="openai", model="gpt-4o-mini", tokens=tokens, latency_ms=900)
        if number % 100 == 99:
            time.sleep(0.01)  # as a program does that waits for its models
    return record.took


# Memory


def memory(url: str, when: str) -> Iterator[dict[str, Any]]:
    """Of a process of its own, in which nothing else is."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, "--remember", url], check=True, capture_output=True, text=True
    )
    for name, value in json.loads(done.stdout).items():
        yield {"name": f"memory for {name}, {when}", "value": value, "unit": "MiB", "at_most": MOST_MEBIBYTES}


def remember(url: str) -> None:
    before = mebibytes()
    import tokentra_sdk

    with tempfile.TemporaryDirectory() as spool:
        tokentra_sdk.observe(url, KEY, spool_directory=spool)
        call = {"provider": "openai", "model": "gpt-4o-mini", "tokens": {"input": 900, "output": 45}}
        tokentra_sdk.record(**call)
        tokentra_sdk.flush(2.0)
        one = mebibytes() - before
        for _ in range(50_000):
            tokentra_sdk.record(**call, customer_id="customer-7", feature="search")
        tokentra_sdk.flush(2.0)
        print(json.dumps({"the SDK and one event": one, "50,000 events": mebibytes() - before}))
        tokentra_sdk.close(0.0)


def mebibytes() -> float:
    """That the process holds now; where the system does not tell, that it has held at most."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    import resource

    return pages * resource.getpagesize() / 2**20


# Servers, in a process of their own


@contextmanager
def servers() -> Iterator[list[str]]:
    serving = subprocess.Popen(
        [sys.executable, "-W", "ignore", __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with serving:  # which ends it, as its input ends
        yield json.loads(serving.stdout.readline() if serving.stdout else "[]")


def serve() -> None:
    import families  # noqa: F401  # with what the models answer
    from answering import answering
    from taking import taking

    with answering() as models, taking() as tokentra:
        print(json.dumps([models.url, tokentra.url]), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()

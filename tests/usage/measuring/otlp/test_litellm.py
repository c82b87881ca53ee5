"""LiteLLM itself, as a library and as a proxy, in an environment of its own: each call counts once and none is lost."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from accounts.models import Organization
from sdk_keys.setup_traces import SCHEME
from tests.product import free_port, wait_for
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]
TOOLS = Path(__file__).resolve().parents[4] / ".tools" / "bin"
CALLS = Path(__file__).parent / "programs" / "litellm_calls.py"
MASTER = f"sk-{'0123456789abcdef' * 2}"
# gpt-4o-mini: 600 x 0.15 + 400 x 0.075 + 50 x 0.60 dollars a million
CALL = Decimal("0.00015")


@pytest.fixture(scope="module")
def litellm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of its programs."""
    uv = shutil.which("uv", path=f"{TOOLS}:{os.environ['PATH']}")
    made = tmp_path_factory.mktemp("litellm") / "venv"
    subprocess.run([str(uv), "venv", "--quiet", "--python", sys.executable, str(made)], check=True)
    wanted = ("litellm[proxy]", "opentelemetry-api", "opentelemetry-sdk", "opentelemetry-exporter-otlp")
    subprocess.run(
        [str(uv), "pip", "install", "--quiet", "--python", str(made / "bin" / "python"), *wanted], check=True
    )
    return made / "bin"


@pytest.fixture
def told(live_server: Any, key: str) -> dict[str, str]:
    """As the wizard says to set it."""
    return {
        "PATH": os.environ["PATH"],
        "OTEL_EXPORTER": "otlp_http",
        "OTEL_ENDPOINT": f"{live_server.url}/v1/traces",
        "OTEL_HEADERS": f"Authorization={SCHEME} {key}",
        "USE_OTEL_LITELLM_REQUEST_SPAN": "true",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OTEL_BSP_SCHEDULE_DELAY": "200",
    }


def kept(organization: Organization) -> list[Event]:
    with organization_scope(organization.pk):
        return list(Event.objects.owned_by(organization).exclude(is_parent=True).order_by("occurred_at"))


def events_of(
    program: Path, models: str, way: str, told: dict[str, str], organization: Organization, count: int
) -> list[Event]:
    """What is kept once the program has ended, which it does when so many were kept."""
    command = [str(program / "python"), str(CALLS), models, way]
    with subprocess.Popen(command, env=told, stdin=PIPE, stderr=PIPE, text=True) as running:
        try:
            wait_for(lambda: len(kept(organization)) >= count or running.poll() is not None, 120, "the calls are here")
        finally:
            _, errors = running.communicate("go on\n", timeout=60)
    assert running.returncode == 0, errors[-4000:]
    return kept(organization)


def by(events: list[Event], name: str) -> dict[str | None, int]:
    return dict(Counter(getattr(event, name) for event in events))


def test_calls_of_a_program_are_told_once_each(litellm, models, told, acme):
    events = events_of(litellm, models, "alone", told, acme, 6)

    assert by(events, "model") == {"gpt-4o-mini": 6}
    assert {(event.input, event.cache_read, event.output, event.reasoning) for event in events} == {(600, 400, 50, 20)}
    assert {event.amount for event in events} == {CALL}
    assert "secret" not in repr([vars(event) for event in events])


def test_calls_inside_of_a_programs_own_spans_are_told_once_each_and_for_whom(litellm, models, told, acme):
    events = events_of(litellm, models, "inside", told, acme, 7)

    assert by(events, "user_ref") == {None: 1, "globex": 3, "initech": 3}


def test_a_call_that_fails_is_kept_with_its_error(litellm, models, told, acme):
    [event] = events_of(litellm, models, "failing", told, acme, 1)

    assert (event.model, event.status, event.amount) == ("broken", "error", 0)


@contextmanager
def proxy(litellm: Path, models: str, told: dict[str, str], where: Path) -> Iterator[Callable[..., int]]:
    """Asks it, and answers the status; at its end all that it traced was sent."""
    config = where / "config.yaml"
    reached = {"model": "openai/gpt-4o-mini", "api_base": f"{models}/v1", "api_key": "none"}
    small = {"model_name": "small", "litellm_params": reached}
    config.write_text(json.dumps({"model_list": [small], "litellm_settings": {"callbacks": ["otel"]}}))
    port = free_port()
    command = [litellm / "litellm", "--config", config, "--host", "127.0.0.1", "--port", port]
    environment = told | {"LITELLM_MASTER_KEY": MASTER}
    with (where / "log").open("w") as log:
        running = subprocess.Popen(list(map(str, command)), env=environment, cwd=where, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {MASTER}"}

    def ask(**more: object) -> int:
        question = {"model": "small", "messages": [{"role": "user", "content": "The secret question"}], **more}
        try:
            with urlopen(Request(f"{url}/v1/chat/completions", json.dumps(question).encode(), headers)) as answer:
                answer.read()
                return int(answer.status)
        except HTTPError as error:
            return error.code

    try:
        wait_for(lambda: urlopen(f"{url}/health/liveliness").status == 200, 180, "the proxy is up")
        yield ask
    finally:
        running.terminate()
        running.wait(30)


def test_calls_through_the_proxy_are_told_once_each_and_for_whom(litellm, models, told, acme, tmp_path):
    with proxy(litellm, models, told, tmp_path) as ask:
        streamed = {"stream": True, "stream_options": {"include_usage": True}}
        said = [ask(user="globex"), ask(user="initech"), ask(user="initech", **streamed), ask(model="nonsense")]
        assert said == [200, 200, 200, 400]
        wait_for(lambda: len(kept(acme)) >= 3, 60, "the calls are here")

    events = kept(acme)
    assert by(events, "model") == {"gpt-4o-mini": 3}
    assert by(events, "customer") == {"globex": 1, "initech": 2}
    assert {event.amount for event in events} == {CALL}

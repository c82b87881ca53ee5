"""The ways in for a program: what to install, set, write and try. Every text works as it stands on this server."""

from dataclasses import dataclass

from accounts.http import absolute
from sdk_keys import snippets
from sdk_keys.packages import Kind, all_packages
from sdk_keys.snippets import FROM_ENVIRONMENT

PYTHON = """\
import tokentra_sdk

tokentra_sdk.observe()  # reads TOKENTRA_URL and TOKENTRA_API_KEY

from openai import OpenAI

client = OpenAI()
with tokentra_sdk.attributes(customer_id="customer-7", feature="search"):
    client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Hello!"}],
    )"""
NODE = """\
import OpenAI from "openai";
import { attributes, observe, wrap } from "@tokentra/sdk";

observe(); // reads TOKENTRA_URL and TOKENTRA_API_KEY
const openai = wrap(new OpenAI());

await attributes({ customerId: "customer-7", feature: "search" }, () =>
  openai.chat.completions.create({
    model: "gpt-4o-mini",
    messages: [{ role: "user", content: "Hello!" }],
  }),
);"""
LITELLM = """\
import litellm

litellm.callbacks = ["otel"]"""
LITELLM_PROXY = """\
litellm_settings:
  callbacks: ["otel"]"""
SPAN = (
    '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"%s","spanId":"%s","name":"chat","kind":3,'
    '"startTimeUnixNano":"%s000000000","endTimeUnixNano":"%s000000000","attributes":['
    '{"key":"gen_ai.operation.name","value":{"stringValue":"chat"}},'
    '{"key":"gen_ai.provider.name","value":{"stringValue":"tokentra"}},'
    '{"key":"gen_ai.request.model","value":{"stringValue":"test-event"}},'
    '{"key":"gen_ai.usage.input_tokens","value":{"intValue":"0"}}]}]}]}]}'
)
NOT_PACKED = (
    "This installation was prepared without this package, so it cannot be installed from here. OpenTelemetry, LiteLLM "
    "and curl need none. Whoever runs TokenTra packs it with make build."
)


@dataclass(frozen=True, slots=True)
class Block:
    """A text to copy; `language` colours it."""

    text: str
    label: str
    language: str = "bash"
    words: str = ""
    has_key: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One of the four steps of a way in, as far as it has anything to say."""

    title: str
    words: str = ""
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class Setup:
    id: str
    label: str
    line: str
    install: Part
    variables: Part
    code: Part
    test: Part


STEPS = ("install", "variables", "code", "test")
IDS = ("python", "node", "opentelemetry", "litellm", "curl")


@dataclass(frozen=True, slots=True)
class Step:
    """What every way in does at the same place."""

    key: str
    ways: tuple[tuple[str, Part], ...]


class Guide:
    """Everything of `_setup.html`: the ways in, by step."""

    def __init__(self, asked: str = "", key: str = "") -> None:
        self.chosen, self.setups = chosen(asked), all_setups(key)

    @property
    def steps(self) -> list[Step]:
        return [Step(key, tuple((each.id, getattr(each, key)) for each in self.setups)) for key in STEPS]


def all_setups(key: str = "") -> list[Setup]:
    """With the key itself where it is at hand, else with the variable that holds it."""
    return [each(key) for each in (python, node, opentelemetry, litellm, curl)]


def exports(key: str, **more: str) -> tuple[Block, ...]:
    values = {"TOKENTRA_URL": absolute("/").rstrip("/"), "TOKENTRA_API_KEY": key or "tt_live_…"} | more
    text = "\n".join(f'export {name}="{value}"' for name, value in values.items())
    return (Block(text, "Copy variables", has_key=bool(key)),)


SCHEME = "Bearer"
CLIENTS = "OpenAI, Anthropic, Google, Mistral, Cohere, Bedrock and Pinecone"
VARIABLES = "In the shell that starts your program; in a .env file, without the word export."


def installing(kind: Kind, ways: dict[str, str]) -> Part:
    package = all_packages().get(kind)
    if package is None:
        return Part("Install the package", NOT_PACKED)
    url = absolute(package.path)
    words = f"{package.name} {package.version}, from this server: no registry is asked."
    blocks = tuple(Block(way.format(url=url), f"Copy {name} command", words=name) for name, way in ways.items())
    return Part("Install the package", words, blocks)


def checking(command: str) -> Part:
    return Part(
        "Run your program, or test without any model's key",
        "The test looks at key, address and clock, and sends one event that costs nothing.",
        (Block(command, "Copy test command"),),
    )


def python(key: str) -> Setup:
    return Setup(
        "python",
        "Python",
        "3.9 or newer",
        installing(Kind.PYTHON, {"pip": "python -m pip install {url}", "uv": "uv pip install {url}"}),
        Part("Set two variables", VARIABLES, exports(key)),
        Part(
            "Add two lines to your code",
            f"Calls of {CLIENTS} are reported from then on. attributes says for whom.",
            (Block(PYTHON, "Copy code", "python"),),
        ),
        checking("python -m tokentra_sdk check"),
    )


def node(key: str) -> Setup:
    return Setup(
        "node",
        "Node.js",
        "18 or newer",
        installing(Kind.NODE, {"npm": "npm install {url}", "yarn": "yarn add {url}"}),
        Part("Set two variables", VARIABLES, exports(key)),
        Part(
            "Wrap your client",
            f"wrap takes a client of {CLIENTS}. attributes says for whom.",
            (Block(NODE, "Copy code", "javascript"),),
        ),
        checking("npx @tokentra/sdk check"),
    )


def traces() -> str:
    return absolute("/v1/traces")


def test_span(key: str) -> Block:
    """A span of a test event by curl; the shell makes its ids and its time."""
    ids = "$(openssl rand -hex 16)", "$(openssl rand -hex 8)", "$(date +%s)", "$(date +%s)"
    return Block(
        f"curl {traces()} \\\n"
        f'  -H "Authorization: Bearer {key or FROM_ENVIRONMENT}" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d @- <<END\n{SPAN % ids}\nEND",
        "Copy test command",
        has_key=bool(key),
    )


def opentelemetry(key: str) -> Setup:
    shown = key or "tt_live_…"
    text = "\n".join(
        (
            f'export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="{traces()}"',
            f'export OTEL_EXPORTER_OTLP_TRACES_HEADERS="Authorization={SCHEME}%20{shown}"',
            'export OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="http/protobuf"',
        )
    )
    return Setup(
        "opentelemetry",
        "OpenTelemetry",
        "OTLP over HTTP",
        Part("Nothing to install", "Code that traces its model calls already has an exporter."),
        Part("Point the exporter here", VARIABLES, (Block(text, "Copy variables", has_key=bool(key)),)),
        Part("Nothing to change in your code", "The guide lists the attributes that say for whom a call was."),
        Part(
            "Run your program, or send a test span",
            "The span names no real model and costs nothing.",
            (test_span(key),),
        ),
    )


def litellm(key: str) -> Setup:
    shown = key or "tt_live_…"
    text = "\n".join(
        (
            'export OTEL_EXPORTER="otlp_http"',
            f'export OTEL_ENDPOINT="{traces()}"',
            f'export OTEL_HEADERS="Authorization={SCHEME} {shown}"',
        )
    )
    install = "python -m pip install opentelemetry-api opentelemetry-sdk opentelemetry-exporter-otlp"
    return Setup(
        "litellm",
        "LiteLLM",
        "its callback otel",
        Part(
            "Install what its callback needs",
            "From your own registry, beside LiteLLM.",
            (Block(install, "Copy pip command", words="pip"),),
        ),
        Part("Point the callback here", VARIABLES, (Block(text, "Copy variables", has_key=bool(key)),)),
        Part(
            "Turn the callback on",
            "In your code, or in the proxy's configuration.",
            (
                Block(LITELLM, "Copy code", "python", words="Python"),
                Block(LITELLM_PROXY, "Copy configuration", "yaml", words="Proxy"),
            ),
        ),
        Part(
            "Make a call through LiteLLM, or send a test span",
            "The span names no real model and costs nothing.",
            (test_span(key),),
        ),
    )


def curl(key: str) -> Setup:
    return Setup(
        "curl",
        "curl",
        "any HTTP client",
        Part("Nothing to install", "Every language can send an event."),
        Part("Keep the key in a variable", VARIABLES, exports(key)),
        Part(
            "Send one event for each model call",
            "This one says that gpt-4o-mini read 900 tokens and wrote 45, and counts as such a call.",
            (Block(snippets.send_event(key or FROM_ENVIRONMENT), "Copy command", has_key=bool(key)),),
        ),
        Part(
            "Send that one, or a test event",
            "The test event costs nothing.",
            (Block(snippets.send_test(key or FROM_ENVIRONMENT), "Copy test command", has_key=bool(key)),),
        ),
    )


def chosen(asked: str) -> str:
    return asked if asked in IDS else IDS[0]

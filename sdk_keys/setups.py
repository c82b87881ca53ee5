"""The ways in for a program: what to install, set, write and try. Every text works as it stands on this server."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from accounts.http import absolute
from sdk_keys import snippets
from sdk_keys.packages import NAMES, Kind, all_packages
from sdk_keys.setup_parts import UNKNOWN, VARIABLES, Block, Part, Setup
from sdk_keys.setup_traces import litellm, opentelemetry
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
NOT_PACKED = (
    "This installation was prepared without this package, so it cannot be installed from here. OpenTelemetry, LiteLLM "
    "and curl need none. Whoever runs TokenTra packs it with make build."
)
CLIENTS = "OpenAI, Anthropic, Google, Mistral, Cohere, Bedrock and Pinecone"
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
    values = {"TOKENTRA_URL": absolute("/").rstrip("/"), "TOKENTRA_API_KEY": key or UNKNOWN} | more
    text = "\n".join(f'export {name}="{value}"' for name, value in values.items())
    return (Block(text, "Copy variables", has_key=bool(key)),)


def installing(kind: Kind, ways: dict[str, str]) -> Part:
    package = all_packages().get(kind)
    if package is None:
        return Part("Install the package", NOT_PACKED)
    url = absolute(package.path)
    words = f"{package.name} {package.version}, from this server: no registry is asked."
    blocks = tuple(Block(way.format(url=url), f"Copy {name} command", words=name) for name, way in ways.items())
    return Part("Install the package", words, blocks)


def checking(*blocks: Block) -> Part:
    return Part(
        "Run your program, or test without any model's key",
        "The test looks at key, address and clock, and sends one event that costs nothing.",
        blocks,
    )


def yarn() -> str:
    """Its newer versions want a package named, and take it by http only from hosts that they are told of."""
    site = urlsplit(absolute("/"))
    is_plain = site.scheme == "http"
    add = f"yarn add {NAMES[Kind.NODE]}@{{url}}"
    return f"YARN_UNSAFE_HTTP_WHITELIST={site.hostname} {add}" if is_plain else add


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
        checking(Block("python -m tokentra_sdk check", "Copy test command")),
    )


def node(key: str) -> Setup:
    return Setup(
        "node",
        "Node.js",
        "18 or newer",
        installing(Kind.NODE, {"npm": "npm install {url}", "yarn": yarn()}),
        Part("Set two variables", VARIABLES, exports(key)),
        Part(
            "Wrap your client",
            f"wrap takes a client of {CLIENTS}. attributes says for whom.",
            (Block(NODE, "Copy code", "javascript"),),
        ),
        checking(
            Block("npx @tokentra/sdk check", "Copy npm test command", words="npm"),
            Block("yarn tokentra check", "Copy yarn test command", words="yarn"),
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

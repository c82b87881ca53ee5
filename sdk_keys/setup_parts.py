"""What a way in for a program is made of: four steps, each with words and texts to copy."""

from dataclasses import dataclass

VARIABLES = "In the shell that starts your program; in a .env file, without the word export."
UNKNOWN = "tt_live_…"  # where the key is not at hand


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

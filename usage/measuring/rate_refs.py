"""What a rate is called, kept short beside its event: most are the book's, for the model that the event names. Pure."""

BOOK, SHORT = "genai-prices@", "@"


def packed(ref: str, provider: str, model: str) -> str:
    """`genai-prices@0.2.3:openai/gpt-4o:2026-10-14` of that model is `@0.2.3::2026-10-14`."""
    if not ref.startswith(BOOK):
        return ref
    version, _, rest = ref.removeprefix(BOOK).partition(":")
    name = f"{provider}/{model}"
    if rest == name or rest.startswith(f"{name}:"):
        rest = rest.removeprefix(name)
    return f"{SHORT}{version}:{rest}"


def unpacked(short: str, provider: str, model: str) -> str:
    if not short.startswith(SHORT):
        return short
    version, _, rest = short.removeprefix(SHORT).partition(":")
    name = f"{provider}/{model}" if not rest or rest.startswith(":") else ""
    return f"{BOOK}{version}:{name}{rest}"

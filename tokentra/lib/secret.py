"""A secret that cannot leave by accident: it has to be revealed by name, in the two places that may."""

import re
from hmac import compare_digest
from typing import NoReturn

# What comes along when a key is copied from a page, a mail or a shell.
_INVISIBLE = re.compile(r"[\s\u00ad\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]+")
_WRAPPING = "\"'`\u201c\u201d\u2018\u2019"


class Secret:
    """Text that only `reveal()` gives back.

    Formatting, copying, pickling and hashing raise; `repr` says nothing, so that a debugger or a failed
    assertion shows nothing. Comparing takes the same time wherever two secrets begin to differ.
    """

    __slots__ = ("__value",)

    def __init__(self, value: str) -> None:
        self.__value = value

    @classmethod
    def pasted(cls, text: str) -> "Secret":
        """From a form or a prompt: without the white space, quotes and "Bearer" that copying brings along."""
        text = re.sub(r"(?i)^\s*(?:authorization:\s*)?bearer\s+", "", text)
        return cls(_INVISIBLE.sub("", text).strip(_WRAPPING))

    def reveal(self) -> str:
        """The text itself, for a header or for sealing; never for anything that is kept or shown."""
        return self.__value

    @property
    def last_four(self) -> str:
        """Enough to tell two keys apart; nothing of a text too short to spare four characters."""
        return self.__value[-4:] if len(self.__value) >= 16 else ""

    def __bool__(self) -> bool:
        return bool(self.__value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return compare_digest(self.__value.encode(errors="surrogatepass"), other.__value.encode(errors="surrogatepass"))

    def __repr__(self) -> str:
        return "<Secret>"

    def __str__(self) -> NoReturn:
        raise TypeError("a secret is not printed")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a secret is not formatted")

    def __hash__(self) -> NoReturn:
        raise TypeError("a secret is not hashed")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is neither copied nor pickled")

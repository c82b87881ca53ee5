"""Finds passages of the guide: words by their stems; a title counts more than a heading, a heading more than text."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from tokentra.guide.reading import Page, Part

TITLE, TITLE_LENT, HEADING, TEXT = 100, 20, 30, 3
MOST_TIMES = 4  # a word counts no more often than this in one text
MOST = 20
BEFORE, LONGEST = 60, 220  # characters of a passage
WORD = re.compile(r"\w+")
SMALL = frozenset(
    WORD.findall(
        "a an and are as at be by can do does for from get has have how i in is it its me my of on or our "
        "that the their there this to was what when where which who why will with you your"
    )
)
ENDINGS = ("ings", "ing", "ed", "es", "s", "e")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a passage; `is_hit` when it is what was looked for."""

    text: str
    is_hit: bool


@dataclass(frozen=True, slots=True)
class Found:
    page: Page
    part: Part
    heading: tuple[Piece, ...]
    passage: tuple[Piece, ...]

    @property
    def address(self) -> str:
        return self.page.address + (f"#{self.part.anchor}" if self.part.anchor else "")


def search(pages: Iterable[Page], query: str) -> list[Found]:
    """Parts that have all the words; when none has, those that have the most of them. Best first."""
    stems = stems_of(query)
    counted = [(*weigh(page, part, stems), page, part) for page in pages for part in page.parts]
    most = max((words for words, *_ in counted), default=0)
    if not most:
        return []
    best = [(weight, page, part) for words, weight, page, part in counted if words == most]
    best.sort(key=lambda each: -each[0])  # stable: the guide's own order among equals
    return [
        Found(page, part, tuple(marked(part.heading or page.title, stems)), tuple(marked(cut(part.text, stems), stems)))
        for _, page, part in best[:MOST]
    ]


def stems_of(query: str) -> tuple[str, ...]:
    """The words of a question without their endings; small words only when there are no others."""
    words = [word.lower() for word in WORD.findall(query)]
    telling = [word for word in words if word not in SMALL] or words
    return tuple(dict.fromkeys(stem(word) for word in telling))


def stem(word: str) -> str:
    for ending in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def weigh(page: Page, part: Part, stems: tuple[str, ...]) -> tuple[int, int]:
    """How many of the words this part has, and how much they weigh.

    A page's title speaks for its first part; for another one it counts beside words of its own.
    """
    is_first = not part.anchor
    found, own, lent = 0, 0, 0
    for each in stems:
        title, heading, text = times(page.title, each), times(part.heading, each), times(part.text, each)
        found += bool(title or heading or text)
        own += HEADING * heading + TEXT * text + (TITLE * title if is_first else 0)
        lent += 0 if is_first else TITLE_LENT * title
    return (found, own + lent) if own else (0, 0)


def times(text: str, stem: str) -> int:
    return min(sum(word.startswith(stem) for word in words_of(text)), MOST_TIMES)


@cache  # of the guide's own texts only, so as many as there are
def words_of(text: str) -> tuple[str, ...]:
    return tuple(WORD.findall(text.lower()))


def cut(text: str, stems: tuple[str, ...]) -> str:
    """The stretch around the first hit, in whole words."""
    hit = next((word.start() for word in WORD.finditer(text) if is_hit(word.group(), stems)), 0)
    start = max(0, hit - BEFORE)
    if start:
        start = text.rfind(" ", 0, start) + 1
    if len(text) - start <= LONGEST:
        return ("… " if start else "") + text[start:]
    end = text.rfind(" ", start, start + LONGEST)
    return ("… " if start else "") + text[start:end] + " …"


def marked(text: str, stems: tuple[str, ...]) -> Iterator[Piece]:
    at = 0
    for word in WORD.finditer(text):
        if is_hit(word.group(), stems):
            if word.start() > at:
                yield Piece(text[at : word.start()], False)
            yield Piece(word.group(), True)
            at = word.end()
    if at < len(text):
        yield Piece(text[at:], False)


def is_hit(word: str, stems: tuple[str, ...]) -> bool:
    return word.lower().startswith(stems)

"""The page of one kind of spender: headline figures, the table, and what belongs to nobody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property

from django.urls import reverse

from accounts.models import Organization
from accounts.plans import Feature
from tokentra.lib import money
from usage.cursors import Foreign
from usage.forms import Lens, Segment
from usage.measured import SummedTag
from usage.measuring import appearing
from usage.measuring.dimensions import dimension_of
from usage.names import Names, provider_name
from usage.spenders import growth, left_out, listing, runs, sparks, sums
from usage.spenders.growth import Growth
from usage.spenders.runs import RunCount
from usage.spenders.spans import Span
from usage.spenders.sparks import Spark
from usage.spenders.sums import Sums
from usage.spenders.words import WORDS, Word, href, short, word_of

ICONS = {"customer": "users", "agent": "robot"}
EXTRA = ("q", "sort", "after", "before")
LONGEST_SEARCH = 100


@dataclass(frozen=True)
class Row:
    """One value in the table."""

    sums: Sums
    name: str
    href: str
    providers: list[tuple[str, str]]
    tools: list[str]
    first_at: datetime | None
    spark: Spark | None = None
    runs: RunCount | None = None


class Spenders:
    """Everything that the page of a dimension says, read inside the organization's scope."""

    def __init__(self, organization: Organization, dimension: str, lens: Lens, span: Span) -> None:
        organization.require(Feature.EVERY_DIMENSION)
        self.organization, self.dimension, self.lens = organization, dimension, lens
        self.span = span.as_kept(dimension)
        self.days_note = "" if self.span is span else span.days_note
        self.names = Names(organization)
        self.search = self._said("q")[:LONGEST_SEARCH].strip()
        sort = self._said("sort")
        self.asked = listing.Asked(
            dimension, self.span, self.search, sort if listing.is_sort(sort) else listing.DEFAULT
        )

    def _said(self, name: str) -> str:
        return (self.lens.extra.get(name) or ("",))[0]

    @property
    def query(self) -> str:
        """The period alone, for other pages."""
        return self.lens.query(**dict.fromkeys(EXTRA, ""))

    @property
    def icon(self) -> str:
        return ICONS.get(self.dimension, "sitemap")

    @property
    def word(self) -> Word:
        return word_of(self.dimension)

    @cached_property
    def since(self) -> datetime | None:
        """The moment of the first call; None before there is one."""
        return growth.since(self.organization)

    @property
    def has_events(self) -> bool:
        return self.since is not None

    @cached_property
    def is_named(self) -> bool:
        """Whether any call ever said this dimension."""
        return self.has_events and (self.total.calls > 0 or sums.has_any(self.organization, self.dimension))

    @cached_property
    def totals(self) -> dict[str, Sums]:
        return sums.totals(self.organization, ("all", self.dimension), self.span)

    @property
    def total(self) -> Sums:
        """Of the calls that say this dimension, whatever is searched for."""
        return self.totals[self.dimension]

    @property
    def everything(self) -> Sums:
        return self.totals["all"]

    @property
    def unattributed(self) -> Sums:
        """What calls cost that do not say it."""
        return self.everything - self.total

    @property
    def unattributed_share(self) -> Decimal | None:
        """Of the cost; of the calls where nothing has one."""
        whole, rest = self.everything, self.unattributed
        if whole.cost:
            return rest.cost / whole.cost
        return Decimal(rest.calls) / whole.calls if whole.calls else None

    @property
    def unattributed_note(self) -> str:
        return left_out.note(self.unattributed)

    @property
    def unattributed_without_cost(self) -> str:
        return ", ".join(left_out.words(self.unattributed))

    @cached_property
    def number(self) -> int:
        """How many different ones there were."""
        if self.dimension == appearing.CUSTOMER and not self.span.by_hour:
            ends = {"start": self.span.first_day, "end": self.span.end_day}
            return appearing.unique(self.organization, appearing.CUSTOMER, **ends)
        return listing.count(self.organization, replace(self.asked, search=""))

    @property
    def average(self) -> Decimal | None:
        known = self.total.known
        return known / self.number if self.number and known is not None else None

    @cached_property
    def page(self) -> listing.Page:
        try:
            return listing.page(self.organization, self.asked, after=self._said("after"), before=self._said("before"))
        except Foreign:  # of another list, or written by hand: the first page
            return listing.page(self.organization, self.asked)

    @cached_property
    def rows(self) -> list[Row]:
        return self.rows_of(self.page.found, is_drawn=self.dimension == "agent")

    def rows_of(self, found: Sequence[Sums], *, is_drawn: bool = False) -> list[Row]:
        """With what else the page and the file say of each, asked for all of them at once."""
        names = [each.value for each in found]
        providers = sums.providers(self.organization, self.dimension, names, self.span) if self.has_models else {}
        tools = sums.tools(self.organization, self.dimension, names, self.span) if self.has_tools else {}
        first = sums.first_seen(self.organization, self.dimension, names)
        sparked = sparks.of_values(self.organization, self.dimension, names, self.span) if is_drawn else {}
        run_counts = runs.counts(self.organization, names, self.span) if self.dimension == "agent" else {}
        return [
            Row(
                each,
                self.names.given(self.dimension, each.value) or each.value,
                href(self.dimension, each.value, self.query),
                [(key, provider_name(key)) for key in providers.get(each.value, [])],
                tools.get(each.value, []),
                first.get(each.value),
                sparked.get(each.value),
                run_counts.get(each.value),
            )
            for each in found
        ]

    def _has(self, other: str) -> bool:
        return other in dimension_of(self.dimension).crossed_with

    @property
    def caption(self) -> str:
        return f"{self.word.many} with their figures"

    @property
    def has_models(self) -> bool:
        return self._has("model")

    @property
    def has_tools(self) -> bool:
        return self._has("tool")

    @property
    def tabs(self) -> list[Segment]:
        return tabs("measured")

    @property
    def dimensions(self) -> list[Segment]:
        return [
            Segment(short(word.many), f"{reverse('usage:measured', args=[name])}?{self.query}", name == self.dimension)
            for name, word in (WORDS | {tag.dimension: word_of(tag.dimension) for tag in self.tags}).items()
        ]

    @cached_property
    def tags(self) -> list[SummedTag]:
        return list(SummedTag.objects.owned_by(self.organization).order_by("name"))

    @property
    def unpriced_note(self) -> str:
        return left_out.note(self.total)

    @property
    def explore(self) -> str:
        """The same dimension in the usage table, by day."""
        return self.lens.query(**dict.fromkeys(EXTRA, ""), group=("day", self.dimension))

    @property
    def average_label(self) -> str:
        return f"Average per {self.word.one_within}"

    @property
    def teaching_title(self) -> str:
        return f"{self.word.many} will be here"

    @cached_property
    def count(self) -> int:
        return listing.count(self.organization, self.asked) if self.search else self.number

    @property
    def paging_line(self) -> str:
        words = self.word.one_within if self.count == 1 else self.word.many_within
        whole = f"{money.exact(self.count)} {words}"
        return whole if self.count <= len(self.page.found) else f"{len(self.page.found)} of {whole}"

    @property
    def next(self) -> str:
        return self._turn(after=self.page.after) if self.page.after else ""

    @property
    def previous(self) -> str:
        return self._turn(before=self.page.before) if self.page.before else ""

    def _turn(self, **cursor: str) -> str:
        return f"?{self.lens.query(**({'after': '', 'before': ''} | cursor))}"

    @property
    def clear_href(self) -> str:
        return f"?{self.lens.query(q='', after='', before='')}"

    @property
    def search_keeps(self) -> Mapping[str, str]:
        """Query fields that the search form carries along."""
        return dict(replace(self.lens, extra={"sort": (self.asked.sort,)}).pairs())

    @property
    def export(self) -> str:
        return self.lens.query(after="", before="")

    @cached_property
    def grown(self) -> Growth:
        return growth.of(self.organization, self.dimension, self.span, since=self.since)


def tabs(current: str) -> list[Segment]:
    """The two ways in which spend is attributed."""
    ways = {
        "rules": ("By rules", reverse("usage:attribution")),
        "measured": ("Measured", reverse("usage:measured", args=["customer"])),
    }
    return [Segment(label, address, name == current) for name, (label, address) in ways.items()]

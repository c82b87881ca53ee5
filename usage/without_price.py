"""What a period's figures leave out for want of a price: tokens of models, and units that calls used beside tokens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.utils.text import Truncator

from accounts.models import Organization
from usage import stats
from usage.figures import Figures
from usage.forms import Lens
from usage.ingest import overrides_of
from usage.names import NOTHING
from usage.own_price_effects import row_of
from usage.pricing import Pricer
from usage.reach_in_words import and_list
from usage.rows import Tokens

LONGEST = 40  # of a model's name in a sentence
MOMENT = timedelta(microseconds=1)
MOST = 20  # models that are read, and that one address names: those with the most


@dataclass(frozen=True)
class UnitsOf:
    """Calls of a model whose cost is that of their tokens, and which units have no price."""

    provider: str
    model: str
    calls: int
    units: Sequence[str]


def units_of(organization: Organization, by_model: Iterable[Figures], at: datetime) -> list[UnitsOf]:
    """Of figures by provider and model, those with such calls.

    Named are the units that have no price at this moment: where all have one, it came later, and all are named.
    """
    partly = [each for each in by_model if each.partly_priced]
    pricer = Pricer(overrides_of(organization.pk)) if partly else None
    found = []
    for each in partly:
        provider, model = each.keys["provider"], each.keys["model"]
        priced = getattr(pricer and pricer.rates(row_of(provider, model, Tokens(), at)), "per_unit", {})
        units = [name for name in each.units if name not in priced] or [*each.units]
        found.append(UnitsOf(provider, model, each.partly_priced, units))
    return sorted(found, key=lambda each: (-each.calls, each.model))


@dataclass(frozen=True)
class Models:
    """Those with the most of something, and how many have any of it."""

    first: list[str]
    number: int

    @property
    def in_words(self) -> str:
        return in_words(self.first, number=self.number)


@dataclass(frozen=True)
class WithoutPrice:
    """Of one lens; `total` is what it adds up to, `table` is the address of the table of usage."""

    organization: Organization
    lens: Lens
    total: Figures
    table: str

    @property
    def tokens(self) -> int:
        return self.total.unpriced_tokens

    @cached_property
    def models(self) -> Models:
        return self._models("-unpriced")

    @property
    def link(self) -> str:
        """Their rows."""
        return self._rows_of(self.models, "-tokens")

    @cached_property
    def units(self) -> list[UnitsOf]:
        if not self.total.partly_priced:
            return []
        question = self.lens.question("provider", "model", order="-partly")
        first = stats.groups(self.organization, question, limit=MOST)
        return units_of(self.organization, first, self.lens.period.end - MOMENT)

    @property
    def unit_calls(self) -> int:
        return self.total.partly_priced

    @property
    def units_in_words(self) -> str:
        return in_words(sorted({name for each in self.units for name in each.units}))

    @cached_property
    def models_of_units(self) -> Models:
        return self._models("-partly")

    @property
    def calls(self) -> int:
        """Of which no tokens are known."""
        return self.total.tokenless

    @cached_property
    def models_of_calls(self) -> Models:
        return self._models("-tokenless")

    @cached_property
    def calls_have_units(self) -> bool:
        """Whether a price of a unit may be theirs; else nobody knows what they used."""
        question = self.lens.question("provider", "model", order="-tokenless")
        return any(each.tokenless and each.units for each in stats.groups(self.organization, question, limit=MOST))

    @property
    def calls_link(self) -> str:
        return self._rows_of(self.models_of_calls, "-requests")

    @property
    def units_link(self) -> str:
        return self._rows_of(self.models_of_units, "-cost")

    def _models(self, order: str) -> Models:
        [(found, number)] = stats.ranked(self.organization, self.lens.question("model", order=order), most=MOST)
        return Models([name for each in found for name in each.keys], number)

    def _rows_of(self, models: Models, sort: str) -> str:
        """Nothing is a model that cannot be asked for."""
        named = tuple(name for name in models.first if name)
        lens = replace(self.lens, filters={**self.lens.filters, "model": named}) if named else self.lens
        return f"{self.table}?{lens.query(group='model', sort=sort, stack='')}"


def in_words(names: Iterable[str], *, number: int = 0) -> str:
    """`number` is how many there are, where not all of them are given."""
    shown = (Truncator(name or NOTHING["model"]).chars(LONGEST) for name in names)
    return and_list(shown, most=3, number=number)

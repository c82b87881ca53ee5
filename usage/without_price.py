"""What a period's figures leave out for want of a price: tokens of models, and units that calls used beside tokens."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.utils.text import Truncator

from accounts.models import Organization
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
MOST_LINKED = 20  # models that one address names


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
class WithoutPrice:
    """Of one lens; `by_model` are its figures by provider and model, `table` is the address of the table of usage."""

    organization: Organization
    lens: Lens
    by_model: Sequence[Figures]
    table: str

    @cached_property
    def tokens(self) -> int:
        return sum(each.unpriced_tokens for each in self.by_model)

    @cached_property
    def models(self) -> list[str]:
        """Those with such tokens, the ones with the most of them first."""
        found: Counter[str] = Counter()
        for each in self.by_model:
            found[each.keys["model"]] += each.unpriced_tokens
        return sorted((name for name in found if found[name]), key=lambda name: (-found[name], name))

    @property
    def models_in_words(self) -> str:
        return in_words(self.models)

    @property
    def link(self) -> str:
        """Their rows."""
        return self._rows_of(self.models, "-tokens")

    @cached_property
    def units(self) -> list[UnitsOf]:
        return units_of(self.organization, self.by_model, self.lens.period.end - MOMENT)

    @property
    def unit_calls(self) -> int:
        return sum(each.calls for each in self.units)

    @property
    def units_in_words(self) -> str:
        return in_words(sorted({name for each in self.units for name in each.units}))

    @property
    def models_of_units(self) -> str:
        return in_words(dict.fromkeys(each.model for each in self.units))

    @property
    def units_link(self) -> str:
        return self._rows_of([each.model for each in self.units], "-cost")

    def _rows_of(self, models: Iterable[str], sort: str) -> str:
        """Nothing is a model that cannot be asked for."""
        named = tuple(name for name in models if name)[:MOST_LINKED]
        lens = replace(self.lens, filters={**self.lens.filters, "model": named}) if named else self.lens
        return f"{self.table}?{lens.query(group='model', sort=sort, stack='')}"


def in_words(names: Iterable[str]) -> str:
    return and_list([Truncator(name or NOTHING["model"]).chars(LONGEST) for name in names], most=3)

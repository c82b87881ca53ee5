"""What an organization pays instead of the price book's rates: entered, listed, taken back, and what it does."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import AuditLine
from tokentra.lib.tenancy import organization_scope
from usage.measured import Event
from usage.measuring import tracking
from usage.models import PriceOverride

pytestmark = [pytest.mark.django_db, pytest.mark.worker]
READS = {"provider": "pinecone", "model": "shop", "units": {"read_unit": 5}}


def own_price(*words: str) -> str:
    said = StringIO()
    call_command("own_price", *words, stdout=said)
    return said.getvalue()


def told_of(organization, number: str) -> Event:
    tracking.forget()
    tracking.track(organization.pk, [READS | {"id": number}], key_id=None, now=timezone.now())
    with organization_scope(organization.pk):
        return Event.objects.owned_by(organization).latest("received_at")


def test_units_have_no_price_until_one_is_entered_and_again_when_it_is_taken_back(acme):
    words = ("--org", acme.slug, "--provider", "pinecone", "--rate", "unit:read_unit=0.000016", "--since", "2026-01-01")
    before = told_of(acme, "before")

    listed = own_price(*words)

    within = told_of(acme, "within")
    assert (before.amount, before.rate_ref) == (None, "no rate for the unit read_unit")
    assert within.amount == Decimal("0.00008")
    assert "pinecone every model from 2026-01-01, standard: unit:read_unit 0.000016" in listed
    assert own_price("--org", acme.slug, "--remove", listed.split()[0]) == ""
    assert told_of(acme, "after").amount is None
    with organization_scope(acme.pk):
        lines = AuditLine.objects.owned_by(acme).filter(action__startswith="price_").order_by("at")
        assert list(lines.values_list("action", flat=True)) == ["price_entered", "price_removed"]


def test_the_past_is_priced_anew_by_the_price_of_a_unit(acme):
    told_of(acme, "before")
    own_price(
        "--org", acme.slug, "--provider", "pinecone", "--rate", "unit:read_unit=0.000016", "--since", "2026-01-01"
    )

    call_command("reprice", "--org", acme.slug, stdout=StringIO())

    with organization_scope(acme.pk):
        assert Event.objects.owned_by(acme).get().amount == Decimal("0.00008")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--rate", "input=1", "--discount", "10"], "either rates or a discount"),
        ([], "either rates or a discount"),
        (["--rate", "inptu=1"], "There is no class inptu"),
        (["--rate", "unit:=1"], "There is no class unit:"),
        (["--rate", "input=-1"], "0 or more"),
        (["--rate", "input=NaN"], "0 or more"),
        (["--rate", "input"], "as input=1.25"),
        (["--discount", "101"], "from 0 to 100"),
        (["--rate", "input=1", "--until", "2026-01-01"], "ends before it begins"),
    ],
)
def test_what_is_no_price_is_refused_and_says_why(words, sentence, acme):
    with pytest.raises(CommandError, match=sentence):
        own_price("--org", acme.slug, "--provider", "openai", "--since", "2026-01-01", *words)

    with organization_scope(acme.pk):
        assert not PriceOverride.objects.exists()


def test_a_price_of_another_organization_is_not_there(acme, elsewhere):
    own_price("--org", elsewhere.slug, "--provider", "openai", "--discount", "10", "--since", "2026-01-01")
    with organization_scope(elsewhere.pk):
        theirs = PriceOverride.objects.get().pk

    assert own_price("--org", acme.slug) == ""
    with pytest.raises(CommandError, match="There is no price"):
        own_price("--org", acme.slug, "--remove", f"{theirs}")

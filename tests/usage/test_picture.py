"""The picture beside the sign-up form is drawn from the sample workspace, not from figures that somebody typed."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

from django.urls import reverse

from usage import demo
from usage.picture import picture
from usage.pricing import Pricer

TODAY = date(2026, 11, 20)


def test_its_total_is_the_storys_usage_by_the_price_book():
    pricer = Pricer()
    whole = demo.Stretch(date(2026, 8, 23), TODAY, datetime.combine(TODAY, time.min, UTC), last_day=TODAY)
    rows = [row for provider in demo.USAGE_ENDPOINT for row in demo.usage_of(provider, whole)]
    fortnight = [row for row in rows if date(2026, 11, 6) <= row.day < TODAY]

    assert picture(TODAY)["total"] == sum((pricer.price(row).amount or 0 for row in fortnight), Decimal(0))


def test_anybody_may_see_it(client, db):
    answer = client.get(reverse("usage:picture"))

    assert answer.status_code == 200
    assert "Sample data" in answer.content.decode()

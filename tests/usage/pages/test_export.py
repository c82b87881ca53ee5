"""GET /api/usage/export: the file is the page's rows in full, safe in a spreadsheet, and honest when it breaks."""

import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, connections
from django.http import StreamingHttpResponse

from accounts.models import Organization, User
from tests import make
from tests.conftest import Browser
from tests.usage.accounts_of import billed
from tests.usage.pages.accounts_read import DAY, MINI, NOW, openai, two_settled_days
from tokentra.lib.csv_cells import safe
from tokentra.lib.tenancy import name_within
from usage import asking, export, figures, stats
from usage.rows import Ledger

pytestmark = pytest.mark.django_db
BOTH = f"from={DAY}&to=2026-11-12"


def exported(browser: Browser, query: str = BOTH) -> str:
    answer = browser.get(f"/api/usage/export?{query}")
    assert answer.status_code == 200, answer.content
    assert isinstance(answer, StreamingHttpResponse)
    return b"".join(answer.streaming_content).decode()  # type: ignore[arg-type]  # a synchronous answer


def rows(text: str) -> list[dict[str, str]]:
    *lines, last = text.splitlines(keepends=True)
    read = list(csv.DictReader(io.StringIO("".join(lines))))
    assert last == f"# rows: {len(read)}\r\n"
    return read


def test_csv_has_a_row_for_each_group_and_their_count_last(acme: Organization, alices: Browser):
    two_settled_days(acme)

    read = rows(exported(alices))

    assert [(each["day"], each["model"], each["project_name"], each["cost_usd"]) for each in read] == [
        ("2026-11-10", "gpt-5-2025-08-07", "Search", "3.35"),
        ("2026-11-10", MINI, "Support", "0.25"),
        ("2026-11-11", "", "Support", "0.15"),
        ("2026-11-11", MINI, "Support", "0.25"),
    ]


def test_it_is_a_file_with_a_telling_name(acme: Organization, alices: Browser):
    answer = alices.get(f"/api/usage/export?{BOTH}")
    answer.close()

    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="tokentra-csv-2026-11-10-to-2026-11-11.csv"'
    assert answer["Cache-Control"] == "no-store"


def test_json_is_one_document_with_totals_and_its_count(acme: Organization, alices: Browser):
    two_settled_days(acme)

    document = json.loads(exported(alices, f"{BOTH}&format=json&groupBy=model"))

    assert document["rowCount"] == len(document["items"]) == 3
    assert document["totals"]["cost"] == "4.00"
    assert document["items"][1]["requests"] == 7


def test_an_empty_export_is_complete_too(acme: Organization, alices: Browser):
    assert json.loads(exported(alices, "format=json")) == {
        "items": [],
        "totals": json.loads(exported(alices, "format=json"))["totals"],
        "rowCount": 0,
    }
    assert rows(exported(alices)) == []


def test_focus_has_its_columns_and_one_row_a_currency(acme: Organization, alices: Browser):
    account = openai(acme)
    account.reads(Ledger.BILLED, billed("7.5", currency="EUR"), billed("1.5"), billed("-2", ""), start=DAY, days=1)

    read = rows(exported(alices, f"{BOTH}&format=focus"))

    assert sorted((each["BilledCost"], each["BillingCurrency"], each["ChargeCategory"]) for each in read) == [
        ("-2.00", "USD", "Credit"),
        ("1.50", "USD", "Usage"),
        ("7.50", "EUR", "Usage"),
    ]
    assert {each["ChargePeriodStart"] for each in read} == {"2026-11-10T00:00:00Z"}
    assert {each["BillingPeriodEnd"] for each in read} == {"2026-12-01T00:00:00Z"}


def test_p4_ninety_days_of_rows_add_up_to_the_totals(acme: Organization, alices: Browser, subtests: pytest.Subtests):
    make.story(acme, NOW)
    whole = "from=2026-08-23&to=2026-11-21"
    totals = alices.get(f"/api/usage/stats?{whole}").json()["totals"]

    for format, column in (("csv", "cost_usd"), ("focus", "BilledCost")):
        with subtests.test(format):
            read = rows(exported(alices, f"{whole}&format={format}"))

            assert sum(Decimal(each[column]) for each in read) == Decimal(totals["cost"])
            assert len(read) > 900


def test_it_has_the_order_and_the_filters_of_its_page(acme: Organization, alices: Browser):
    two_settled_days(acme)

    read = rows(exported(alices, f"{BOTH}&groupBy=day,model&sort=-cost&filter[project]=proj_a"))

    assert [each["cost_usd"] for each in read] == ["0.25", "0.25", "0.15"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "#"])
def test_b43_no_cell_is_taken_for_a_formula(start: str):
    assert safe(f"{start}1+1") == f"'{start}1+1"


def test_b43_names_are_text_in_the_file_and_on_the_page(acme: Organization, alices: Browser):
    account = openai(acme)
    account.reads(Ledger.BILLED, billed("1", "=cmd|'/C calc'!A0", project="p"), billed("-3", "x"), start=DAY, days=1)
    account.is_called("project", {"p": "<script>alert(1)</script>"})

    read = {each["model"]: each for each in rows(exported(alices))}
    page = alices.get(f"/usage/?from={DAY}&to={DAY}").content.decode()

    assert read["'=cmd|'/C calc'!A0"]["project_name"] == "<script>alert(1)</script>"
    assert read["x"]["cost_usd"] == "-3.00"  # a number of ours stays a number
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("format", ["csv", "json", "focus"])
def test_b18_an_export_that_breaks_says_so_at_its_end(
    acme: Organization, alice: User, monkeypatch: pytest.MonkeyPatch, format: str
):
    two_settled_days(acme)
    whole = export.whole(asked(format=format))
    real = stats.groups

    def breaks_at_the_second(*args: Any, **kwargs: Any) -> Iterator[figures.Figures]:
        yield next(real(*args, **kwargs))
        raise ConnectionError("gone")

    monkeypatch.setattr(stats, "groups", breaks_at_the_second)
    text = "".join(export.stream(acme, alice.pk, whole))

    if format == "json":
        document = json.loads(text)
        assert (document["rowCount"], document["error"]["code"]) == (1, "export_stopped")
        assert len(document["items"]) == 1
    else:
        *_, error, last = text.splitlines()
        assert error == "# error: The export stopped early and is not complete. Ask for it again."
        assert last == "# rows: 1"


def test_b18_it_reads_in_a_scope_of_its_own_after_the_request(acme: Organization, alice: User):
    two_settled_days(acme)

    lines = export.stream(acme, alice.pk, export.whole(asked()))
    next(lines)

    assert len(list(lines)) == 5


def asked(**more: str) -> asking.Asked:
    from django.http import QueryDict

    query = QueryDict(mutable=True)
    query.update({"from": str(DAY), "to": "2026-11-12", **more})
    return asking.read(query, asking.EXPORT, NOW)


def test_b64_one_export_runs_for_each_member(acme: Organization, alice: User, bob: User, alices: Browser):
    two_settled_days(acme)

    with HeldElsewhere(name_within(acme.pk, "export", alice.pk)):
        refused = alices.get(f"/api/usage/export?{BOTH}")
        bobs = exported(Browser(bob))

    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "export_running")
    assert refused["Retry-After"] == "10"
    assert len(rows(bobs)) == 4
    assert len(rows(exported(alices))) == 4


class HeldElsewhere:
    """Another process holds the member's lock."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __enter__(self) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [self.name])

    def __exit__(self, *_: object) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [self.name])


def test_the_link_needs_the_session(acme: Organization, mallorys: Browser):
    two_settled_days(acme)

    assert Browser().get(f"/api/usage/export?{BOTH}").status_code == 401
    assert rows(exported(mallorys)) == []


def test_a_wrong_question_is_refused_before_the_file_begins(acme: Organization, alices: Browser):
    answer = alices.get("/api/usage/export?format=xlsx&limit=5")

    assert answer.status_code == 422
    assert answer.json()["error"]["fields"].keys() == {"limit"}
    assert connection.is_usable()

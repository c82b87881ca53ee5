"""A span that repeats what those below it tell is kept as a parent and counts nowhere, in whatever order they come."""

import itertools
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from tests.product import wait_for
from tests.usage.measuring.otlp.conftest import SECOND, TRACE, chat, span
from tests.usage.measuring.test_adding_up import assert_true_to_its_events
from tests.usage.measuring.test_kinds import somebody_waits
from tests.usage.measuring.test_large_counts import near_the_edge
from tests.usage.measuring.test_repricing import NOBODY_KNOWS, own_price, reprice
from tests.usage.measuring.test_rezoning import all_steps, move_to
from tokentra.lib.tenancy import organization_scope
from usage.discarded import Discard
from usage.measured import Event, MeasuredDay, Run
from usage.measuring import appearing, rebuilding, tracking
from usage.measuring.otlp import families
from usage.measuring.otlp.calls import Calls
from usage.measuring.otlp.spans import from_json
from usage.spenders import runs

# An agent with the usage of its two calls, the second made by a step in between that is no call itself.
AGENT = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "planner"}
STEP = {"traceloop.span.kind": "task"}
TOOL = {"gen_ai.operation.name": "execute_tool"}
FAMILY = {
    "agent": chat(1, put=300, got=30, attributes=AGENT),
    "first": chat(2, below=1, put=100, got=10),
    "step": span(3, STEP, below=1),
    "second": chat(4, below=3, put=200, got=20),
}


def numbers(acme, **those):
    with organization_scope(acme.pk):
        return sorted(int(kept.ref[-16:], 16) for kept in Event.objects.filter(**those))


def calls(acme):
    with organization_scope(acme.pk):
        return sum(row.calls for row in MeasuredDay.objects.filter(dimension="all"))


def test_b38_in_one_request_only_the_lowest_count(acme, export):
    assert export(*FAMILY.values()).status_code == 200

    assert (numbers(acme), numbers(acme, is_parent=True), calls(acme)) == ([1, 2, 4], [1], 2)
    assert_true_to_its_events(acme)


IN_ORDER = [order for order in itertools.permutations(FAMILY) if order.index("step") > order.index("second")]


@pytest.mark.parametrize("order", IN_ORDER, ids="-".join)
def test_b38_each_in_a_request_of_its_own_comes_to_the_same(order, acme, export):
    for name in order:
        assert export(FAMILY[name]).status_code == 200

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 2)
    assert_true_to_its_events(acme)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


def test_b38_hours_are_right_while_another_zone_is_still_to_make_quarters_of_them(acme, alice, export):
    export(FAMILY["agent"])
    assert calls(acme) == 1
    move_to(acme, "Asia/Kolkata", by=alice)

    export(FAMILY["first"])

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 1)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


def test_b38_hours_are_right_where_another_zone_has_made_quarters_of_them_unknown_to_the_process(
    acme, alice, export, monkeypatch
):
    monkeypatch.setattr(tracking, "KNOWN_FOR", 600)
    export(FAMILY["agent"])
    move_to(acme, "Asia/Kolkata", by=alice, is_known=False)
    all_steps(acme)

    export(FAMILY["first"])

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 1)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


def test_b38_a_parent_leaves_a_full_sum_as_what_its_events_come_to(acme, export):
    export(FAMILY["agent"], chat(9, attributes=AGENT, trace="1" * 32))
    assert calls(acme) == 2
    near_the_edge(acme)

    export(FAMILY["first"])

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 2)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


ANOTHER_RUN = {"tokentra.run": "another"}


def unique_runs(acme):
    """As many as are counted over all days."""
    with organization_scope(acme.pk):
        names = {run.run for run in Run.objects.owned_by(acme)}
        assert appearing.unique(acme, appearing.RUN, start=date(1970, 1, 1), end=date(9999, 1, 1)) == len(names)
    return names


def test_a_run_whose_only_call_turns_out_to_repeat_another_is_none(acme, export):
    assert export(chat(1, put=300, got=30)).status_code == 200
    assert unique_runs(acme) == {TRACE}

    assert export(chat(2, below=1, put=100, got=10, attributes=ANOTHER_RUN)).status_code == 200

    assert unique_runs(acme) == {"another"}
    assert_true_to_its_events(acme)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


def test_a_run_of_parents_alone_is_none(acme, export):
    assert (
        export(chat(1, put=300, got=30), chat(2, below=1, put=100, got=10, attributes=ANOTHER_RUN)).status_code == 200
    )

    assert unique_runs(acme) == {"another"}
    assert_true_to_its_events(acme)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


@pytest.mark.parametrize("is_one", [True, False], ids=["in one request", "one by one"])
def test_a_day_of_parents_alone_is_one_of_its_run_or_not(is_one, acme, export):
    above, below, beside = chat(1, put=300, got=30), chat(2, below=1, put=100, got=10), chat(3)
    spans = [days_ago(2, above), days_ago(1, beside), days_ago(1, below)]
    for sent in [spans] if is_one else [[each] for each in spans]:
        assert export(*sent).status_code == 200
        assert calls(acme)

    assert numbers(acme, is_parent=True) == [1]
    with organization_scope(acme.pk):
        assert len(Run.objects.owned_by(acme).get().days) == (1 if is_one else 2)
    assert_true_to_its_events(acme)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


def begun(at, span):
    began = int(at.timestamp()) * SECOND
    return span | {"startTimeUnixNano": str(began), "endTimeUnixNano": str(began + SECOND)}


def test_a_run_is_found_on_its_day_though_it_holds_an_earlier_beginning(acme, alice, export):
    move_to(acme, "America/Los_Angeles", by=alice)
    all_steps(acme)
    early = (datetime.now(UTC) - timedelta(days=5)).replace(hour=5)
    late = early.replace(hour=16) + timedelta(days=1)
    above, below, beside = chat(1, put=300, got=30), chat(2, below=1, put=100, got=10), chat(3)
    for sent in (begun(early, above), begun(late, beside), begun(late, below)):
        assert export(sent).status_code == 200
        assert calls(acme)
    days = [early.date() - timedelta(days=1), late.date()]
    with organization_scope(acme.pk):
        assert Run.objects.owned_by(acme).get().days == days

    move_to(acme, "Asia/Tokyo", by=alice)
    all_steps(acme)

    with organization_scope(acme.pk):
        run = Run.objects.owned_by(acme).get()
        assert (run.started_at.date(), run.days) == (early.date(), [late.date() + timedelta(days=1)])
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk), fix=True)) == []
    assert unique_runs(acme) == {TRACE}
    assert_true_to_its_events(acme)


def test_a_name_that_is_empty_leaves_what_a_span_above_says(acme, export):
    above = {"customer.id": "acme", "tokentra.team": "search", "tokentra.agent": "planner"}
    empty = {"customer.id": "", "tokentra.team": "", "metadata": json.dumps({"agent": "", "run_id": ""})}

    assert export(span(1, above), chat(2, below=1, attributes=empty)).status_code == 200

    with organization_scope(acme.pk):
        kept = Event.objects.owned_by(acme).get()
        assert (kept.customer, kept.team, kept.agent, kept.run) == ("acme", "search", "planner", TRACE)


def silent(number, **more):
    """A call that tells no usage, as a stream that was not asked for it."""
    said = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-4o-mini"}
    return span(number, said, **more)


def failed(number, **more):
    return silent(number, status={"code": 2}, **more)


def zero(number, **more):
    return chat(number, put=0, got=0, **more)


LINES = {
    "a silent one": ([chat(1), silent(2, below=1)], []),
    "one that failed": ([chat(1), failed(2, below=1)], []),
    "one that used nothing": ([chat(1), zero(2, below=1)], []),
    "two silent ones": ([chat(1), silent(2, below=1), failed(3, below=2)], []),
    "a silent one between": ([chat(1), silent(2, below=1), chat(3, below=2)], [1, 2]),
    "two silent ones between": ([chat(1), silent(2, below=1), failed(3, below=2), chat(4, below=3)], [1, 2, 3]),
    "silent ones around": ([silent(1), chat(2, below=1), silent(3, below=2)], [1]),
    "one of two beside each other": ([chat(1), silent(2, below=1), chat(3, below=1)], [1]),
    "over steps": (
        [chat(1), span(2, STEP, below=1), silent(3, below=2), span(4, STEP, below=3), chat(5, below=4)],
        [1, 3],
    ),
    "silent over steps": ([chat(1), span(2, STEP, below=1), silent(3, below=2), span(4, STEP, below=3)], []),
}


def ways_to_send(spans):
    """One by one in each order in which no step comes before what is below it, in two requests, all at once, again."""
    steps = [each for each in spans if each["attributes"][0]["key"] == "traceloop.span.kind"]

    def leads(requests):
        places = {each["spanId"]: place for place, request in enumerate(requests) for each in request}
        below = {each.get("parentSpanId"): each["spanId"] for each in spans}
        return all(places[step["spanId"]] >= places[below.get(step["spanId"], step["spanId"])] for step in steps)

    one_by_one = [[[each] for each in order] for order in itertools.permutations(spans)]
    in_two = [
        [[*some], [each for each in spans if each not in some]]
        for most in range(1, len(spans))
        for some in itertools.combinations(spans, most)
    ]
    at_once = [[spans], [spans[::-1]], [spans, spans], *([spans, *again] for again in one_by_one[:1])]
    return [way for way in (*one_by_one, *in_two, *at_once) if leads(way)]


def assert_sent_in_any_way(line, acme, export):
    spans, parents = LINES[line]
    ways = ways_to_send(spans)

    for number, way in enumerate(ways, 1):
        for request in way:
            assert export(*(each | {"traceId": f"{number:032x}"} for each in request)).status_code == 200

    told = {int(each["spanId"], 16) for each in spans if len(each["attributes"]) > 1}
    with organization_scope(acme.pk):
        for number, way in enumerate(ways, 1):
            trace = {"ref__startswith": f"{number:032x}"}
            assert numbers(acme, is_parent=True, **trace) == parents, way
            assert numbers(acme, is_parent=None, **trace) == sorted(told - {*parents}), way
    assert_true_to_its_events(acme)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


@pytest.mark.parametrize("line", LINES)
def test_b38_only_who_tells_usage_makes_a_parent_of_who_is_above(line, acme, export):
    assert_sent_in_any_way(line, acme, export)


@pytest.mark.parametrize("top", [STEP, TOOL], ids=["nobody", "a tool"])
def test_b38_a_call_waits_no_longer_once_nobody_above_it_can_come(top, acme, export):
    export(chat(3, below=2))
    export(span(2, STEP, below=1))

    assert export(span(1, top)).status_code == 200

    with organization_scope(acme.pk):
        assert Event.objects.get().above is None


def test_b38_it_is_found_over_any_number_of_steps_between(acme, export):
    for each in (chat(5, below=4), span(4, STEP, below=3), span(3, STEP, below=2), span(2, STEP, below=1), chat(1)):
        export(each)

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 1)
    assert_true_to_its_events(acme)


def days_ago(days, span):
    times = ("startTimeUnixNano", "endTimeUnixNano")
    return span | {name: str(int(span[name]) - days * 24 * 3600 * SECOND) for name in times}


def test_b38_a_step_leads_on_by_itself_however_long_ago_it_was(acme, export):
    for each in (chat(3, below=2), span(2, STEP, below=1), chat(1)):
        export(days_ago(5, each))

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 1)
    assert_true_to_its_events(acme)


NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("starts", "first"),
    [
        ([], date(2026, 6, 29)),
        ([0], date(2026, 6, 29)),
        ([NOON.timestamp() * SECOND, (NOON.timestamp() - 5 * 86400) * SECOND, 0], date(2026, 6, 24)),
        ([1], date(2026, 5, 30)),
        ([-(10**400)], date(2026, 5, 30)),
        ([10**400], date(2026, 6, 29)),
    ],
    ids=["no span", "untold", "five days ago", "in 1970", "before any calendar", "after any calendar"],
)
def test_families_are_looked_for_on_days_of_which_events_can_be_told(starts, first):
    told = [span(number, STEP, startTimeUnixNano=int(start)) for number, start in enumerate(starts, 1)]

    assert families.span_of(told_of(*told), NOON) == (first, date(2026, 7, 1))


def body_of(*spans):
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}).encode()


def told_of(*spans):
    return Calls(from_json(body_of(*spans))).told.values()


class Counted(dict):
    """Counts how often something is taken out of it."""

    taken = 0

    def __getitem__(self, key):
        self.taken += 1
        return super().__getitem__(key)


@pytest.mark.parametrize("is_one", [True, False], ids=["in one request", "the steps after the calls"])
def test_the_way_up_is_walked_once_for_all_who_are_below_it(is_one, acme):
    steps = [span(number, STEP, below=number + 1) for number in range(1, 501)]
    below = [chat(number, below=1) for number in range(1001, 1301)]
    above = chat(501)
    requests = [[*steps, *below, above]] if is_one else [below, [*steps, above]]

    for spans in requests:
        found = Calls(from_json(body_of(*spans)))
        nodes = Counted()
        tracking.track(
            acme.pk,
            found.events(),
            key_id=None,
            now=datetime.now(UTC),
            families=families.Families(acme.pk, found.told.values(), nodes=nodes),
        )

    assert nodes.taken < 3 * len(nodes)
    assert (numbers(acme, is_parent=True), calls(acme)) == ([501], 300)


def test_b38_b32_sending_all_of_it_again_changes_nothing(acme, export):
    for _ in range(2):
        for spans in (["agent"], ["second", "step"], ["first", "agent"]):
            export(*(FAMILY[name] for name in spans))

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 2)
    assert_true_to_its_events(acme)


def test_b38_a_group_that_only_a_parent_was_in_is_gone(acme, export):
    export(chat(1, attributes={"gen_ai.provider.name": "crewai", "gen_ai.response.model": "gpt-4o", "user.id": "u"}))
    export(chat(2, below=1))

    assert_true_to_its_events(acme)
    with organization_scope(acme.pk):
        assert not MeasuredDay.objects.filter(value="crewai/gpt-4o").exists()


def test_b38_every_one_above_is_a_parent(acme, export):
    export(chat(3, below=2))
    export(chat(1))
    export(chat(2, below=1))

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1, 2], 1)


def test_what_a_tool_does_is_no_part_of_the_call_that_asked_for_it(acme, export):
    export(chat(3, below=2), span(2, TOOL, below=1), chat(1))

    assert (numbers(acme, is_parent=True), calls(acme)) == ([], 2)


@pytest.mark.parametrize("said", [True, "true"])
def test_b38_a_span_that_is_said_to_be_a_total_counts_nowhere(said, acme, export):
    export(chat(1), chat(2), chat(3, put=200, got=20, attributes={"tokentra.is_total": said}))

    assert (numbers(acme, is_parent=True), calls(acme)) == ([3], 2)
    assert_true_to_its_events(acme)


def test_b31_what_repeats_others_is_priced_later_and_counts_nowhere(acme, export):
    model = {"gen_ai.response.model": NOBODY_KNOWS}
    export(chat(1, put=300, attributes=AGENT | model), chat(2, below=1, put=300, attributes=model))
    own_price(acme, "1")

    [change] = reprice(acme)

    assert change.rows == 1
    with organization_scope(acme.pk):
        assert not Event.objects.filter(amount=None).exists()
    assert_true_to_its_events(acme)


def test_the_same_span_in_another_trace_is_another(acme, export):
    export(chat(1), chat(2, below=1, trace="f" * 32))

    assert (numbers(acme, is_parent=True), calls(acme)) == ([], 2)


def test_spans_that_are_above_one_another_end(acme, export):
    export(span(1, STEP, below=2), span(2, STEP, below=1), chat(3, below=1), chat(4, below=4), chat(5, below=2))

    assert (numbers(acme, is_parent=True), calls(acme)) == ([], 3)


def test_another_organizations_spans_are_not_there(acme, elsewhere, export, send):
    send({"id": f"{TRACE}{1:016x}", "provider": "openai", "model": "gpt-4o", "tokens": {"input": 1}}, to=elsewhere)
    export(chat(2, below=1))

    with organization_scope(elsewhere.pk):
        assert [kept.is_parent for kept in Event.objects.all()] == [None]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most", [families.MOST_TRACES, 6], ids=["each is locked", "one request locks all"])
def test_b38_sent_at_the_same_moment_it_comes_to_the_same(most, acme, export, monkeypatch):
    monkeypatch.setattr(families, "MOST_TRACES", most)
    told = [
        [chat(1, trace=trace, put=300, attributes=AGENT), chat(2, below=1, trace=trace), chat(3, below=2, trace=trace)]
        for trace in (f"{number:032x}" for number in range(1, 13))
    ]
    agents, *others = zip(*told, strict=True)

    def tell(requests):
        try:
            return [export(*spans).status_code for spans in requests]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as writers:
        answers = list(writers.map(tell, [[agents], *([[span] for span in spans] for spans in others)]))

    assert {status for each in answers for status in each} == {200}
    assert calls(acme) == 12
    assert_true_to_its_events(acme)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most", [(1, 1), (0, 1), (1, 0), (0, 0)], ids=["each", "all, each", "each, all", "all"])
def test_requests_that_tell_of_one_trace_follow_one_another(most, acme, export, monkeypatch):
    def tell_of_a_call():
        try:
            return export(chat(2, below=1, put=300)).status_code
        finally:
            connections.close_all()

    def know_its_kind():
        return export(chat(9, trace="f" * 32)).status_code  # so that what comes next is sent in one exchange

    with ThreadPoolExecutor(1) as writers:
        assert writers.submit(know_its_kind).result() == 200
        with organization_scope(acme.pk, up_to_date=False):
            monkeypatch.setattr(families, "MOST_TRACES", most[0])
            export(chat(1, put=300, attributes=AGENT))
            monkeypatch.setattr(families, "MOST_TRACES", most[1])
            call = writers.submit(tell_of_a_call)
            wait_for(somebody_waits, 20, "the second waits for the first")
            text = waiting_text()
        assert call.result() == 200

    assert text.startswith("PREPARE tt_")
    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 2)


def waiting_text():
    """What whoever waits has sent."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        [(text,)] = cursor.fetchall()
    return text


@pytest.mark.django_db(transaction=True)
def test_requests_that_tell_of_different_traces_go_beside_each_other(acme, export):
    def tell_of_another():
        try:
            return export(chat(2, trace="f" * 32)).status_code
        finally:
            connections.close_all()

    export(chat(9))  # so that its kind is known
    with ThreadPoolExecutor(1) as writers, organization_scope(acme.pk, up_to_date=False):
        export(chat(1))
        assert writers.submit(tell_of_another).result(20) == 200


@pytest.mark.django_db(transaction=True)
def test_an_export_is_one_transaction_with_none_inside(acme, export):
    export(chat(2, below=1))  # which waits for the next one, so that this looks at more than itself
    with CaptureQueriesContext(connection) as asked:
        assert export(chat(1)).status_code == 200

    texts = [each["sql"] for each in asked]
    assert [text for text in texts if "SAVEPOINT" in text] == []
    assert [text for text in texts if "app.org_id" in text] != []


@pytest.mark.parametrize("order", [IN_ORDER[0], IN_ORDER[-1]], ids="-".join)
def test_a_run_of_spans_is_a_tree_whatever_lies_between(order, acme, export):
    began = {"startTimeUnixNano": str(int(FAMILY["second"]["startTimeUnixNano"]) - SECOND)}  # before all below it
    for name in order:
        export(FAMILY[name] | (began if name == "agent" else {}))

    with organization_scope(acme.pk):
        nodes = runs.OneRun(acme, runs.one(acme, TRACE)).nodes
    assert sorted((int(node.call.ref[-16:], 16), node.depth, node.below) for node in nodes) == [
        (1, 0, 2),
        (2, 1, 0),
        (4, 1, 0),
    ]


# Outside of a transaction, as in a web process: what nothing stands in the way of is stored in one exchange.


@pytest.mark.django_db(transaction=True)
def test_b38_orders_outside_of_a_transaction_come_to_the_same(acme, export):
    for number, order in enumerate(IN_ORDER, 1):
        for name in order:
            assert export(FAMILY[name] | {"traceId": f"{number:032x}"}).status_code == 200

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1] * len(IN_ORDER), 2 * len(IN_ORDER))
    assert_true_to_its_events(acme)
    assert list(rebuilding.compare(acme.pk, rebuilding.days_of(acme.pk))) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("line", LINES)
def test_b38_outside_of_a_transaction_only_who_tells_usage_makes_a_parent(line, acme, export):
    assert_sent_in_any_way(line, acme, export)


def at_once(export, *spans):
    """Whether they are stored without a scope of the organization, in which more than one question is asked."""
    with CaptureQueriesContext(connection) as asked:
        assert export(*spans).status_code == 200
    return [each for each in asked if "app.org_id" in each["sql"]] == []


@pytest.mark.django_db(transaction=True)
def test_spans_that_nothing_held_belongs_to_are_stored_in_one_exchange(acme, export, monkeypatch):
    monkeypatch.setattr(tracking, "KNOWN_FOR", 600)
    export(*FAMILY.values())  # so that their kinds are known
    agent, first, step, second = ({**each, "traceId": "1" * 32} for each in FAMILY.values())

    assert [at_once(export, first), at_once(export, second, step), at_once(export, agent)] == [True, True, False]
    assert (numbers(acme, is_parent=True), calls(acme)) == ([1, 1], 4)
    assert at_once(export, *({**each, "traceId": "2" * 32} for each in FAMILY.values()))
    assert (numbers(acme, is_parent=True), calls(acme)) == ([1, 1, 1], 6)
    agent, first, step, second = ({**each, "traceId": "3" * 32} for each in FAMILY.values())
    assert [at_once(export, second), at_once(export, step, first)] == [True, False]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.org_id', true), current_setting('plan_cache_mode')")
        assert cursor.fetchone() == ("", "auto")
    with organization_scope(acme.pk):
        assert Discard.objects.get(reason="not_a_model_call").count == 4


@pytest.mark.django_db(transaction=True)
def test_a_call_below_one_that_counts_is_not_stored_without_taking_that_back(acme, export, monkeypatch):
    monkeypatch.setattr(tracking, "KNOWN_FOR", 600)
    export(*FAMILY.values())
    agent, first, *_ = ({**each, "traceId": "1" * 32} for each in FAMILY.values())

    assert [at_once(export, agent), at_once(export, first)] == [True, False]
    assert (numbers(acme, is_parent=True), calls(acme)) == ([1, 1], 3)
    assert_true_to_its_events(acme)


@pytest.mark.django_db(transaction=True)
def test_b32_spans_sent_again_outside_of_a_transaction_change_nothing(acme, export):
    for _ in range(2):
        export(*FAMILY.values())

    assert (numbers(acme, is_parent=True), calls(acme)) == ([1], 2)
    assert_true_to_its_events(acme)

"""Calls of Pinecone's real clients, to a server on this machine that answers as Pinecone does."""

import asyncio

import pinecone
import pytest

from tokentra_sdk import attributes

VECTOR = [0.5, 0.25]


@pytest.fixture
def client(sdk, models):
    return sdk.wrap(pinecone.Pinecone(api_key="none", host=models.url))


@pytest.fixture
def index(client, models):
    return client.index(host=models.url)


def test_reads_are_told_in_units(index, sent):
    answer = index.query(vector=VECTOR, top_k=3)
    index.fetch(ids=["The secret"])

    events = sent()
    assert answer.usage.read_units == 5
    assert [(event["operation"], event["units"], event["requestId"]) for event in events] == [
        ("query", {"read_unit": 5}, "p-1"),
        ("fetch", {"read_unit": 1}, "p-1"),
    ]
    assert {(event["provider"], event["model"]) for event in events} == {("pinecone", "127.0.0.1")}
    assert all("tokens" not in event for event in events)
    assert "secret" not in repr(events)


def test_writes_say_that_their_units_are_missing_where_the_answer_does_not_tell(index, one):
    answer = index.upsert(vectors=[("a", VECTOR)])

    assert answer.upserted_count == 1
    assert (one()["operation"], one()["usageSource"], one()["tokens"]) == ("upsert", "missing", {})


def test_units_are_read_as_they_are_told():
    from tokentra_sdk.families.pinecone import used

    assert used({"usage": {"write_units": 6}}).units == {"write_unit": 6}
    assert used({"usage": {"read_units": 0.25, "rerank_units": 1}}).units == {"read_unit": 0.25, "rerank_unit": 1}
    assert used({"usage": {"read_units": -1}}).units == {}


def test_models_that_embed_and_rerank_are_told(client, sent):
    client.inference.embed(model="llama-text-embed-v2", inputs=["The secret"], parameters={"input_type": "query"})
    client.inference.rerank(model="bge-reranker-v2-m3", query="The secret", documents=["The secret"])

    embedded, reranked = sent()
    assert (embedded["model"], embedded["operation"], embedded["tokens"]) == (
        "llama-text-embed-v2", "embeddings", {"input": 8})  # fmt: skip
    assert (reranked["model"], reranked["units"]) == ("bge-reranker-v2-m3", {"rerank_unit": 1})


def test_queries_in_threads_of_the_client_are_for_whom_they_are_here(index, sent):
    with attributes(customer_id="globex"):
        found = index.query_namespaces(vector=VECTOR, namespaces=["a", "b", "c"], metric="cosine", top_k=3)

    assert found.usage.read_units == 15
    assert [(event["units"], event["customerId"]) for event in sent()] == [({"read_unit": 5}, "globex")] * 3


def test_asynchronous_calls_are_told_alike(sdk, models, sent):
    async def calls():
        client = sdk.wrap(pinecone.AsyncPinecone(api_key="none", host=models.url))
        index = await client.index(host=models.url)
        async with index:
            await index.query(vector=VECTOR, top_k=3)
            with attributes(customer_id="globex"):
                await index.query_namespaces(vector=VECTOR, namespaces=["a", "b"], metric="cosine", top_k=3)
        await client.close()

    asyncio.run(calls())

    assert [event["units"] for event in sent()] == [{"read_unit": 5}] * 3
    assert [event.get("customerId") for event in sent()] == [None, "globex", "globex"]


def test_an_error_reaches_the_program_and_is_told_by_its_kind(index, one):
    with pytest.raises(pinecone.PineconeError):
        index.query(vector=VECTOR, top_k=999)

    assert one()["status"] == "error"
    assert "secret" not in repr(one())


class Channel:
    """In the place of what speaks to a server by gRPC: answers as its own does."""

    def query(self, top_k, **_):
        return {"matches": [], "namespace": "", "usage": {"read_units": 5}}

    def upsert(self, *_, **__):
        return {"upserted_count": 1}


def test_by_grpc_reads_are_told_in_units_too_and_for_whom_they_are_here(sdk, models, sent, tokentra):
    from pinecone.grpc import GrpcIndex

    index = sdk.wrap(GrpcIndex(host=models.url, api_key="none", secure=False))
    index._channel = Channel()
    index.query(vector=VECTOR, top_k=3)
    with attributes(customer_id="globex"):
        later = index.query_async(vector=VECTOR, top_k=3)
    assert later.result().usage.read_units == 5
    index.upsert(vectors=[("a", VECTOR)])

    sdk.flush(10.0)
    tokentra.wait(3)  # what comes later is told by a thread of its own, after its result is here
    events = sorted(sent(), key=lambda event: (event["operation"], event.get("customerId") or ""))
    assert [(event["operation"], event.get("units"), event.get("customerId")) for event in events] == [
        ("query", {"read_unit": 5}, None),
        ("query", {"read_unit": 5}, "globex"),
        ("upsert", None, None),
    ]
    assert events[2]["usageSource"] == "missing"


def test_an_answer_that_has_every_name_stays_as_it_is(sdk, models, one):
    """As those of version 7 have."""

    class Answer:
        def __getattr__(self, name):
            return None

    answer = Answer()
    index = pinecone.Index(host=models.url, api_key="none")
    index.query = lambda **_: answer

    assert sdk.wrap(index).query(vector=VECTOR) is answer
    assert vars(answer) == {}
    assert one()["usageSource"] == "missing"


def test_an_index_has_the_name_that_its_address_begins_with(sdk):
    index = sdk.wrap(pinecone.Index(host="https://shop-abc123.svc.aped-1.pinecone.io", api_key="none"))

    [begin] = [cell.cell_contents for cell in index.query.__closure__ if hasattr(cell.cell_contents, "args")]
    assert begin.args[-1] == "shop-abc123"

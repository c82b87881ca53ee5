"""Calls of the real clients go to another model where a rule says so, and as they were asked for in every other case."""

import asyncio
import os
import threading
import time

import anthropic
import openai
import pytest

from tokentra_sdk import TokenTra, attributes, routing

KEY = "tt_test_generated"
QUESTION = [{"role": "user", "content": "The secret question"}]


def rule(use_model="gpt-4o-mini", **other):
    return {"feature": "chat", "provider": "openai", "model": "gpt-4o", "useModel": use_model, **other}


@pytest.fixture
def sdk(sdk, tokentra, tmp_path):
    """One that has read its rules."""
    tokentra.rules = [rule(), rule("gone", feature="gone"), rule("old", feature="old"), rule("broken", feature="picky")]
    tokentra.rules.append(rule("claude-haiku-4-5", provider="anthropic", model="claude-sonnet-4-5"))
    made = TokenTra(KEY, tokentra.url, every=0.02, spool_directory=tmp_path / "routed", timeout=5.0, routing=True)
    assert made.routing.looked.wait(10)
    yield made
    made.close(2.0)


@pytest.fixture
def client(sdk, models):
    return sdk.wrap(openai.OpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0))


def ask(client, feature="chat", **more):
    with attributes(feature=feature):
        return client.chat.completions.create(**{"model": "gpt-4o", "messages": QUESTION, **more})


def asked(models):
    return [body["model"] for _, body, _ in models.asked]


def test_a_call_of_the_feature_goes_to_the_other_model_and_says_from_which(client, models, one):
    answer = ask(client)

    event = one()
    assert asked(models) == ["gpt-4o-mini"]
    assert answer.model == event["model"] == "gpt-4o-mini-2026-01-01"
    assert event["tags"] == {"routed_from": "gpt-4o"}


def test_a_stream_is_routed_with_its_usage(client, models, one):
    list(ask(client, stream=True))

    assert asked(models) == ["gpt-4o-mini"]
    assert (one()["usageSource"], one()["tags"]) == ("reported", {"routed_from": "gpt-4o"})


def test_an_asynchronous_call_and_stream_are_routed(sdk, models, sent):
    async def both():
        async with openai.AsyncOpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0) as made:
            client = sdk.wrap(made)
            with attributes(feature="chat"):
                await client.chat.completions.create(model="gpt-4o", messages=QUESTION)
                async for _ in await client.chat.completions.create(model="gpt-4o", messages=QUESTION, stream=True):
                    pass

    asyncio.run(both())

    assert asked(models) == ["gpt-4o-mini", "gpt-4o-mini"]
    assert [event["tags"] for event in sent()] == [{"routed_from": "gpt-4o"}] * 2


def test_anthropics_client_follows_too(sdk, models, one):
    client = sdk.wrap(anthropic.Anthropic(api_key="none", base_url=models.url, max_retries=0), provider="anthropic")
    with attributes(feature="chat"):
        client.messages.create(model="claude-sonnet-4-5-20250929", max_tokens=9, messages=QUESTION)

    assert asked(models) == ["claude-haiku-4-5"]
    assert one()["tags"] == {"routed_from": "claude-sonnet-4-5-20250929"}


@pytest.mark.parametrize(
    "more", [{"feature": "other"}, {"model": "gpt-4o-audio"}, {"extra_body": {"model": "gpt-4.1"}}]
)
def test_what_no_rule_is_about_stays(client, models, one, more):
    ask(client, **more)

    assert asked(models) == [more.get("extra_body", more).get("model", "gpt-4o")]
    assert "tags" not in one()


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_refused_is_asked_once_and_the_call_goes_as_it_was(client, models, sent, stream):
    for _ in range(2):
        answer = ask(client, feature="gone", stream=stream)
        list(answer)

    assert asked(models) == ["gone", "gpt-4o", "gpt-4o"]
    assert [(event["model"], event["usageSource"], event.get("tags")) for event in sent()] == [
        ("gpt-4o-2026-01-01", "reported", None)
    ] * 2


def test_what_the_other_model_does_not_take_is_asked_as_it_was(client, models, one):
    ask(client, feature="picky")

    assert asked(models) == ["broken", "gpt-4o"]
    assert (one()["status"], one().get("tags")) == ("ok", None)


def test_an_error_of_the_program_stays_its_own_and_is_told_once(client, models, one, tokentra, sdk):
    tokentra.rules.append(rule("gone", model="broken"))
    sdk.routing.look()

    with pytest.raises(openai.BadRequestError):
        ask(client, model="broken")

    assert asked(models) == ["gone", "broken"]
    assert (one()["status"], one()["model"]) == ("error", "broken")


def test_a_rule_that_is_off_is_followed_no_more_and_what_did_not_change_is_not_sent_again(
    client, models, tokentra, sdk
):
    sdk.routing.look()
    assert tokentra.asked_rules[0] == ""
    assert tokentra.asked_rules[1] != ""
    tokentra.rules.clear()
    ask(client)
    sdk.routing.look()
    ask(client)

    assert asked(models) == ["gpt-4o-mini", "gpt-4o"]


def test_rules_outlast_a_tokentra_that_is_away_for_ten_minutes(client, models, sdk, monkeypatch):
    monkeypatch.setattr(routing.opener, "open", unreachable)
    sdk.routing.look()
    ask(client)
    now = time.monotonic()
    monkeypatch.setattr(routing.time, "monotonic", lambda: now + 601)
    sdk.routing.look()
    ask(client)

    assert asked(models) == ["gpt-4o-mini", "gpt-4o"]


def unreachable(*_, **__):
    raise OSError


def test_nothing_waits_for_rules_and_without_opting_in_nobody_reads_them(sdk, tokentra, models, tmp_path, monkeypatch):
    before, go = len(tokentra.asked_rules), threading.Event()
    assert TokenTra(KEY, tokentra.url, spool_directory=tmp_path / "other").routing is None
    monkeypatch.setattr(routing.opener, "open", lambda *_, **__: go.wait(20) and unreachable())
    monkeypatch.setenv("TOKENTRA_ROUTING", "1")
    slow = TokenTra(KEY, tokentra.url, spool_directory=tmp_path / "slow")

    ask(slow.wrap(openai.OpenAI(api_key="none", base_url=f"{models.url}/v1", max_retries=0)))

    assert not slow.routing.looked.is_set()
    assert asked(models) == ["gpt-4o"]
    go.set()
    slow.close()
    assert len(tokentra.asked_rules) == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_forked_process_reads_rules_of_its_own(sdk, tokentra):
    before = len(tokentra.asked_rules)
    child = os.fork()
    if not child:
        sdk.routing.looked.clear()
        sdk.routing.key_of("chat", "openai", "gpt-4o")
        os._exit(0 if sdk.routing.looked.wait(10) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(tokentra.asked_rules) == before + 1

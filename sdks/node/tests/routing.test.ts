// Calls go to another model where a rule says so, and as they were asked for in every other case.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { attributes, TokenTra } from "../src/index.js";
import { openaiAnswers } from "./answers.js";
import { type ModelServer, modelServer } from "./model_server.js";
import { type Door, tokentra } from "./tokentra_server.js";

const messages = [{ role: "user" as const, content: "The secret question" }];
const rule = { feature: "chat", provider: "openai", model: "gpt-4o", useModel: "gpt-4o-mini" };
let models: ModelServer;
let door: Door;
let tt: TokenTra;

before(async () => {
  models = await modelServer((asked) =>
    asked.body?.model === "gone" ? { json: { error: { code: "model_not_found" } }, status: 404 } : openaiAnswers(asked),
  );
});
after(() => models.close());
beforeEach(async (context) => {
  door = await tokentra();
  door.rules = [
    rule,
    { ...rule, feature: "gone", useModel: "gone" },
    { ...rule, feature: "picky", useModel: "broken" },
  ];
  door.rules.push({ ...rule, provider: "anthropic", model: "claude-sonnet-4-5", useModel: "claude-haiku-4-5" });
  tt = new TokenTra({ apiKey: "key", url: door.url, spool: false, flushEveryMs: 5, routing: true });
  await tt.routing?.looked;
  models.asked.length = 0;
  (context as { after?: (act: () => unknown) => void }).after?.(() => door.close());
});

async function ask(feature: string, streamed = false, model = "gpt-4o", by = tt) {
  const client = by.wrap(new OpenAI({ apiKey: "none", baseURL: `${models.url}/v1`, maxRetries: 0 }));
  return await attributes({ feature }, async () => {
    if (!streamed) return await client.chat.completions.create({ model, messages });
    for await (const _ of await client.chat.completions.create({ model, messages, stream: true }));
    return undefined;
  });
}

const asked = () => models.asked.map((each) => each.body.model);

for (const streamed of [false, true]) {
  test(`a call goes to the other model and says from which, streamed: ${streamed}`, async () => {
    await ask("chat", streamed);
    const [event] = await door.received(1);

    assert.deepEqual(asked(), ["gpt-4o-mini"]);
    assert.match(event?.model ?? "", /^gpt-4o-mini/);
    assert.equal(event?.usageSource, "reported");
    assert.deepEqual(event?.tags, { routed_from: "gpt-4o" });
  });

  test(`a model that is not there is asked once and the call goes as it was, streamed: ${streamed}`, async () => {
    await ask("gone", streamed);
    await ask("gone", streamed);
    const events = await door.received(2);

    assert.deepEqual(asked(), ["gone", "gpt-4o", "gpt-4o"]);
    for (const event of events) {
      assert.match(event.model, /^gpt-4o/);
      assert.equal(event.usageSource, "reported");
      assert.equal(event.tags, undefined);
    }
  });
}

test("a dated model is its model, and another feature's calls stay", async () => {
  await ask("chat", false, "gpt-4o-2024-08-06");
  await ask("other");

  assert.deepEqual(asked(), ["gpt-4o-mini", "gpt-4o"]);
});

test("what the other model does not take is asked as it was", async () => {
  const answer = await ask("picky");

  assert.ok(answer?.choices[0]);
  assert.deepEqual(asked(), ["broken", "gpt-4o"]);
  assert.equal((await door.received(1))[0]?.tags, undefined);
});

test("Anthropic's client follows too", async () => {
  const client = tt.wrap(new Anthropic({ apiKey: "none", baseURL: models.url, maxRetries: 0 }), {
    provider: "anthropic",
  });
  const call = () => client.messages.create({ model: "claude-sonnet-4-5", max_tokens: 9, messages });
  await attributes({ feature: "chat" }, call).catch(() => undefined);

  assert.equal(asked()[0], "claude-haiku-4-5");
});

test("a rule that is off is followed no more, and what did not change is not sent again", async () => {
  await tt.routing?.look();
  assert.equal(door.askedRules[0], "");
  assert.notEqual(door.askedRules[1], "");
  door.rules = [];
  await ask("chat");
  await tt.routing?.look();
  await ask("chat");

  assert.deepEqual(asked(), ["gpt-4o-mini", "gpt-4o"]);
});

test("rules outlast a TokenTra that is away for ten minutes", async () => {
  await door.close();
  await tt.routing?.look();
  await ask("chat");
  await tt.routing?.look(Date.now() + 601_000);
  await ask("chat");

  assert.deepEqual(asked(), ["gpt-4o-mini", "gpt-4o"]);
});

test("nobody reads rules who did not opt in, and nothing waits for them", async () => {
  const count = door.askedRules.length;
  const off = new TokenTra({ apiKey: "another", url: door.url, spool: false, flushEveryMs: 5 });
  await ask("chat", false, "gpt-4o", off);
  const away = new TokenTra({
    apiKey: "third",
    url: "http://127.0.0.1:1",
    spool: false,
    routing: true,
    warn: () => {},
  });
  await ask("chat", false, "gpt-4o", away);

  assert.equal(off.routing, undefined);
  assert.equal(door.askedRules.length, count);
  assert.deepEqual(asked(), ["gpt-4o", "gpt-4o"]);
});

// Anthropic's clients, as they are installed, against a model server on this machine.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { AnthropicBedrock } from "@anthropic-ai/bedrock-sdk";
import Anthropic from "@anthropic-ai/sdk";
import { AnthropicVertex } from "@anthropic-ai/vertex-sdk";
import { TokenTra } from "../src/index.js";
import { ANSWER, anthropicAnswers } from "./answers.js";
import { type ModelServer, modelServer } from "./model_server.js";
import { type Door, tokentra } from "./tokentra_server.js";

const asked = {
  model: "claude-haiku-4-5",
  max_tokens: 100,
  messages: [{ role: "user" as const, content: "The secret question" }],
};
const TOKENS = { input: 600, cacheRead: 300, cacheWrite5m: 100, cacheWrite1h: 70, output: 50, reasoning: 20 };
let models: ModelServer;
let door: Door;
let tt: TokenTra;

before(async () => {
  models = await modelServer(anthropicAnswers);
});
after(async () => {
  await models.close();
  await door.close();
});
beforeEach(async () => {
  await door?.close();
  door = await tokentra();
  tt = new TokenTra({ apiKey: "key", url: door.url, spool: false, flushEveryMs: 5 });
});

function client(): Anthropic {
  return tt.wrap(new Anthropic({ apiKey: "none", baseURL: models.url, maxRetries: 0 }));
}

async function only() {
  const [event, ...more] = await door.received(1);
  await tt.flush();
  assert.equal(more.length, 0);
  assert.equal(door.events.length, 1);
  assert.ok(event);
  return event;
}

test("a message is an event with disjoint tokens, caches by their time", async () => {
  const answer = await client().messages.create(asked);
  const event = await only();

  assert.equal(answer.content[0]?.type === "text" && answer.content[0].text, ANSWER);
  assert.deepEqual(event.tokens, TOKENS);
  assert.deepEqual(event.units, { web_search: 2 });
  assert.deepEqual(
    [event.provider, event.model, event.operation, event.serviceTier, event.requestId],
    ["anthropic", "claude-haiku-4-5-20251001", "chat", "default", "msg_1"],
  );
  assert.doesNotMatch(JSON.stringify(event), /secret/);
});

test("without their time, cached tokens are those of five minutes", async () => {
  await client().messages.create({ ...asked, model: "older" });

  assert.deepEqual((await only()).tokens, { input: 600, cacheRead: 300, cacheWrite5m: 170, output: 50 });
});

test("a stream is counted by what its last event says", async () => {
  const stream = await client().messages.create({ ...asked, stream: true });
  let text = "";
  for await (const event of stream) {
    if (event.type === "content_block_delta" && event.delta.type === "text_delta") text += event.delta.text;
  }
  const event = await only();

  assert.equal(text, ANSWER);
  assert.deepEqual(event.tokens, TOKENS);
  assert.deepEqual([event.streaming, event.usageSource], [true, "reported"]);
});

test("the helper for streams works and is counted once", async () => {
  const stream = client().messages.stream(asked);
  let text = "";
  stream.on("text", (piece) => {
    text += piece;
  });
  const final = await stream.finalMessage();

  assert.equal(text, ANSWER);
  assert.equal(final.usage.output_tokens, 50);
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("of a stream that is left early is known what went in, and its usage is missing", async () => {
  const stream = await client().messages.create({ ...asked, stream: true });
  for await (const event of stream) if (event.type === "content_block_delta") break;
  const event = await only();

  assert.deepEqual([event.status, event.usageSource], ["cancelled", "missing"]);
  assert.deepEqual(event.tokens, { ...TOKENS, output: 1, reasoning: 1 });
});

test("a stream that is left after it told its usage is a whole call", async () => {
  const stream = await client().messages.create({ ...asked, stream: true });
  for await (const event of stream) if (event.type === "message_delta") break;
  const event = await only();

  assert.deepEqual([event.status, event.usageSource, event.tokens], ["ok", "reported", TOKENS]);
});

test("a beta message is counted as well", async () => {
  await client().beta.messages.create(asked);

  assert.deepEqual((await only()).tokens, TOKENS);
});

test("promises keep their helpers", async () => {
  const { data, response, request_id } = await client().messages.create(asked).withResponse();

  assert.equal(data.id, "msg_1");
  assert.equal(response.status, 200);
  assert.equal(request_id, "req_1");
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("counting tokens is no use of a model", async () => {
  const counted = await client().messages.countTokens(asked);
  await tt.flush();

  assert.equal(counted.input_tokens, 9);
  assert.equal(tt.stats().recorded, 0);
});

test("a call that fails throws what it always threw", async () => {
  const failing = client().messages.create({ ...asked, model: "broken" });

  await assert.rejects(failing, (error) => error instanceof Anthropic.BadRequestError);
  const event = await only();
  assert.deepEqual([event.status, event.errorCode, event.model], ["error", "400 BadRequestError", "broken"]);
});

test("results of a batch are counted once by their own id and time, however often they are read", async () => {
  const anthropic = client();
  for (const _ of [1, 2]) {
    const ids: string[] = [];
    for await (const result of await anthropic.messages.batches.results("msgbatch_1")) ids.push(result.custom_id);
    assert.deepEqual(ids, ["first", "second", "failed"]);
  }
  const events = await door.received(2);
  await tt.flush();

  assert.equal(door.events.length, 2);
  assert.deepEqual(
    events.map(({ id, occurredAt, serviceTier, latencyMs }) => ({ id, occurredAt, serviceTier, latencyMs })),
    ["msg_first", "msg_second"].map((id) => ({
      id,
      occurredAt: "2026-01-31T10:00:00.000Z",
      serviceTier: "batch",
      latencyMs: undefined,
    })),
  );
  assert.deepEqual(events[0]?.tokens, TOKENS);
});

test("on Bedrock the model that was asked for is told, whole and streamed", async () => {
  const bedrock = tt.wrap(
    new AnthropicBedrock({ baseURL: models.url, awsAccessKey: "none", awsSecretKey: "none", awsRegion: "us-east-1" }),
  );
  const model = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
  await bedrock.messages.create({ ...asked, model });
  for await (const _ of await bedrock.messages.create({ ...asked, model, stream: true }));
  const events = await door.received(2);

  assert.deepEqual(
    events.map(({ provider, model, tokens, streaming }) => [provider, model, tokens, streaming]),
    [
      ["aws", model, TOKENS, undefined],
      ["aws", model, TOKENS, true],
    ],
  );
});

test("on Vertex the model that was asked for is told, whole and streamed", async () => {
  const authClient = { getRequestHeaders: async () => new Headers({ authorization: "Bearer none" }), projectId: "p" };
  const vertex = tt.wrap(
    new AnthropicVertex({ baseURL: models.url, region: "us-east5", projectId: "p", authClient: authClient as never }),
  );
  const model = "claude-haiku-4-5@20251001";
  await vertex.messages.create({ ...asked, model });
  for await (const _ of await vertex.messages.create({ ...asked, model, stream: true }));
  const events = await door.received(2);

  assert.deepEqual(
    events.map(({ provider, model, tokens }) => [provider, model, tokens]),
    [
      ["google", model, TOKENS],
      ["google", model, TOKENS],
    ],
  );
});

// OpenAI's client, as it is installed, against a model server on this machine.
import assert from "node:assert/strict";
import { File } from "node:buffer";
import { after, before, beforeEach, test } from "node:test";
import OpenAI, { APIPromise, AzureOpenAI } from "openai";
import { attributes, setCustomerId, TokenTra } from "../src/index.js";
import { ANSWER, openaiAnswers } from "./answers.js";
import { type ModelServer, modelServer } from "./model_server.js";
import { type Door, tokentra } from "./tokentra_server.js";

const messages = [{ role: "user" as const, content: "The secret question" }];
const TOKENS = { input: 600, cacheRead: 400, output: 50, reasoning: 20 };
let models: ModelServer;
let door: Door;
let tt: TokenTra;

before(async () => {
  Object.assign(globalThis, { File }); // which Node 18 has elsewhere
  models = await modelServer(openaiAnswers);
});
after(() => models.close());
beforeEach(async (context) => {
  door = await tokentra();
  tt = new TokenTra({ apiKey: "key", url: door.url, spool: false, flushEveryMs: 5 });
  models.asked.length = 0;
  (context as { after?: (act: () => unknown) => void }).after?.(() => door.close());
});

function client(): OpenAI {
  return tt.wrap(new OpenAI({ apiKey: "none", baseURL: `${models.url}/v1`, maxRetries: 0 }));
}

async function only() {
  const [event, ...more] = await door.received(1);
  assert.equal(more.length, 0);
  assert.ok(event);
  return event;
}

test("a chat is an event with disjoint tokens", async () => {
  const answer = await client().chat.completions.create({ model: "gpt-4o-mini", messages });
  const event = await only();

  assert.equal(answer.choices[0]?.message.content, ANSWER);
  assert.deepEqual(event.tokens, TOKENS);
  assert.equal(event.provider, "openai");
  assert.equal(event.model, "gpt-4o-mini-2024-07-18");
  assert.equal(event.operation, "chat");
  assert.equal(event.status, "ok");
  assert.equal(event.usageSource, "reported");
  assert.equal(event.requestId, "chatcmpl-1");
  assert.equal(event.serviceTier, "default");
  assert.match(event.id, /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  assert.ok(Math.abs(Date.parse(event.occurredAt) - Date.now()) < 60_000);
  assert.ok((event.latencyMs ?? -1) >= 0);
});

test("nothing of what was asked or answered is sent", async () => {
  await client().chat.completions.create({ model: "gpt-4o-mini", messages });
  const event = await only();

  assert.doesNotMatch(JSON.stringify(event), /secret/);
});

test("the client stays what it was, helpers of its promises included", async () => {
  const openai = client();
  const asked = openai.chat.completions.create({ model: "gpt-4o-mini", messages });
  const { data, response, request_id } = await asked.withResponse();

  assert.ok(openai instanceof OpenAI);
  assert.ok(asked instanceof APIPromise);
  assert.equal(data.choices[0]?.message.content, ANSWER);
  assert.equal(response.status, 200);
  assert.equal(request_id, "req_1");
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("the bare response can be read by whoever asks for it, and is counted", async () => {
  const response = await client().chat.completions.create({ model: "gpt-4o-mini", messages }).asResponse();
  const answer = (await response.json()) as { id: string };

  assert.equal(answer.id, "chatcmpl-1");
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("a stream is asked for its usage, and the user sees nothing of that", async () => {
  const stream = await client().chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const event = await only();

  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), ANSWER);
  assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !("usage" in chunk)));
  assert.deepEqual(models.asked[0]?.body.stream_options, { include_usage: true });
  assert.deepEqual(event.tokens, TOKENS);
  assert.equal(event.streaming, true);
  assert.ok((event.timeToFirstTokenMs ?? -1) >= 0);
});

test("who asked for the usage of a stream gets it", async () => {
  const more = { stream: true as const, stream_options: { include_usage: true } };
  const stream = await client().chat.completions.create({ model: "gpt-4o-mini", messages, ...more });
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);

  assert.equal(chunks.at(-1)?.usage?.prompt_tokens, 1000);
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("a service that does not know the question is asked again without it, and never asked it again", async () => {
  const openai = client();
  for (const _ of [1, 2]) {
    const asked = openai.chat.completions.create({ model: "knows-no-usage", messages, stream: true });
    const { data: stream, response } = await asked.withResponse();
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    assert.equal(text, ANSWER);
    assert.equal(response.status, 200);
  }
  const events = await door.received(2);

  assert.deepEqual(
    models.asked.map(({ body }) => body.stream_options !== undefined),
    [true, false, false],
  );
  assert.deepEqual(
    events.map(({ usageSource, status, tokens }) => [usageSource, status, tokens]),
    [
      ["missing", "ok", {}],
      ["missing", "ok", {}],
    ],
  );
});

test("a stream may be split, and is counted once", async () => {
  const stream = await client().chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
  const texts = await Promise.all(
    stream.tee().map(async (half) => {
      let text = "";
      for await (const chunk of half) text += chunk.choices[0]?.delta.content ?? "";
      return text;
    }),
  );

  assert.deepEqual(texts, [ANSWER, ANSWER]);
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("a stream may be passed on as bytes", async () => {
  const stream = await client().chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
  const text = await new Response(stream.toReadableStream()).text();

  assert.match(text, /secret/);
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("a stream that is left early is a cancelled call whose usage is missing", async () => {
  const stream = await client().chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
  for await (const _ of stream) break;
  const event = await only();

  assert.deepEqual([event.status, event.usageSource, event.tokens], ["cancelled", "missing", undefined]);
  assert.ok(stream.controller.signal.aborted);
});

test("a stream that is aborted is a cancelled call", async () => {
  const stream = await client().chat.completions.create({ model: "gpt-4o-mini", messages, stream: true });
  for await (const _ of stream) stream.controller.abort();

  assert.equal((await only()).status, "cancelled");
});

test("a stream that breaks is an error, which the user gets as it is", async () => {
  const stream = await client().chat.completions.create({ model: "breaks", messages, stream: true });

  await assert.rejects(async () => {
    for await (const _ of stream);
  });
  assert.equal((await only()).status, "error");
});

test("the helper for streams works and is counted once", async () => {
  const stream = client().chat.completions.stream({ model: "gpt-4o-mini", messages });
  const pieces: string[] = [];
  stream.on("content", (piece) => pieces.push(piece));

  assert.equal(await stream.finalContent(), ANSWER);
  assert.equal(pieces.join(""), ANSWER);
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("the helper that parses works and is counted once", async () => {
  const answer = await client().chat.completions.parse({ model: "gpt-4o-mini", messages });

  assert.equal(answer.choices[0]?.message.parsed, null);
  assert.deepEqual((await only()).tokens, TOKENS);
});

test("a call that fails throws what it always threw, and is an error that used nothing", async () => {
  const asked = client().chat.completions.create({ model: "broken", messages });

  await assert.rejects(asked, (error) => error instanceof OpenAI.BadRequestError && error.status === 400);
  const event = await only();
  assert.deepEqual([event.status, event.errorCode, event.model], ["error", "400 invalid_value", "broken"]);
  assert.equal(event.tokens, undefined);
  assert.doesNotMatch(JSON.stringify(event), /no such/);
});

test("timeouts and aborts are told apart from errors", async () => {
  const slow = { model: "hangs", messages };
  await assert.rejects(client().chat.completions.create(slow, { timeout: 300 }));
  const signal = AbortSignal.timeout(300);
  await assert.rejects(client().chat.completions.create(slow, { signal }));
  const events = await door.received(2);

  assert.deepEqual(
    events.map(({ status }) => status),
    ["timeout", "cancelled"],
  );
});

test("a call that nobody waits for is no event before it was made", async () => {
  const asked = client().chat.completions.create({ model: "gpt-4o-mini", messages });
  await asked.then(() => undefined);
  await asked;

  await only();
});

test("responses are counted, with their tools", async () => {
  const answer = await client().responses.create({ model: "gpt-4o-mini", input: "The secret question" });
  const event = await only();

  assert.equal(answer.output_text, ANSWER);
  assert.deepEqual(event.tokens, TOKENS);
  assert.deepEqual(event.units, { web_search: 1 });
  assert.equal(event.operation, "responses");
  assert.equal(event.requestId, "resp_1");
});

test("a stream of a response is counted by its end", async () => {
  const stream = await client().responses.create({ model: "gpt-4o-mini", input: "…", stream: true });
  const types = [];
  for await (const event of stream) types.push(event.type);

  assert.deepEqual(types, ["response.created", "response.output_text.delta", "response.completed"]);
  const event = await only();
  assert.deepEqual(event.tokens, TOKENS);
  assert.equal(event.streaming, true);
});

test("a response in the background is counted when it is done, once, however often it is fetched", async () => {
  const openai = client();
  await openai.responses.create({ model: "gpt-4o-mini", input: "…", background: true });
  for (const _ of [1, 2, 3]) await openai.responses.retrieve("resp_later");
  const event = await only();

  assert.equal(event.id, "resp_later");
  assert.equal(event.occurredAt, "2026-01-01T00:00:00.000Z");
  assert.equal(event.latencyMs, undefined);
  await tt.flush();
  assert.equal(door.events.length, 1);
});

test("embeddings are counted", async () => {
  await client().embeddings.create({ model: "text-embedding-3-small", input: "The secret question" });
  const event = await only();

  assert.deepEqual(event.tokens, { input: 8 });
  assert.deepEqual([event.model, event.operation], ["text-embedding-3-small", "embeddings"]);
});

test("images are counted by their tokens and their number", async () => {
  await client().images.generate({ model: "gpt-image-1", prompt: "The secret question", n: 2 });
  const event = await only();

  assert.deepEqual(event.tokens, { input: 20, imageIn: 30, imageOut: 400 });
  assert.deepEqual(event.units, { image: 2 });
  assert.equal(event.model, "gpt-image-1");
});

test("audio is counted by tokens, by seconds or by characters", async () => {
  const openai = client();
  const file = await OpenAI.toFile(Buffer.from("sound"), "sound.wav");
  await openai.audio.transcriptions.create({ model: "gpt-4o-transcribe", file });
  await openai.audio.transcriptions.create({ model: "whisper-1", file });
  const speech = await openai.audio.speech.create({ model: "tts-1", voice: "alloy", input: "Twelve chars" });
  assert.equal(Buffer.from(await speech.arrayBuffer()).toString(), "sound");
  const events = await door.received(3);

  assert.deepEqual(
    events.map(({ model, tokens, units, operation }) => ({ model, tokens, units, operation })),
    [
      {
        model: "gpt-4o-transcribe",
        tokens: { input: 10, audioIn: 90, output: 7 },
        units: undefined,
        operation: "transcription",
      },
      { model: "whisper-1", tokens: undefined, units: { audio_second: 9 }, operation: "transcription" },
      { model: "tts-1", tokens: undefined, units: { character: 12 }, operation: "speech" },
    ].map((each) => ({ ...each })),
  );
});

test("audio in a chat is apart from text", async () => {
  await client().chat.completions.create({ model: "gpt-4o-audio", messages });

  assert.deepEqual((await only()).tokens, { input: 500, cacheRead: 400, audioIn: 100, output: 30, audioOut: 20 });
});

test("Azure is a provider of its own", async () => {
  const azure = new AzureOpenAI({
    apiKey: "none",
    endpoint: models.url,
    apiVersion: "2025-03-01-preview",
    maxRetries: 0,
  });
  await tt.wrap(azure).chat.completions.create({ model: "my-deployment", messages });
  const event = await only();

  assert.match(models.asked[0]?.path ?? "", /^\/openai\/deployments\/my-deployment\/chat\/completions/);
  assert.deepEqual([event.provider, event.model], ["azure", "gpt-4o-mini-2024-07-18"]);
});

test("services that speak the same language are told by their address, or by the user", async () => {
  const elsewhere = new OpenAI({
    apiKey: "none",
    baseURL: "https://openrouter.ai/api/v1",
    fetch: () => fetch(`${models.url}/v1/chat/completions`, { method: "POST", body: '{"model":"with-cost"}' }),
  });
  await tt.wrap(elsewhere).chat.completions.create({ model: "with-cost", messages });
  const own = new OpenAI({ apiKey: "none", baseURL: `${models.url}/v1` });
  await tt.wrap(own, { provider: "ollama" }).chat.completions.create({ model: "gpt-4o-mini", messages });
  const [first, second] = await door.received(2);

  assert.equal(first?.provider, "openrouter");
  assert.deepEqual(first?.cost, { amount: "0.00001234", currency: "USD" });
  assert.equal(second?.provider, "ollama");
});

test("a client made of a wrapped one is wrapped, and wrapping twice changes nothing", async () => {
  const openai = tt.wrap(client()).withOptions({ maxRetries: 1 });
  await openai.chat.completions.create({ model: "gpt-4o-mini", messages });

  await only();
  await tt.flush();
  assert.equal(door.events.length, 1);
});

test("a call carries what its surroundings say at the moment it begins", async () => {
  const openai = client();
  await attributes({ feature: "summary", team: "search", tags: { plan: "pro" } }, async () => {
    setCustomerId("acme");
    await openai.chat.completions.create({ model: "gpt-4o-mini", messages });
  });
  const event = await only();

  assert.deepEqual(
    [event.customerId, event.feature, event.team, event.tags],
    ["acme", "summary", "search", { plan: "pro" }],
  );
});

// Google's, Mistral's, Cohere's, Pinecone's and AWS's clients, as they are installed, against a model server on this machine.
import assert from "node:assert/strict";
import { after, before, beforeEach, type TestContext, test } from "node:test";
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from "@aws-sdk/client-bedrock-runtime";
import { GoogleGenAI } from "@google/genai";
import { VertexAI } from "@google-cloud/vertexai";
import { Mistral } from "@mistralai/mistralai";
import { Pinecone } from "@pinecone-database/pinecone";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { CohereClientV2 } from "cohere-ai";
import type { Told } from "../src/event.js";
import { TokenTra } from "../src/index.js";
import { ANSWER } from "./answers.js";
import { libraryAnswers } from "./library_answers.js";
import { type ModelServer, modelServer } from "./model_server.js";
import { type Door, tokentra } from "./tokentra_server.js";

const question = [{ role: "user" as const, content: "The secret question" }];
const converse = {
  modelId: "us.amazon.nova-lite-v1:0",
  messages: [{ role: "user" as const, content: [{ text: "…" }] }],
};
const GEMINI_TOKENS = { input: 500, cacheRead: 400, audioIn: 100, output: 50, reasoning: 20 };
const MISTRAL_TOKENS = { input: 900, output: 50 };
const NOVA_TOKENS = { input: 600, cacheRead: 300, cacheWrite5m: 100, cacheWrite1h: 70, output: 50 };
let models: ModelServer;
let door: Door;
let tt: TokenTra;

before(async () => {
  models = await modelServer(libraryAnswers);
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

async function told(count: number): Promise<Told[]> {
  const events = await door.received(count);
  await tt.flush();
  assert.equal(door.events.length, count);
  assert.doesNotMatch(JSON.stringify(events), /secret/);
  return events;
}

test("Google's client is measured, whole and streamed", async () => {
  const client = new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: models.url } });
  const google = tt.wrap(client);
  const whole = await google.models.generateContent({ model: "gemini-2.5-flash", contents: "…" });
  const stream = await google.models.generateContentStream({ model: "models/gemini-2.5-flash", contents: "…" });
  const texts = [];
  for await (const piece of stream) texts.push(piece.text);
  const found = await told(2);

  assert.equal(google, client);
  assert.equal(whole.text, ANSWER);
  assert.deepEqual(texts, [ANSWER, ANSWER]);
  assert.deepEqual(
    found.map(({ tokens }) => tokens),
    [GEMINI_TOKENS, GEMINI_TOKENS],
  );
  assert.deepEqual(
    door.events.map(({ provider, model, streaming }) => [provider, model, streaming]),
    [
      ["google", "gemini-2.5-flash", undefined],
      ["google", "gemini-2.5-flash", true],
    ],
  );
});

test("a stream that is read step by step is measured as well, also when it is left", async () => {
  const google = tt.wrap(new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: models.url } }));
  const asked = { model: "gemini-2.5-flash", contents: "…" };
  const read = await google.models.generateContentStream(asked);
  while (!(await read.next()).done);
  const left = await google.models.generateContentStream(asked);
  await left.next();
  await left.return(undefined);
  const found = await told(2);

  assert.deepEqual(
    found.map(({ tokens, status }) => [tokens, status]),
    [
      [GEMINI_TOKENS, "ok"],
      [undefined, "cancelled"],
    ],
  );
});

test("Google's older client for Vertex is measured, also by its chats", async (context) => {
  asksHere(context);
  const vertex = new VertexAI({ project: "p", location: "us-east5" });
  Object.assign(vertex, { googleAuth: { getAccessToken: async () => "none" } });
  const model = tt.wrap(vertex).getGenerativeModel({ model: "gemini-2.5-flash" });
  const { response } = await model.generateContent("The secret question");
  const { stream } = await model.generateContentStream("The secret question");
  const texts = [];
  for await (const piece of stream) texts.push(piece.candidates?.[0]?.content.parts[0]?.text);
  const chat = model.startChat();
  await chat.sendMessage("The secret question");
  const whole = await (await chat.sendMessageStream("The secret question")).response; // nobody looks at its pieces
  await assert.rejects(tt.wrap(vertex).getGenerativeModel({ model: "broken" }).generateContent("…"));
  const found = await told(5);

  assert.equal(response.candidates?.[0]?.content.parts[0]?.text, ANSWER);
  assert.deepEqual(texts, [ANSWER, ANSWER]);
  assert.equal(whole.usageMetadata?.promptTokenCount, 1000);
  assert.equal((await chat.getHistory()).length, 4);
  assert.deepEqual(
    found.map(({ tokens }) => tokens),
    [GEMINI_TOKENS, GEMINI_TOKENS, GEMINI_TOKENS, GEMINI_TOKENS, undefined],
  );
  assert.deepEqual(
    door.events.map(({ provider, model, streaming, status }) => [provider, model, streaming, status]),
    [
      ["google", "gemini-2.5-flash", undefined, "ok"],
      ["google", "gemini-2.5-flash", true, "ok"],
      ["google", "gemini-2.5-flash", undefined, "ok"],
      ["google", "gemini-2.5-flash", true, "ok"],
      ["google", "broken", undefined, "error"],
    ],
  );
});

/** This library asks by https alone, and its chats forget where. */
function asksHere(context: TestContext): void {
  const { fetch } = globalThis;
  const asking: typeof fetch = (address, init) => fetch(String(address).replace(/^https:..[^/]+/, models.url), init);
  context.mock.method(globalThis, "fetch", asking);
}

test("Pinecone's client is measured in the units that it tells; of writes it tells none", async () => {
  const pinecone = tt.wrap(new Pinecone({ apiKey: "none" }));
  const index = pinecone.index({ name: "shop", host: models.url });
  const { usage } = await index.query({ vector: [0.5], topK: 1 });
  await index.namespace("n").fetch({ ids: ["1"] });
  await index.searchRecords({ query: { topK: 1, inputs: { text: "The secret question" } } });
  await index.upsert({ records: [{ id: "1", values: [0.5] }] });
  const found = await told(4);

  assert.equal(usage?.readUnits, 1.5);
  assert.deepEqual(
    found.map(({ operation, units, tokens, usageSource }) => [operation, units, tokens, usageSource]),
    [
      ["query", { read_unit: 1.5 }, {}, "reported"],
      ["fetch", { read_unit: 1 }, {}, "reported"],
      ["search", { read_unit: 6, rerank_unit: 1 }, { input: 8 }, "reported"],
      ["upsert", undefined, {}, "missing"],
    ],
  );
  assert.deepEqual([...new Set(door.events.map(({ provider, model }) => `${provider} ${model}`))], ["pinecone shop"]);
});

test("Mistral's client is measured, whole, streamed and for embeddings", async () => {
  const mistral = tt.wrap(new Mistral({ apiKey: "none", serverURL: models.url }));
  const whole = await mistral.chat.complete({ model: "mistral-small-latest", messages: question });
  let text = "";
  for await (const { data } of await mistral.chat.stream({ model: "mistral-small-latest", messages: question })) {
    text += data.choices[0]?.delta.content ?? "";
  }
  await mistral.embeddings.create({ model: "mistral-embed", inputs: ["…"] });
  const found = await told(3);

  assert.equal(whole.choices?.[0]?.message?.content, ANSWER);
  assert.equal(text, ANSWER);
  assert.deepEqual(
    found.map(({ tokens }) => tokens),
    [MISTRAL_TOKENS, MISTRAL_TOKENS, { input: 8 }],
  );
  assert.equal(found[0]?.model, "mistral-small-2506");
});

test("Mistral's conversations and OCR are measured", async () => {
  const mistral = tt.wrap(new Mistral({ apiKey: "none", serverURL: models.url }));
  const { conversations } = mistral.beta;
  await conversations.start({ model: "mistral-medium-latest", inputs: "…" });
  const stream = await conversations.appendStream({
    conversationId: "conv_1",
    conversationAppendStreamRequest: { inputs: "…" },
  });
  const kinds = [];
  for await (const { event } of stream) kinds.push(event);
  await mistral.ocr.process({
    model: "mistral-ocr-latest",
    document: { type: "document_url", documentUrl: "https://example.com/a.pdf" },
  });
  const found = await told(3);
  const conversed = [{ input: 7300, output: 55 }, { web_search: 1 }, "mistral-medium-2505", "chat"];

  assert.deepEqual(kinds, ["message.output.delta", "conversation.response.done"]);
  assert.deepEqual(
    found.map(({ tokens, units, model, operation }) => [tokens, units, model, operation]),
    [conversed, conversed, [undefined, { page: 3 }, "mistral-ocr-2505", "ocr"]],
  );
});

test("Cohere's client is measured by what is billed, and keeps the helpers of its promises", async () => {
  const cohere = tt.wrap(new CohereClientV2({ token: "none", environment: models.url }));
  const chat = { model: "command-r-08-2024", messages: question };
  const { data, rawResponse } = await cohere.chat(chat).withRawResponse();
  const types = [];
  for await (const event of await cohere.chatStream(chat)) types.push(event.type);
  await cohere.embed({ model: "embed-v4.0", inputType: "search_query", embeddingTypes: ["float"], texts: ["…"] });
  await cohere.rerank({ model: "rerank-v3.5", query: "…", documents: ["…"] });
  const found = await told(4);

  assert.equal(data.id, "c1");
  assert.equal(rawResponse.status, 200);
  assert.deepEqual(types, ["message-start", "message-end"]);
  assert.deepEqual(
    found.map(({ tokens, units }) => [tokens, units]),
    [
      [MISTRAL_TOKENS, undefined],
      [MISTRAL_TOKENS, undefined],
      [{ input: 8 }, undefined],
      [undefined, { search: 1 }],
    ],
  );
});

test("AWS's client is measured when it converses, whole and streamed", async () => {
  const bedrock = tt.wrap(
    new BedrockRuntimeClient({
      endpoint: models.url,
      region: "us-east-1",
      credentials: { accessKeyId: "none", secretAccessKey: "none" },
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler(), // by itself it speaks HTTP/2, which the model server does not
    }),
  );
  const whole = await bedrock.send(new ConverseCommand(converse));
  const { stream } = await bedrock.send(new ConverseStreamCommand(converse));
  let text = "";
  for await (const event of stream ?? []) text += event.contentBlockDelta?.delta?.text ?? "";
  await assert.rejects(bedrock.send(new ConverseCommand({ ...converse, modelId: "broken" })));
  const found = await told(3);

  assert.equal(whole.usage?.inputTokens, 600);
  assert.equal(text, ANSWER);
  assert.deepEqual(
    found.map(({ tokens }) => tokens),
    [NOVA_TOKENS, NOVA_TOKENS, undefined],
  );
  assert.deepEqual(
    found.map(({ model, status }) => [model, status]),
    [
      ["us.amazon.nova-lite-v1:0", "ok"],
      ["us.amazon.nova-lite-v1:0", "ok"],
      ["broken", "error"],
    ],
  );
});

// The AWS SDK's client where it invokes models: what it answers is in the words of whoever made them.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import {
  BedrockRuntime,
  BedrockRuntimeClient,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { TokenTra } from "../src/index.js";
import { bedrockAnswers, COUNTED, INVOKED, PLAIN } from "./bedrock_answers.js";
import { type ModelServer, modelServer } from "./model_server.js";
import { type Door, tokentra } from "./tokentra_server.js";

const MESSAGE_TOKENS = { input: 600, cacheRead: 300, cacheWrite5m: 100, cacheWrite1h: 70, output: 50, reasoning: 20 };
let models: ModelServer;
let door: Door;
let tt: TokenTra;

before(async () => {
  models = await modelServer(bedrockAnswers);
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

function settings() {
  const credentials = { accessKeyId: "none", secretAccessKey: "none" };
  const requestHandler = new NodeHttpHandler(); // by itself it speaks HTTP/2, which the model server does not
  return { endpoint: models.url, region: "us-east-1", credentials, maxAttempts: 1, requestHandler };
}

const client = () => tt.wrap(new BedrockRuntimeClient(settings()));
const body = JSON.stringify({ prompt: "The secret question" });

async function told(count: number) {
  const events = await door.received(count);
  await tt.flush();
  assert.equal(door.events.length, count);
  assert.doesNotMatch(JSON.stringify(events), /secret/);
  return events;
}

test("an invoked model is measured in the words of whoever made it, else by Bedrock's headers", async () => {
  const bedrock = client();
  const all = Object.entries(INVOKED);
  for (const [modelId, [content]] of all) {
    const answer = await bedrock.send(new InvokeModelCommand({ modelId, body }));
    assert.deepEqual(JSON.parse(answer.body.transformToString()), content);
  }
  const events = await told(all.length);

  assert.deepEqual(
    events.map(({ model, tokens }) => [model, tokens]),
    all.map(([model, [, tokens]]) => [model, tokens]),
  );
  assert.deepEqual(
    events.map(({ operation }) => operation).filter((operation) => operation !== "chat"),
    ["embeddings", "embeddings"],
  );
  const [first] = events;
  assert.deepEqual([first?.provider, first?.serviceTier, first?.requestId], ["aws", "flex", "req-1"]);
});

test("a message of Anthropic's keeps caches of an hour and searches apart, by whatever name the model is called", async () => {
  const profile = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
  const modelId = `arn:aws:bedrock:us-east-1:123456789012:inference-profile/${profile}`;
  await client().send(new InvokeModelCommand({ modelId, body }));
  const [event] = await told(1);

  assert.deepEqual(
    [event?.model, event?.tokens, event?.units, event?.serviceTier],
    [profile, MESSAGE_TOKENS, { web_search: 2 }, "flex"],
  );
});

test("pictures are units, and what tells nothing says so", async () => {
  const bedrock = client();
  await bedrock.send(new InvokeModelCommand({ modelId: "amazon.nova-canvas-v1:0", body }));
  await bedrock.send(new InvokeModelCommand({ modelId: "silent", body }));
  const [drawn, silent] = await told(2);

  assert.deepEqual([drawn?.operation, drawn?.units, drawn?.tokens], ["image", { image: 2 }, undefined]);
  assert.deepEqual([silent?.tokens, silent?.usageSource], [{}, "missing"]);
});

test("a stream of an invoked model is measured when it has gone by", async () => {
  const bedrock = client();
  const streamed = {
    "anthropic.claude-haiku-4-5-20251001-v1:0": MESSAGE_TOKENS,
    "amazon.nova-lite-v1:0": COUNTED,
    "amazon.titan-text-express-v1": PLAIN,
    "meta.llama3-8b-instruct-v1:0": COUNTED,
    "mistral.mistral-large": COUNTED,
  };
  for (const modelId of Object.keys(streamed)) {
    const answer = await bedrock.send(new InvokeModelWithResponseStreamCommand({ modelId, body }));
    let size = 0;
    for await (const piece of answer.body ?? []) size += piece.chunk?.bytes?.length ?? 0;
    assert.ok(size > 100);
  }
  const events = await told(5);

  assert.deepEqual(Object.fromEntries(events.map(({ model, tokens }) => [model, tokens])), streamed);
  assert.ok(events.every(({ streaming, usageSource }) => streaming && usageSource === "reported"));
});

test("the usage of a stream that is left early is missing, with what is known of it", async () => {
  const bedrock = client();
  for (const modelId of ["anthropic.claude", "meta.llama3"]) {
    const { body: stream } = await bedrock.send(new InvokeModelWithResponseStreamCommand({ modelId, body }));
    for await (const _ of stream ?? []) break;
  }
  const events = await told(2);

  assert.deepEqual(
    events.map(({ status, usageSource, tokens }) => [status, usageSource, tokens?.input]),
    [
      ["cancelled", "missing", 600],
      ["cancelled", "missing", undefined],
    ],
  );
});

test("calls by a callback and by the client with methods are measured, failures too", async () => {
  const bedrock = tt.wrap(new BedrockRuntime(settings()));
  await new Promise<void>((resolve, reject) => {
    const done = (error: unknown) => (error ? reject(error) : resolve());
    bedrock.send(new InvokeModelCommand({ modelId: "meta.llama3", body }), done);
  });
  await bedrock.invokeModel({ modelId: "meta.llama3", body });
  await assert.rejects(bedrock.invokeModel({ modelId: "broken", body }), /secret/);
  const events = await told(3);

  assert.deepEqual(
    events.map(({ status, tokens }) => [status, tokens]),
    [
      ["ok", PLAIN],
      ["ok", PLAIN],
      ["error", undefined],
    ],
  );
});

// Calls of the real clients ask before they are made; whatever becomes of the question, the program knows where it is.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { after, before, beforeEach, mock, test } from "node:test";
import { CohereClientV2 } from "cohere-ai";
import OpenAI from "openai";
import { tokensOf } from "../src/estimating.js";
import {
  attributes,
  BudgetReached,
  CallRefused,
  CheckUnavailable,
  PromptTooLong,
  run,
  TokenTra,
} from "../src/index.js";
import type { Options } from "../src/settings.js";
import { Breaker } from "../src/verdicts.js";
import { EVENTS, FAMILIES, familyAnswers } from "./families.js";
import { type ModelServer, modelServer } from "./model_server.js";
import { allowed, type Door, type Question, type Reply, refused, tokentra, unreserved } from "./tokentra_server.js";

const messages = [{ role: "user" as const, content: "The secret question" }];
let models: ModelServer;
let door: Door;
let told: string[];

before(async () => {
  models = await modelServer(familyAnswers);
});
after(async () => {
  await models.close();
  await door.close();
});
beforeEach(async () => {
  await door?.close();
  door = await tokentra();
  told = [];
  models.asked.length = 0;
});
mock.method(console, "warn", () => undefined); // of a library that says it is old

let count = 0;
function made(more: Options = {}): TokenTra {
  const warn = (message: string) => told.push(message);
  const common = { url: door.url, spool: false, flushEveryMs: 5, check: true, checkTimeoutMs: 5_000, warn } as const;
  return new TokenTra({ apiKey: `key-${count++}`, ...common, ...more });
}

const clientOf = (tt: TokenTra) =>
  tt.wrap(new OpenAI({ apiKey: "none", baseURL: `${models.url}/openai/v1`, maxRetries: 0 }));

async function ask(tt: TokenTra, more: object = {}) {
  return await clientOf(tt).chat.completions.create({ model: "gpt-4o-mini", messages, max_tokens: 50, ...more });
}

const checks = (tt: TokenTra) => tt.stats().checks;
const none = { asked: 0, cached: 0, refused: 0, slowed: 0, unchecked: 0 };

test("each call of every client is asked about under the id of its event, and answers as ever", async () => {
  const tt = made();
  for (const [name, { make, call }] of Object.entries(FAMILIES)) {
    const bare = await call(make(`${models.url}/${name}`));
    assert.deepEqual(await call(tt.wrap(make(`${models.url}/${name}`))), bare, name);
  }
  const events = await door.received(EVENTS);

  const about = ({ id, provider }: { id: string; provider: string }) => `${id} ${provider}`;
  assert.deepEqual(door.questions.map(about).sort(), events.map(about).sort());
  assert.ok(door.questions.filter(({ tokens }) => tokens?.input).length > 10);
  assert.doesNotMatch(JSON.stringify(door.questions), /secret/);
  assert.deepEqual(checks(tt), { ...none, asked: EVENTS });
});

test("a refusal reaches whoever calls any client, before a model is asked", async () => {
  const tt = made();
  door.verdict = refused;
  for (const [name, { make, call }] of Object.entries(FAMILIES)) {
    await assert.rejects(call(tt.wrap(make(`${models.url}/${name}`))), BudgetReached, name);
  }
  await tt.flush();

  assert.deepEqual(models.asked, []);
  assert.deepEqual(door.events, []);
  assert.deepEqual(tt.stats().lost, {});
});

test("a question says what the event will say and nothing else", async () => {
  const tt = made({ attributes: { environment: "production" } });
  const said = { customerId: "globex", feature: "search", purpose: "preview", tags: { colour: "blue" } };
  await run("run-7", () => attributes(said, () => ask(tt, { service_tier: "flex", n: 2 })));
  const [event] = await door.received(1);

  assert.deepEqual(door.questions, [
    {
      id: event?.id,
      provider: "openai",
      model: "gpt-4o-mini",
      customerId: "globex",
      feature: "search",
      environment: "production",
      serviceTier: "flex",
      tags: { colour: "blue" },
      tokens: { input: 7, output: 100 },
    },
  ]);
});

test("nobody is asked who did not opt in", async () => {
  const off = made({ check: false });
  await ask(off);
  assert.equal(off.stats().checks, undefined);
  process.env["TOKENTRA_CHECK"] = "closed";
  await ask(new TokenTra({ apiKey: "by-the-environment", url: door.url, spool: false }));
  delete process.env["TOKENTRA_CHECK"];

  assert.equal(door.questions.length, 1);
});

test("an answer without a reservation serves calls that are no larger, for as long as it says", async (context) => {
  const tt = made();
  const longer = [{ role: "user" as const, content: "The secret question ".repeat(20) }];
  door.verdict = unreserved;
  for (const more of [{}, {}, { messages: longer }, {}]) await ask(tt, more);
  assert.equal(door.questions.length, 2);
  await attributes({ customerId: "another" }, () => ask(tt));
  assert.equal(door.questions.length, 3);
  assert.equal(checks(tt)?.cached, 2);

  const now = Date.now();
  context.mock.method(Date, "now", () => now + 6_000);
  await ask(tt);
  assert.equal(door.questions.length, 4);
});

test("a refusal says which budget, since when, until when and whom to ask, and serves calls no smaller", async () => {
  const tt = made();
  door.verdict = (question) => ((question.tokens?.output ?? 0) > 50 ? refused(question) : allowed(question));
  const error = await ask(tt, { max_tokens: 100 }).catch((error: unknown) => error);
  await ask(tt);
  await assert.rejects(ask(tt, { max_tokens: 101 }), BudgetReached);

  assert.ok(error instanceof BudgetReached && error instanceof CallRefused && error instanceof Error);
  assert.equal(`${error}`, "BudgetReached: The budget “Globex” is used up.");
  const { budget, value, since, until, ask: whom, askUrl } = error;
  assert.deepEqual([budget, value, whom, askUrl], ["Globex", "", "Alice", "https://t.example/ask"]);
  assert.deepEqual([since, until], [new Date("2026-11-20T11:00:00Z"), new Date("2026-12-01T00:00:00Z")]);
  assert.equal(door.questions.length, 2);
  assert.deepEqual(checks(tt), { ...none, asked: 2, cached: 1, refused: 2 });
});

test("a prompt that is too long has an error of its own", async () => {
  door.verdict = (question) => refused(question, { code: "prompt_too_long", message: "Shorten it.", budgets: [] });
  await assert.rejects(ask(made()), (error) => error instanceof PromptTooLong && error.message === "Shorten it.");
});

test("streams and helpers of a client are refused, and work when they wait", async () => {
  const tt = made();
  const openai = clientOf(tt);
  const asked = { model: "gpt-4o-mini", messages, stream: true as const };
  door.verdict = (question) => allowed(question, { delayMs: 30 });
  const { data, response } = await openai.chat.completions.create(asked).withResponse();
  for await (const _ of data);
  assert.equal(response.status, 200);
  const cohere = tt.wrap(new CohereClientV2({ token: "none", environment: `${models.url}/cohere` }));
  const raw = await cohere.chat({ model: "command-r-08-2024", messages }).withRawResponse();
  assert.ok(raw.data.message);
  const events = await door.received(2);
  assert.ok(events.every(({ usageSource }) => usageSource === "reported"));
  assert.deepEqual(checks(tt), { ...none, asked: 2, slowed: 2 });

  door.verdict = refused;
  await assert.rejects(openai.chat.completions.create(asked).withResponse(), BudgetReached);
  await assert.rejects(openai.chat.completions.create(asked).asResponse(), BudgetReached);
  await assert.rejects(openai.chat.completions.stream({ model: "gpt-4o-mini", messages }).finalMessage());
  await assert.rejects(cohere.chat({ model: "command-r-08-2024", messages }).withRawResponse(), BudgetReached);
});

test("a budget that slows is waited for, no longer than chosen, and is no part of the call", async () => {
  door.verdict = (question) => allowed(question, { delayMs: 30_000 });
  const began = performance.now();
  await ask(made({ maxDelayMs: 600 }));

  assert.ok(performance.now() - began >= 599);
  assert.ok(((await door.received(1))[0]?.latencyMs ?? 999) < 600);
});

const answers = (status: number, body: unknown = { error: { message: "No." } }): Reply => ({ status, body });
const FAULTS: Record<string, Reply> = {
  hangs: { status: 0, hangs: true },
  "hangs up": { status: 0, resets: true },
  fails: answers(500),
  "is busy": answers(503),
  "has enough": answers(429),
  "does not know the key": answers(401),
  "does not let it": answers(403),
  "is too old to be asked": answers(404, {}),
  "sends elsewhere": answers(302, {}),
  "is a proxy": answers(200, { hello: "world" }),
  "wants to be paid": answers(402, {}),
  "says nonsense": answers(200, { verdict: 7, delayMs: "x", ttlSeconds: null }),
};

for (const [fault, reply] of Object.entries(FAULTS)) {
  for (const check of ["open", "closed"] as const) {
    test(`a server that ${fault}: calls are made or not as chosen (${check}), and the next does not wait`, async (context) => {
      door.verdict = () => reply;
      const tt = made({ check, checkTimeoutMs: fault === "hangs" ? 500 : 5_000 });
      const calls = check === "open" ? 3 : 0;
      const now = Date.now();
      const clock = context.mock.method(Date, "now", () => now); // three calls of a busy machine take a second too
      for (const _ of [1, 2, 3]) {
        if (calls) assert.ok((await ask(tt)).choices);
        else await assert.rejects(ask(tt), (error) => error instanceof CheckUnavailable && /be asked/.test(`${error}`));
      }
      clock.mock.restore();

      assert.equal(door.questions.length, 1);
      assert.equal(models.asked.length, calls);
      assert.deepEqual(checks(tt), { ...none, asked: 1, refused: 3 - calls, unchecked: 3 });
      assert.equal((await door.received(calls)).length, calls);
      assert.equal(told.filter((message) => message.includes("Calls are ")).length, 1);
      assert.doesNotMatch(told.join(), /key-\d/);
    });
  }
}

test("where nobody is calls are made", async () => {
  for (const url of ["http://127.0.0.1:9", "http://nobody.invalid", "https://127.0.0.1:9", "nonsense"]) {
    const tt = made({ url });
    for (const _ of [1, 2, 3]) assert.ok((await ask(tt)).choices);
    assert.deepEqual(checks(tt), { ...none, asked: url === "nonsense" ? 0 : 1, unchecked: 3 });
  }
});

test("a server that answers a byte at a time holds nobody longer than chosen", async (context) => {
  const server = createServer((socket) => {
    const timer = setInterval(() => socket.write("H"), 20);
    for (const name of ["error", "close"]) socket.on(name, () => clearInterval(timer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const began = performance.now();
  const { port } = server.address() as { port: number };

  assert.ok((await ask(made({ url: `http://127.0.0.1:${port}`, checkTimeoutMs: 100 }))).choices);
  assert.ok(performance.now() - began < 15_000);
});

test("a program that is held up by itself reads what has come meanwhile before it gives up", async () => {
  const tt = made({ checkTimeoutMs: 400 });
  const asking = ask(tt);
  while (!door.questions.length) await new Promise((resolve) => setImmediate(resolve));
  for (const until = Date.now() + 700; Date.now() < until; );
  await asking;

  assert.deepEqual(checks(tt), { ...none, asked: 1 });
});

test("what cannot be read of one call is no reason not to ask about the next", async () => {
  const tt = made({ estimate: (_provider, model) => (model === "odd" ? assert.fail() : undefined) });
  door.verdict = (question) => (question.model === "odder" ? answers(422, {}) : allowed(question));
  for (const model of ["odd", "odder", "gpt-4o-mini"]) await ask(tt, { model });

  assert.equal(door.questions.length, 2);
  assert.deepEqual(checks(tt), { ...none, asked: 2, unchecked: 2 });
});

for (const check of ["open", "closed"] as const) {
  test(`a server that is back is asked again (${check})`, async (context) => {
    const tt = made({ check });
    door.verdict = () => answers(500);
    await ask(tt).catch((error) => assert.ok(error instanceof CheckUnavailable));
    door.verdict = allowed;
    const now = Date.now();
    context.mock.method(Date, "now", () => now + 10_000);
    await ask(tt); // without waiting, where calls are made all the same
    const { breaker } = (tt as unknown as { guard: { breaker: Breaker } }).guard;
    while (!breaker.isClosed) await new Promise((resolve) => setTimeout(resolve, 5)); // until its answer has come
    await ask(tt);

    assert.equal(door.questions.length, 3);
    assert.equal(checks(tt)?.unchecked, check === "closed" ? 1 : 2);
  });
}

test("while a server is away it is tried by one call, and ever more seldom", () => {
  const breaker = new Breaker();
  const rests = [1, 2, 3, 4, 5, 6, 7, 8].map(() => {
    breaker.failed(undefined, 0);
    for (let now = 0; ; now += 500) {
      if (!breaker.mayAsk(now)) continue;
      assert.equal(breaker.mayAsk(now), false); // one looks, all others go on
      return now / 1_000;
    }
  });
  assert.deepEqual(rests, [1, 2, 4, 8, 16, 32, 60, 60]);
});

test("a connection that was closed meanwhile costs no verdict", async () => {
  const tt = made();
  await ask(tt);
  await door.received(1);
  for (const socket of door.sockets) socket.destroy();
  await ask(tt);

  assert.deepEqual(checks(tt), { ...none, asked: 2 });
});

test("what an estimate of the program says is asked with", async () => {
  await ask(made({ estimate: () => "0.25" }));
  await ask(made({ estimate: (_provider, _model, request) => ({ input: Object.keys(request as object).length }) }));

  const told = ({ estimatedCost, tokens }: Question) => [estimatedCost, tokens];
  assert.deepEqual(door.questions.map(told), [
    ["0.25", undefined],
    [undefined, { input: 3 }],
  ]);
});

test("tasks that run at the same time ask for whom they work, each under its own id", async () => {
  const tt = made();
  const customers = Array.from({ length: 20 }, (_, number) => `customer-${number}`);
  await Promise.all(customers.map((customerId) => attributes({ customerId }, () => ask(tt))));
  const events = await door.received(20);

  const about = ({ id, customerId }: { id: string; customerId?: string }) => `${id} ${customerId}`;
  assert.deepEqual(door.questions.map(about).sort(), events.map(about).sort());
  assert.equal(new Set(events.map(({ customerId }) => customerId)).size, 20);
});

test("a program that has nothing else to do waits for the answer, and ends after it", async () => {
  door.verdict = () => ({ status: 0, hangs: true });
  const code = `
    import OpenAI from "openai";
    import { TokenTra } from "@tokentra/sdk";
    const tt = new TokenTra({ apiKey: "key", url: "${door.url}", spool: false, check: true, checkTimeoutMs: 300 });
    const openai = tt.wrap(new OpenAI({ apiKey: "none", baseURL: "${models.url}/openai/v1", maxRetries: 0 }));
    const answer = await openai.chat.completions.create({ model: "gpt-4o-mini", messages: [] });
    console.log(answer.choices.length);`;
  const ended = new Promise((resolve) => {
    execFile(process.execPath, ["--input-type=module", "-e", code], (error, stdout) => resolve([error?.code, stdout]));
  });

  assert.deepEqual(await ended, [undefined, "1\n"]);
});

const one = (content: unknown) => ({ messages: [{ role: "user", content }] }); // a role of four letters is a token here
const ESTIMATES: [string, unknown, number, number][] = [
  ["chat", one("abcdefgh"), 3, 1_000],
  ["chat", one("héhé"), 3, 1_000],
  ["chat", one("日本語"), 4, 1_000],
  ["chat", { ...one("abcd"), max_completion_tokens: 9, n: 3 }, 2, 27],
  ["chat", { ...one("abcd"), max_tokens: 0 }, 2, 0],
  ["chat", { ...one("abcd"), max_tokens: 1.5 }, 2, 1_000],
  ["responses", { model: "gpt-4o", input: "abcdefgh", max_output_tokens: 5 }, 2, 5],
  ["chat", one([{ text: "abcd" }, { image_url: { url: "xxxx" } }, { url: "data:image/png;base64,AAAA" }]), 2, 1_000],
  ["chat", { contents: ["abcd", { inlineData: { data: "xxxx" } }], config: { maxOutputTokens: 7 } }, 1, 7],
  ["chat", { modelId: "nova", messages: [{ content: [{ text: "abcd" }] }], inferenceConfig: { maxTokens: 6 } }, 1, 6],
  ["chat", { modelId: "claude", body: JSON.stringify({ prompt: "abcd", max_tokens: 3 }) }, 1, 3],
  ["chat", { modelId: "claude", body: Buffer.from(JSON.stringify({ prompt: "abcd", max_tokens: 3 })) }, 1, 3],
  ["chat", { modelId: "claude", body: Buffer.from("\xff") }, 0, 1_000],
  ["embeddings", { input: ["abcd", "abcd"] }, 2, 0],
  ["embeddings", { input: [[1, 2, 3], [4]] }, 4, 0],
  ["rerank", { query: "abcd", documents: ["abcd"] }, 2, 0],
  ["chat", undefined, 0, 1_000],
];

test("what a call may use is told by what it asks for", () => {
  for (const [operation, body, input, output] of ESTIMATES) {
    assert.deepEqual(tokensOf(operation, body, 1_000), { input, output }, JSON.stringify(body));
  }
  for (const operation of ["image", "speech", "query", "ocr"]) assert.equal(tokensOf(operation, {}, 1_000), undefined);
  const around: unknown[] = ["abcd"];
  around.push(around);
  assert.ok((tokensOf("chat", around, 0)?.input ?? 99) < 50);
});

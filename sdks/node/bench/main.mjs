// node bench/main.mjs [calls]: what the package as it is built costs a program, microseconds of its own thread for each
// call and memory of its process. Each line is a figure as JSON.
//
// Real clients make each call twice, with the package and without, and get their answers from this process at once: what
// is between the two is ours. Beside what such a client does by itself, the slowest calls say nothing of us; those of a
// client that does nothing do.
import { execFileSync, fork } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Anthropic from "@anthropic-ai/sdk";
import { BedrockRuntimeClient, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { attributes, TokenTra } from "@tokentra/sdk";
import OpenAI from "openai";

const MOST_MICROSECONDS = 1_000;
const MOST_MEBIBYTES = 32;
const PIECES = 200;
const calls = Number(process.argv[2] ?? 3_000);
const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

const usage = { prompt_tokens: 900, completion_tokens: 45, total_tokens: 945 };
const choices = [{ index: 0, message: { role: "assistant", content: "Hello!" }, finish_reason: "stop" }];
const completion = JSON.stringify({ id: "c", object: "chat.completion", model: "gpt-4o-mini", choices, usage });
const message = JSON.stringify({
  id: "m",
  type: "message",
  role: "assistant",
  model: "claude-haiku-4-5",
  content: [{ type: "text", text: "Hello!" }],
  usage: { input_tokens: 900, output_tokens: 45 },
});
const chunk = { id: "c", object: "chat.completion.chunk", model: "gpt-4o-mini" };
const pieces = Array.from({ length: PIECES - 1 }, () => ({
  ...chunk,
  choices: [{ index: 0, delta: { content: "word " }, finish_reason: null }],
}));
const streamed = [...pieces, { ...chunk, choices: [], usage }]
  .map((each) => `data: ${JSON.stringify(each)}\n\n`)
  .join("");

const json = { headers: { "content-type": "application/json" } };
const events = { headers: { "content-type": "text/event-stream" } };
const question = [{ role: "user", content: "Hello!" }];
const asked = { model: "gpt-4o-mini", messages: question };
const openai = () =>
  new OpenAI({
    apiKey: "none",
    maxRetries: 0,
    fetch: async (_url, { body }) =>
      String(body).includes('"stream":true')
        ? new Response(`${streamed}data: [DONE]\n\n`, events)
        : new Response(completion, json),
  });
const bytes = Buffer.from(
  JSON.stringify({ generation: "Hello!", prompt_token_count: 900, generation_token_count: 45 }),
);

const KINDS = {
  "a call of OpenAI's client": [openai, (client) => client.chat.completions.create(asked)],
  "a piece of a stream of OpenAI's client": [
    openai,
    async (client) => {
      for await (const _ of await client.chat.completions.create({ ...asked, stream: true }));
    },
    PIECES,
  ],
  "a call of Anthropic's client": [
    () => new Anthropic({ apiKey: "none", maxRetries: 0, fetch: async () => new Response(message, json) }),
    (client) => client.messages.create({ model: "claude-haiku-4-5", max_tokens: 9, messages: question }),
  ],
  "a call of AWS's client": [
    () =>
      new BedrockRuntimeClient({
        region: "us-east-1",
        credentials: { accessKeyId: "none", secretAccessKey: "none" },
        requestHandler: { handle: async () => ({ response: { statusCode: 200, headers: {}, body: bytes } }) },
      }),
    (client) => client.send(new InvokeModelCommand({ modelId: "meta.llama3", body: "{}" })),
  ],
};

const door = fork(beside("door.mjs"));
const url = await new Promise((resolve) => door.once("message", resolve));
const spool = mkdtempSync(join(tmpdir(), "tokentra-bench-"));
try {
  const tokentra = new TokenTra({ url, apiKey: "tt_key", spool });
  const said = { customerId: "customer-7", feature: "search", team: "core", tags: { plan: "gold" } };
  for (const [name, [make, call, of = 1]] of Object.entries(KINDS)) {
    const { without, within } = await attributes(said, () =>
      taken(make(), tokentra.wrap(make()), call, calls / of ** 0.5),
    );
    const value = (percentile(within, 0.5) - percentile(without, 0.5)) / of;
    tell({ name: `${name}, p50`, value, unit: "µs", at_most: MOST_MICROSECONDS });
  }
  const index = () => ({ query: async () => ({ usage: { readUnits: 1 } }), describeIndexStats: () => undefined });
  const { within } = await attributes(said, () =>
    taken(index(), tokentra.wrap(index()), (one) => one.query(), calls * 3),
  );
  for (const share of [0.5, 0.99]) {
    const value = percentile(within, share);
    tell({
      name: `all of a call that is answered at once, p${share * 100}`,
      value,
      unit: "µs",
      at_most: MOST_MICROSECONDS,
    });
  }
  await tokentra.flush();
  const { lost } = tokentra.stats();
  if (Object.keys(lost).length) throw new Error(`events were lost: ${JSON.stringify(lost)}`);
  const places = { "while events are sent": url, "while the server is away": "http://127.0.0.1:9" };
  const without = memory();
  for (const [when, where] of Object.entries(places)) {
    for (const [name, value] of Object.entries(memory(where))) {
      const isHeld = name.includes("held"); // the rest is what V8 keeps for later
      const bound = isHeld ? { at_most: MOST_MEBIBYTES } : {};
      tell({ name: `memory ${name}, ${when}`, value: value - without[name], unit: "MiB", ...bound });
    }
  }
} finally {
  door.kill();
  rmSync(spool, { recursive: true });
}

/** Microseconds. Each goes first every other time. */
async function taken(plain, wrapped, call, count) {
  const found = { without: [], within: [] };
  for (let number = -100; number < count; number += 1) {
    const turns = [
      ["without", plain],
      ["within", wrapped],
    ];
    for (const [which, client] of number % 2 ? turns : turns.reverse()) {
      const began = process.hrtime.bigint();
      await call(client);
      if (number >= 0) found[which].push(Number(process.hrtime.bigint() - began) / 1_000);
    }
    if (number % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5)); // as a program does that waits
  }
  return found;
}

function percentile(values, share) {
  return values.sort((one, two) => one - two)[Math.floor(values.length * share)];
}

/** Of a process of its own, which makes the calls without the package where no address is given. */
function memory(where = "") {
  return JSON.parse(execFileSync(process.execPath, ["--expose-gc", beside("memory.mjs"), where, spool]));
}

function tell(figure) {
  console.log(JSON.stringify(figure));
}

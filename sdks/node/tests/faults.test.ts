// Whatever goes wrong with TokenTra, a call of any client is as it was, and every event is sent, kept or counted.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, mock, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Call, Observer } from "../src/call.js";
import { attributes, TokenTra } from "../src/index.js";
import type { Sender } from "../src/sender.js";
import type { Options } from "../src/settings.js";
import { EVENTS, FAMILIES, familyAnswers } from "./families.js";
import { type Answer, type Asked, type ModelServer, modelServer } from "./model_server.js";
import { type Door, type Reply, tokentra } from "./tokentra_server.js";

let models: ModelServer;
let expected: Record<string, unknown>;
let spoil = (answer: Answer): Answer => answer;

before(async () => {
  models = await modelServer((asked: Asked) => spoil(familyAnswers(asked)));
  expected = await outcomes();
});
after(() => models.close());
mock.method(console, "warn", () => undefined); // of a library that says it is old

/** What each call comes to: its answer, or the kind of its error. */
async function outcomes(tt?: TokenTra): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const [name, { make, call }] of Object.entries(FAMILIES)) {
    const client = make(`${models.url}/${name}`);
    found[name] = await call(tt ? tt.wrap(client) : client).catch((error) => `failed: ${error.constructor.name}`);
  }
  return found;
}

const senderOf = (tt: TokenTra) => (tt as unknown as { sender: Sender }).sender;

function balanced(tt: TokenTra): void {
  const { recorded, delivered, queued, spooled, lost } = tt.stats();
  const kept = delivered + queued + spooled;
  assert.equal(recorded, kept + Object.values(lost).reduce((sum, count) => sum + count, 0), JSON.stringify(tt.stats()));
}

async function measured(options: Options, act: (tt: TokenTra, door: Door, told: string[]) => Promise<void>) {
  const door = await tokentra();
  const told: string[] = [];
  const spool = fs.mkdtempSync(join(tmpdir(), "tokentra-test-"));
  const warn = (message: string) => told.push(message);
  const tt = new TokenTra({ apiKey: "tt_key", url: door.url, spool, flushEveryMs: 5, warn, ...options });
  await act(tt, door, told).finally(() => door.close());
  fs.rmSync(spool, { recursive: true });
}

interface Fault extends Options {
  reply?: Reply;
  /** What is lost when the program ends, and else kept. */
  lost?: Record<string, number>;
}

const FAULTS: Record<string, Fault> = {
  "nothing is wrong": {},
  "TokenTra is away": { url: "http://127.0.0.1:9" },
  "TokenTra does not answer": { reply: { status: 0, hangs: true } },
  "TokenTra hangs up": { reply: { status: 0, resets: true } },
  "TokenTra answers 500": { reply: { status: 500 } },
  "TokenTra is too busy": { reply: { status: 429, headers: { "retry-after": "60" } } },
  "the key is refused": { reply: { status: 401 } },
  "somebody else answers": { reply: { status: 200, body: "<html>" } },
  "the disk is full": { reply: { status: 503 }, spool: "/dev/full/spool", lost: { disk_failed: EVENTS } },
  "nothing may be written": { reply: { status: 503 }, spool: false, lost: { process_ended: EVENTS } },
  "memory is used up": {
    reply: { status: 503 },
    maxQueued: 5,
    spool: false,
    lost: { queue_full: EVENTS - 5, process_ended: 5 },
  },
  "there is no key": { apiKey: "", lost: { not_configured: EVENTS } },
};

for (const [fault, { reply, lost = {}, ...options }] of Object.entries(FAULTS)) {
  test(`calls of every client are intact and no event is lost in silence when ${fault}`, () =>
    measured(options, async (tt, door, told) => {
      door.instead = reply && (() => reply);

      assert.deepEqual(await outcomes(tt), expected);
      await tt.flush(100);
      balanced(tt);
      senderOf(tt).leave();

      assert.equal(tt.stats().recorded, EVENTS);
      assert.deepEqual(tt.stats().lost, lost);
      assert.equal(
        told.some((message) => message.includes("were not kept")),
        Object.keys(lost).length > 0,
      );
      balanced(tt);
    }));
}

test("what cannot be written harms no call of any client", () =>
  measured({}, async (tt, door) => {
    const odd = { customerId: { toString: () => assert.fail() }, feature: Symbol("no"), team: "half \ud800" };
    assert.deepEqual(await attributes(odd as object, () => outcomes(tt)), expected);
    await tt.flush();

    assert.equal(door.events.length, EVENTS);
    assert.ok(door.events.every(({ customerId, team }) => customerId === undefined && team?.startsWith("half")));
  }));

const FAILING = [
  [Observer.prototype, "begin"],
  [Observer.prototype, "record"],
  [Call.prototype, "event"],
] as const;

for (const [owner, name] of FAILING) {
  test(`measuring that fails at ${name} is counted and harms no call of any client`, () =>
    measured({}, async (tt) => {
      const fails = mock.method(owner as Observer, name as "begin", () => {
        throw new Error("no");
      });
      const found = await outcomes(tt);
      fails.mock.restore();

      assert.deepEqual(found, expected);
      assert.deepEqual(tt.stats().lost, { sdk_error: EVENTS });
    }));
}

for (const odd of [null, "many", -5, [1], { tokens: {} }, 1e30]) {
  test(`usage of ${JSON.stringify(odd)} harms no call of any client`, () =>
    measured({}, async (tt) => {
      spoil = (answer) => ("raw" in answer ? answer : (spoiled(answer, odd, false) as Answer));
      const [within, without] = [await outcomes(tt), await outcomes()];
      spoil = (answer) => answer;
      await tt.flush();

      assert.deepEqual(within, without);
      balanced(tt);
      assert.deepEqual(tt.stats().lost, {});
    }));
}

function spoiled(content: unknown, odd: unknown, isUsage: boolean): unknown {
  if (Array.isArray(content)) return content.map((each) => spoiled(each, odd, isUsage));
  if (typeof content === "number") return isUsage ? odd : content;
  if (typeof content !== "object" || content === null || Buffer.isBuffer(content)) return content;
  const within = (name: string) => isUsage || /usage|^meta/i.test(name);
  return Object.fromEntries(Object.entries(content).map(([name, value]) => [name, spoiled(value, odd, within(name))]));
}

for (const [way, ended] of Object.entries({ exits: 3, returns: 0 })) {
  test(`a program with every client that ${way} keeps its code and loses nothing`, async () => {
    const door = await tokentra();
    const spool = fs.mkdtempSync(join(tmpdir(), "tokentra-test-"));
    const file = fileURLToPath(new URL("./programs/every.mjs", import.meta.url));
    const env = { PATH: process.env["PATH"], TMPDIR: spool, TOKENTRA_URL: door.url, TOKENTRA_API_KEY: "tt_key" };
    const child = spawn(process.execPath, [file, models.url, way], { env, stdio: ["ignore", "pipe", "ignore"] });
    await once(child.stdout, "data"); // in the middle of its calls
    child.kill("SIGSTOP");
    await new Promise((resolve) => setTimeout(resolve, 200)); // what a freeze is: time that passes unseen
    for (const drop of door.sockets) drop.destroy();
    child.kill("SIGCONT");
    const [code] = await once(child, "close");
    await door.close();

    assert.equal(code, ended);
    assert.equal(door.events.length + linesBelow(spool), EVENTS);
    if (way === "exits") assert.equal(door.events.length, 0);
  });
}

function linesBelow(directory: string): number {
  const files = fs.readdirSync(directory, { withFileTypes: true });
  const lines = (path: string) => fs.readFileSync(path, "utf8").split("\n").filter(Boolean).length;
  const counts = files.map((each) => {
    const path = join(directory, each.name);
    return each.isDirectory() ? linesBelow(path) : lines(path);
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

// The way of events to TokenTra: whatever goes wrong, each arrives once, waits on disk, or is counted as lost.
import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { retryAfter } from "../src/delivery.js";
import { uuid7 } from "../src/ids.js";
import { Sender } from "../src/sender.js";
import { settle } from "../src/settings.js";
import { type Door, type Reply, tokentra } from "./tokentra_server.js";

interface Chosen {
  spool?: string | boolean;
  maxQueued?: number;
  maxSpoolBytes?: number;
  url?: string;
  flushEveryMs?: number;
}

function sender(door: Door, chosen: Chosen = {}) {
  const told: string[] = [];
  const settings = settle({ apiKey: "tt_key", url: door.url, spool: false, flushEveryMs: 5, ...chosen });
  return { told, sender: new Sender(settings, (message) => told.push(message)) };
}

const event = (more: object = {}) => ({
  id: uuid7(),
  occurredAt: new Date().toISOString(),
  provider: "openai",
  model: "m",
  tokens: { input: 1 },
  ...more,
});

function directory(): string {
  return fs.mkdtempSync(join(tmpdir(), "tokentra-test-"));
}

/** For what must not happen: several times as long as it would take. */
const passing = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function withDoor(act: (door: Door) => Promise<void>): Promise<void> {
  const door = await tokentra();
  try {
    await act(door);
  } finally {
    await door.close();
  }
}

test("events go together, packed, with the key in the header alone", () =>
  withDoor(async (door) => {
    const { sender: one } = sender(door);
    for (let number = 0; number < 50; number += 1) one.accept(event());
    await door.received(50);
    await one.flush();

    assert.equal(door.requests.length, 1);
    assert.equal(door.requests[0]?.headers["authorization"], "Bearer tt_key");
    assert.equal(door.requests[0]?.headers["content-encoding"], "gzip");
    assert.deepEqual(one.stats(), { recorded: 50, queued: 0, delivered: 50, spooled: 0, lost: {} });
  }));

for (const [name, reply] of Object.entries<Reply>({
  "503": { status: 503 },
  "500 without a body": { status: 500, body: "" },
  "429 with a time": { status: 429, headers: { "retry-after": "0" } },
  "a reset": { status: 0, resets: true },
  "nonsense with 200": { status: 200, body: "<html>" },
})) {
  test(`after ${name} the same events come again with the same ids and times`, () =>
    withDoor(async (door) => {
      door.instead = (request) => (request <= 2 ? reply : undefined);
      const { sender: one } = sender(door);
      const sent = [event(), event()];
      for (const each of sent) one.accept(each);

      for (let attempt = 0; attempt < 3; attempt += 1) await one.flush();

      assert.deepEqual(
        door.requests.map(({ events }) => events),
        [sent, sent, sent],
      );
      assert.deepEqual(one.stats().lost, {});
      assert.equal(one.stats().delivered, 2);
    }));
}

test("it comes again by itself, later each time", { timeout: 20_000 }, () =>
  withDoor(async (door) => {
    door.instead = (request) => (request <= 2 ? { status: 503 } : undefined);
    const { sender: one } = sender(door);
    one.accept(event());
    await door.received(1, 15_000);

    const [first, second, third] = door.requests.map(({ at }) => at) as [number, number, number];
    assert.ok(second - first >= 500, "the first pause is at least half a second");
    assert.ok(third - second >= 1_000, "the second is longer");
  }),
);

test("after a failure nothing is tried before its time, also by a timer that was set earlier", () =>
  withDoor(async (door) => {
    door.instead = () => ({ status: 503 });
    const { sender: one } = sender(door, { flushEveryMs: 20 });
    one.accept(event());
    await one.flush();
    await passing(200);

    assert.equal(door.requests.length, 1);
  }));

test("a server that says when to come again is obeyed", () =>
  withDoor(async (door) => {
    door.instead = (request) => (request === 1 ? { status: 429, headers: { "retry-after": "3" } } : undefined);
    const { sender: one } = sender(door);
    one.accept(event());
    await door.received(1, 10_000);

    assert.ok((door.requests[1]?.at ?? 0) - (door.requests[0]?.at ?? 0) >= 2_900);
  }));

test("an answer that never comes does not hold up flushing beyond its time", () =>
  withDoor(async (door) => {
    door.instead = () => ({ status: 0, hangs: true });
    const { sender: one } = sender(door);
    one.accept(event());
    const began = performance.now();

    assert.equal(await one.flush(100), false);
    assert.ok(performance.now() - began < 5_000);
    assert.equal(one.stats().queued, 1);
  }));

test("a key that is not known is said once, and events wait", () =>
  withDoor(async (door) => {
    door.instead = () => ({ status: 401 });
    const { sender: one, told } = sender(door);
    one.accept(event());
    for (let attempt = 0; attempt < 3; attempt += 1) await one.flush();

    assert.equal(told.length, 1);
    assert.match(told[0] ?? "", /does not know the key \(401\).*TOKENTRA_API_KEY/);
    assert.doesNotMatch(told[0] ?? "", /tt_key/);
    assert.equal(one.stats().queued, 1);
    assert.match(one.stats().problem ?? "", /401/);

    door.instead = undefined;
    assert.equal(await one.flush(), true);
    assert.equal(one.stats().delivered, 1);
  }));

test("an address that leads elsewhere gets no second request with the key", () =>
  withDoor(async (door) => {
    let asked = 0;
    const elsewhere = http.createServer((_, response) => {
      asked += 1;
      response.end();
    });
    elsewhere.listen(0);
    const { port } = elsewhere.address() as { port: number };
    door.instead = () => ({ status: 302, headers: { location: `http://127.0.0.1:${port}/` } });
    const { sender: one, told } = sender(door);
    one.accept(event());
    await one.flush();
    elsewhere.close();

    assert.equal(asked, 0);
    assert.match(told[0] ?? "", /TOKENTRA_URL/);
  }));

test("what is rejected is counted by its reason, and the rest stays", () =>
  withDoor(async (door) => {
    const results = [
      {
        index: 0,
        id: "a",
        status: "rejected",
        code: "invalid_field",
        message: "Send a number.",
        field: "tokens.input",
      },
      { index: 1, id: "b", status: "duplicate" },
    ];
    door.instead = () => ({ status: 202, body: { accepted: 1, duplicates: 1, conflicts: 0, rejected: 1, results } });
    const { sender: one, told } = sender(door);
    for (let number = 0; number < 3; number += 1) one.accept(event());
    await one.flush();
    one.losses.tell();

    assert.deepEqual(one.stats().lost, { invalid_field: 1 });
    assert.equal(one.stats().delivered, 2);
    assert.match(told[0] ?? "", /1 events were not kept \(invalid_field 1\). Send a number./);
  }));

test("one event that spoils a request is found and left out", () =>
  withDoor(async (door) => {
    const spoils = event({ model: "spoils" });
    door.instead = () =>
      door.requests.at(-1)?.events.some(({ model }) => model === "spoils") ? { status: 413 } : undefined;
    const { sender: one } = sender(door);
    for (let number = 0; number < 9; number += 1) one.accept(number === 4 ? spoils : event());
    await one.flush();

    assert.equal(door.events.length, 8);
    assert.deepEqual(one.stats().lost, { too_large: 1 });
  }));

test("what cannot be written as JSON is counted", () =>
  withDoor(async (door) => {
    const { sender: one } = sender(door);
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    one.accept(circle);
    one.accept({ number: 1n });
    one.accept(event({ model: "x".repeat(100_000) }));

    assert.deepEqual(one.stats().lost, { unserializable: 2, too_large: 1 });
  }));

test("memory holds so many events and no more, and the rest is counted", () =>
  withDoor(async (door) => {
    door.instead = () => ({ status: 503 });
    const { sender: one } = sender(door, { maxQueued: 100 });
    for (let number = 0; number < 250; number += 1) one.accept(event());
    await one.flush();

    assert.equal(one.stats().queued, 100);
    assert.deepEqual(one.stats().lost, { queue_full: 150 });
  }));

test("losses are told once, and again only when there are more", () =>
  withDoor(async (door) => {
    const { sender: one, told } = sender(door);
    one.accept({ number: 1n });
    one.losses.tell();
    one.losses.tell();
    assert.equal(told.length, 1);

    one.accept({ number: 1n });
    one.losses.tell();
    assert.match(told[1] ?? "", /2 events were not kept/);
  }));

test("without a key or an address nothing is sent, and that is said and counted", () => {
  const told: string[] = [];
  const one = new Sender(settle({ url: "http://127.0.0.1:1" }), (message) => told.push(message));
  one.accept(event());

  assert.match(told[0] ?? "", /TOKENTRA_API_KEY/);
  assert.deepEqual(one.stats().lost, { not_configured: 1 });
  assert.equal(typeof settle({ apiKey: "key", url: "ftp://host" }), "string");
  assert.equal(typeof settle({ apiKey: "key\nX: y", url: "http://host" }), "string");
});

test("while TokenTra is away events overflow to disk, and another process brings them", () =>
  withDoor(async (door) => {
    const spool = directory();
    door.instead = () => ({ status: 503 });
    const { sender: first } = sender(door, { spool, maxQueued: 1_000 });
    for (let number = 0; number < 900; number += 1) first.accept(event());
    await first.flush();
    assert.deepEqual([first.stats().queued, first.stats().spooled], [400, 500]);
    first.leave();
    assert.deepEqual([first.stats().queued, first.stats().spooled], [0, 900]);

    door.instead = undefined;
    const { sender: second } = sender(door, { spool });
    await door.received(900);
    await second.flush();

    assert.equal(door.duplicates, 0);
    assert.deepEqual(fs.readdirSync(spool), []);
    assert.equal(second.stats().delivered, 900);
  }));

test("what was on disk stays there while TokenTra is away", () =>
  withDoor(async (door) => {
    const spool = directory();
    const { sender: first } = sender(door, { spool });
    first.accept(event());
    first.leave();
    door.instead = () => ({ status: 503 });
    const { sender: second } = sender(door, { spool });
    second.accept(event());
    await second.flush();

    assert.equal(fs.readdirSync(spool).filter((name) => name.endsWith(".events")).length, 1);
    door.instead = undefined;
    await second.flush();
    await door.received(2);
  }));

test("who has left touches nothing on disk any more", () =>
  withDoor(async (door) => {
    const spool = directory();
    const { sender: one } = sender(door, { spool });
    one.accept(event());
    one.leave();
    await passing(100);

    assert.equal(door.requests.length, 0);
    assert.equal(fs.readdirSync(spool).filter((name) => name.endsWith(".events")).length, 1);
  }));

test("files are for their owner alone", () =>
  withDoor(async (door) => {
    const spool = join(directory(), "deep", "er");
    const { sender: one } = sender(door, { spool });
    one.accept(event());
    one.leave();

    assert.equal(fs.statSync(spool).mode & 0o777, 0o700);
    assert.equal(fs.statSync(join(spool, fs.readdirSync(spool)[0] ?? "")).mode & 0o777, 0o600);
  }));

test("a directory that others can write to is not used", () =>
  withDoor(async (door) => {
    const spool = directory();
    fs.chmodSync(spool, 0o777);
    const { sender: one } = sender(door, { spool });
    one.accept(event());
    one.leave();

    assert.deepEqual(one.stats().lost, { disk_failed: 1 });
  }));

test("a disk that is full, or used up as far as it may be, loses and counts", () =>
  withDoor(async (door) => {
    const { sender: full } = sender(door, { spool: "/dev/full/spool" });
    full.accept(event());
    full.leave();
    assert.deepEqual(full.stats().lost, { disk_failed: 1 });

    const spool = directory();
    const { sender: small } = sender(door, { spool, maxSpoolBytes: 10 });
    small.accept(event());
    small.leave();
    assert.deepEqual(small.stats().lost, { spool_full: 1 });
    assert.deepEqual(fs.readdirSync(spool), []);
  }));

test("half a file that a crash left is passed over", () =>
  withDoor(async (door) => {
    const spool = directory();
    const good = event();
    fs.writeFileSync(join(spool, `${uuid7()}.events`), `${JSON.stringify(good)}\n{"id": "cut of`);
    const { sender: one } = sender(door, { spool });
    assert.deepEqual(await door.received(1), [good]);
    await one.flush();

    assert.deepEqual(fs.readdirSync(spool), []);
  }));

test("what another process has claimed and never sent is taken over", () =>
  withDoor(async (door) => {
    const spool = directory();
    const path = join(spool, `${uuid7()}.claimed`);
    fs.writeFileSync(path, `${JSON.stringify(event())}\n`);
    const { sender: one } = sender(door, { spool });
    await one.flush();
    assert.equal(door.events.length, 0);

    fs.utimesSync(path, new Date(0), new Date(0));
    one.accept(event());
    await door.received(2);
  }));

test("times to come again are read in both forms and never absurd", () => {
  assert.equal(retryAfter("2"), 2_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:05 GMT", 1_000), 4_000);
  assert.equal(retryAfter("Thu, 01 Jan 1970 00:00:05 GMT", 9_000), 0);
  assert.equal(retryAfter("999999999"), 600_000);
  for (const nonsense of [undefined, "", "soon", "-5", "NaN"]) assert.equal(retryAfter(nonsense), 0);
});

test("ids are UUIDs of version 7 with their time inside, and never the same", () => {
  const ids = Array.from({ length: 10_000 }, () => uuid7());

  assert.equal(new Set(ids).size, 10_000);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(parseInt(uuid7(1_700_000_000_123).replaceAll("-", "").slice(0, 12), 16), 1_700_000_000_123);
});

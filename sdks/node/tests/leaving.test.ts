// The end of a process: it ends as it would without us, and nothing that was measured is lost unsaid.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { openaiAnswers } from "./answers.js";
import { type ModelServer, modelServer } from "./model_server.js";
import { type Door, tokentra } from "./tokentra_server.js";

let models: ModelServer;
let door: Door;
let temporary: string;

before(async () => {
  models = await modelServer(openaiAnswers);
});
after(async () => {
  await models.close();
  await door.close();
});
beforeEach(async () => {
  await door?.close();
  door = await tokentra();
  temporary = fs.mkdtempSync(join(tmpdir(), "tokentra-test-"));
});

interface Ended {
  code: number | null;
  signal: string | null;
  output: string;
  errors: string;
}

class Program {
  output = "";
  errors = "";
  readonly child: ChildProcess;
  private readonly end: Promise<[number | null, string | null]>;

  constructor(name: string, ...given: string[]) {
    const file = fileURLToPath(new URL(`./programs/${name}.mjs`, import.meta.url));
    const env = { PATH: process.env["PATH"], TMPDIR: temporary, TOKENTRA_URL: door.url, TOKENTRA_API_KEY: "tt_key" };
    this.child = spawn(process.execPath, [file, models.url, ...given], { env, stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout?.on("data", (piece) => (this.output += piece));
    this.child.stderr?.on("data", (piece) => (this.errors += piece));
    this.end = once(this.child, "close") as Promise<[number | null, string | null]>;
  }

  async said(word: string): Promise<void> {
    while (!this.output.includes(word)) await once(this.child.stdout as NodeJS.EventEmitter, "data");
  }

  async ended(): Promise<Ended> {
    const [code, signal] = await this.end;
    return { code, signal, output: this.output, errors: this.errors };
  }
}

function spooled(): string[] {
  const found: string[] = [];
  const look = (directory: string) => {
    for (const entry of fs.readdirSync(directory, { withFileTypes: true })) {
      if (entry.isDirectory()) look(join(directory, entry.name));
      else if (entry.name.endsWith(".events")) found.push(entry.name);
    }
  };
  look(temporary);
  return found;
}

test("a program that is done sends what it has and ends", async () => {
  const { code, errors } = await new Program("ends", "returns").ended();

  assert.deepEqual([code, errors], [0, ""]);
  assert.equal(door.events.length, 1);
});

test("a program that is done while TokenTra is away ends, and the next one brings its events", async () => {
  door.instead = () => ({ status: 503 });
  const began = Date.now();
  const { code } = await new Program("ends", "returns").ended();
  assert.equal(code, 0);
  assert.ok(Date.now() - began < 20_000);
  assert.equal(spooled().length, 1);

  door.instead = undefined;
  await new Program("ends", "returns").ended();
  await door.received(2);
});

test("a program that is done while TokenTra does not answer waits as long as it may, and ends", async () => {
  door.instead = () => ({ status: 0, hangs: true });
  const began = Date.now();
  const { code } = await new Program("ends", "returns").ended();

  assert.equal(code, 0);
  assert.ok(Date.now() - began < 20_000);
  assert.equal(spooled().length, 1);
});

test("a program that exits at once keeps its code, and its events are on disk", async () => {
  const { code } = await new Program("ends", "exits").ended();

  assert.equal(code, 3);
  assert.equal(door.events.length, 0);
  assert.equal(spooled().length, 1);
});

test("a program that dies of an error dies of it", async () => {
  const { code, errors } = await new Program("ends", "throws").ended();

  assert.equal(code, 1);
  assert.match(errors, /as the test wants/);
  assert.equal(spooled().length, 1);
});

test("a program that is ended from outside sends what it has and ends by that signal", async () => {
  const program = new Program("ends", "waits");
  await program.said("called");
  program.child.kill("SIGTERM");
  const { signal } = await program.ended();

  assert.equal(signal, "SIGTERM");
  assert.equal(door.events.length, 1);
});

test("a program that is interrupted twice ends at once", async () => {
  door.instead = () => ({ status: 0, hangs: true });
  const program = new Program("ends", "waits");
  await program.said("called");
  program.child.kill("SIGINT");
  program.child.kill("SIGINT");
  const { signal } = await program.ended();

  assert.equal(signal, "SIGINT");
  assert.equal(spooled().length, 1);
});

test("a program that has its own way to end when told goes it", async () => {
  const program = new Program("ends", "handles");
  await program.said("called");
  program.child.kill("SIGTERM");
  const { code, output } = await program.ended();

  assert.equal(code, 0);
  assert.match(output, /handled/);
  assert.equal(door.events.length, 1);
});

test("a process that is frozen in the middle of sending brings each event once when it goes on", {
  timeout: 30_000,
}, async () => {
  const program = new Program("freezes");
  await program.said("called");
  program.child.kill("SIGSTOP");
  await new Promise((resolve) => setTimeout(resolve, 300)); // what a freeze is: time that passes unseen
  for (const drop of door.sockets) drop.destroy();
  program.child.kill("SIGCONT");
  const { code } = await program.ended();

  assert.equal(code, 0);
  assert.equal(door.events.length, 20);
});

test("a disk that cannot be written to is said at the end", async () => {
  const file = join(temporary, "file");
  fs.writeFileSync(file, "");
  temporary = file;
  const { code, errors } = await new Program("ends", "exits").ended();

  assert.equal(code, 3);
  assert.match(errors, /1 events were not kept \(disk_failed 1\)/);
});

// The package as it is packed, installed into a fresh project without any registry.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { type Door, tokentra } from "./tokentra_server.js";

const NAMES = [
  ..."BudgetReached CallRefused CheckUnavailable PromptTooLong TokenTra agent attributes check flush".split(" "),
  ..."middleware observe requestScope run setCustomerId stats tool wrap".split(" "),
];
const found = createRequire(import.meta.url);
const tsc = join(dirname(found.resolve("typescript/package.json")), "bin/tsc");
let project: string;
let door: Door;

before(async () => {
  project = fs.mkdtempSync(join(tmpdir(), "tokentra-test-"));
  door = await tokentra();
  const packed = await npm(".", "pack", "--ignore-scripts", "--pack-destination", project);
  has({ "package.json": "{}" });
  assert.match(await npm(project, "install", join(project, packed.trim())), /added 1 package/);
});
after(async () => {
  fs.rmSync(project, { recursive: true });
  await door.close();
});

function has(files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) fs.writeFileSync(join(project, path), text);
}

async function ran(directory: string, program: string, ...given: string[]): Promise<string> {
  const PATH = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
  const env = { PATH, HOME: project, TOKENTRA_URL: door.url, TOKENTRA_API_KEY: `tt_test_${"0".repeat(38)}` };
  const done = await promisify(execFile)(program, given, { cwd: directory, env }).catch((error) => error);
  return `${done.stdout}${done.code ? `${done.stderr} ended with ${done.code}` : ""}`;
}

function npm(directory: string, ...given: string[]): Promise<string> {
  return ran(directory, "npm", ...given, "--offline", "--no-audit", "--no-fund", "--loglevel=error");
}

test("it brings nothing along, and its command works", async () => {
  const files = fs.readdirSync(join(project, "node_modules")).filter((name) => !name.startsWith("."));
  assert.deepEqual(files, ["@tokentra"]);
  const said = await npm(project, "exec", "--", "@tokentra/sdk", "check");

  assert.match(
    said,
    /^ok {4}key.*\nok {4}address.*\nok {4}clock.*\nok {4}event: A test event was stored\.\nok {4}budgets.*\n$/,
  );
});

test("ES modules and CommonJS have everything", async () => {
  has({
    "main.mjs": 'import "@tokentra/sdk/auto";\nconsole.log(Object.keys(await import("@tokentra/sdk")).sort().join());',
    "main.cjs": 'require("@tokentra/sdk/auto");\nconsole.log(Object.keys(require("@tokentra/sdk")).sort().join());',
  });

  for (const main of ["main.mjs", "main.cjs"]) {
    assert.equal(await ran(project, process.execPath, main), `${NAMES.join()}\n`);
  }
});

const TYPED = `
import "@tokentra/sdk/auto";
import { type Attributes, middleware, setCustomerId, TokenTra, wrap } from "@tokentra/sdk";
const client = wrap({ ask: (question: string): number => question.length });
export const answer: number = client.ask("…");
export const said: Promise<string> = setCustomerId("acme", async () => "said");
export const known: Attributes = { feature: "search" };
export const one = new TokenTra({ attributes: known, warn: (message: string): void => console.log(message) });
export const found = middleware((request) => request.headers["x-customer"]);
// @ts-expect-error there is no such attribute
export const wrong: Attributes = { featur: "search" };
`;

test("TypeScript has the types of both kinds of modules, however it resolves them", async () => {
  const types = dirname(found.resolve("@types/node/package.json"));
  const typeRoots = JSON.stringify(dirname(types));
  const config = (module: string, resolution: string) =>
    `{"compilerOptions": {"module": "${module}", "moduleResolution": "${resolution}", "target": "es2022", "strict": true,
      "noEmit": true, "skipLibCheck": false, "types": ["node"], "typeRoots": [${typeRoots}]}, "include": ["*.mts", "*.cts"]}`;
  has({
    "main.mts": TYPED,
    "main.cts": TYPED,
    "nodenext.json": config("nodenext", "nodenext"),
    "bundler.json": config("esnext", "bundler").replace(', "*.cts"', ""),
  });

  assert.equal(await ran(project, process.execPath, tsc, "--project", "nodenext.json"), "");
  assert.equal(await ran(project, process.execPath, tsc, "--project", "bundler.json"), "");
});

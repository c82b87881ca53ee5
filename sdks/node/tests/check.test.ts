// npx @tokentra/sdk check, as it is built.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { check } from "../src/check.js";

const KEY = `tt_test_${"0".repeat(38)}`;

interface Served {
  url: string;
  bodies: string[];
  close(): void;
}

/** Closed at the end of the test, however it ends. */
async function serving(context: TestContext, status: number, clock = 0, verdict: object = {}): Promise<Served> {
  const bodies: string[] = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    response.setHeader("date", new Date(Date.now() + clock).toUTCString());
    if (request.url === "/healthz") return response.end("ok");
    bodies.push(body);
    if (request.url === "/api/usage/check") return response.end(JSON.stringify(verdict));
    response.writeHead(status);
    return response.end(JSON.stringify({ error: { message: "This key is not known." } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  context.after(close);
  return { url: `http://127.0.0.1:${port}`, bodies, close };
}

const wrong = async (url: string, apiKey = KEY) =>
  (await check({ url, apiKey })).filter(({ ok }) => !ok).map(({ what, message }) => `${what}: ${message}`);

test("all is well, and the test event costs nothing", async (context) => {
  const server = await serving(context, 202);

  assert.deepEqual(await wrong(server.url), []);
  const { provider, model, purpose, tokens, cost } = JSON.parse(server.bodies[0] ?? "");
  assert.deepEqual([provider, model, purpose, tokens], ["tokentra", "test-event", "test", {}]);
  assert.equal(cost.amount, "0");
});

test("a key, an address, a clock and a refusal are told apart", async (context) => {
  const refusing = await serving(context, 401);
  const late = await serving(context, 202, 31 * 86_400_000);
  const fast = await serving(context, 202, -3_600_000);
  const slow = await serving(context, 202, 3_600_000);

  assert.match((await wrong(late.url, "nonsense")).join(), /^key: .*,clock: \d+ s behind .* Set this machine's clock/);
  assert.match((await wrong(fast.url)).join(), /^clock: 3[56]\d\d s ahead of/);
  assert.deepEqual(await wrong(slow.url), [], "an hour back is taken");
  assert.deepEqual(await wrong(refusing.url), ["event: A test event was refused (401). This key is not known."]);
  for (const server of [refusing, late, fast, slow]) server.close();
  assert.match((await wrong(late.url)).join(), /cannot be reached \(ECONN(REFUSED|RESET)\)/);
  assert.match((await wrong("")).join(), /TOKENTRA_URL/);
});

test("it says what the check before calls answers, and that only where calls wait for it silence is a fault", async (context) => {
  const allowing = await serving(context, 202, 0, { verdict: "allow", delayMs: 20, ttlSeconds: 5 });
  const silent = await serving(context, 202);
  const said = async (url: string, check: boolean) => (await check_(url, check)).at(-1);
  const check_ = (url: string, asks: boolean) => check({ url, apiKey: KEY, check: asks });

  const may = await said(allowing.url, true);
  assert.match(
    `${may?.what} ${may?.ok} ${may?.message}`,
    /^budgets true The check answers in \d+ ms that calls may be made, and slowed by 20 ms; without/,
  );
  assert.deepEqual([(await said(silent.url, false))?.ok, (await said(silent.url, true))?.ok], [true, false]);
  assert.match((await said(silent.url, false))?.message ?? "", /answered 200; this program does not ask/);
  assert.deepEqual(JSON.parse(silent.bodies[1] ?? ""), {
    provider: "tokentra",
    model: "test-event",
    estimatedCost: "0",
  });
});

test("the command says it and ends accordingly, without the key", async (context) => {
  const server = await serving(context, 401);
  const env = { PATH: process.env["PATH"], TOKENTRA_URL: server.url, TOKENTRA_API_KEY: KEY };
  const [code, output] = await new Promise<[unknown, string]>((resolve) => {
    execFile(process.execPath, ["dist/cli.js", "check"], { env }, (error, stdout) => resolve([error?.code, stdout]));
  });

  assert.equal(code, 1);
  assert.match(output, /ok {4}address.*\n/);
  assert.match(output, /WRONG event: .*401/);
  assert.ok(!output.includes(KEY));
});

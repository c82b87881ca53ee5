// npx @tokentra/sdk check, as it is built.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { check } from "../src/check.js";

const KEY = `tt_test_${"0".repeat(38)}`;

interface Served {
  url: string;
  bodies: string[];
  close(): void;
}

async function serving(status: number, clock = 0): Promise<Served> {
  const bodies: string[] = [];
  const server = http.createServer(async (request, response) => {
    let body = "";
    for await (const piece of request) body += piece;
    response.setHeader("date", new Date(Date.now() + clock).toUTCString());
    if (request.url === "/healthz") return response.end("ok");
    bodies.push(body);
    response.writeHead(status);
    return response.end(JSON.stringify({ error: { message: "This key is not known." } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${port}`, bodies, close };
}

const wrong = async (url: string, apiKey = KEY) =>
  (await check({ url, apiKey })).filter(({ ok }) => !ok).map(({ what, message }) => `${what}: ${message}`);

test("all is well, and the test event costs nothing", async () => {
  const server = await serving(202);

  assert.deepEqual(await wrong(server.url), []);
  const { provider, model, purpose, tokens, cost } = JSON.parse(server.bodies[0] ?? "");
  assert.deepEqual([provider, model, purpose, tokens], ["tokentra", "test-event", "test", {}]);
  assert.equal(cost.amount, "0");
  server.close();
});

test("a key, an address, a clock and a refusal are told apart", async () => {
  const refusing = await serving(401);
  const late = await serving(202, 31 * 86_400_000);
  const fast = await serving(202, -3_600_000);
  const slow = await serving(202, 3_600_000);

  assert.match((await wrong(late.url, "nonsense")).join(), /^key: .*,clock: \d+ s behind .* Set this machine's clock/);
  assert.match((await wrong(fast.url)).join(), /^clock: 3[56]\d\d s ahead of/);
  assert.deepEqual(await wrong(slow.url), [], "an hour back is taken");
  assert.deepEqual(await wrong(refusing.url), ["event: A test event was refused (401). This key is not known."]);
  for (const server of [refusing, late, fast, slow]) server.close();
  assert.match((await wrong(late.url)).join(), /cannot be reached \(ECONN(REFUSED|RESET)\)/);
  assert.match((await wrong("")).join(), /TOKENTRA_URL/);
});

test("the command says it and ends accordingly, without the key", async () => {
  const server = await serving(401);
  const env = { PATH: process.env["PATH"], TOKENTRA_URL: server.url, TOKENTRA_API_KEY: KEY };
  const [code, output] = await new Promise<[unknown, string]>((resolve) => {
    execFile(process.execPath, ["dist/cli.js", "check"], { env }, (error, stdout) => resolve([error?.code, stdout]));
  });
  server.close();

  assert.equal(code, 1);
  assert.match(output, /ok {4}address.*\n/);
  assert.match(output, /WRONG event: .*401/);
  assert.ok(!output.includes(KEY));
});

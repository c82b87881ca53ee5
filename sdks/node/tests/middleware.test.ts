// Express, as it is installed: requests at once, over kept connections, share no customer.
import assert from "node:assert/strict";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import express, { type Express, type Request, type RequestHandler } from "express";
import { current } from "../src/context.js";
import { middleware, setCustomerId } from "../src/index.js";

const said = () => current("call")?.customerId ?? "nobody";

const signIn: RequestHandler = async (request, _response, next) => {
  await wait(Math.random() * 3);
  if (request.body?.customer) setCustomerId(request.body.customer);
  next();
};

const answers: RequestHandler = async (_request, response) => {
  const before = said();
  await wait(Math.random() * 5);
  response.write(`${before} `); // and the rest of the answer later
  setImmediate(() => response.end(said()));
};

async function serving(app: Express, act: (ask: (customer?: string) => Promise<string>) => Promise<void>) {
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const agent = new http.Agent({ keepAlive: true, maxSockets: 5 });
  const ask = (customer?: string) =>
    new Promise<string>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const headers = { "content-type": "application/json", "x-customer": customer ?? "" };
      const options = { host: "127.0.0.1", port, agent, method: "POST", headers };
      const request = http.request(options, async (response) => {
        let text = "";
        for await (const piece of response) text += piece;
        resolve(text);
      });
      request.on("error", reject).end(JSON.stringify({ customer }));
    });
  await act(ask).finally(() => {
    agent.destroy();
    server.close();
  });
}

const PLACES: Record<string, readonly RequestHandler[]> = {
  "before the parser of bodies": [middleware(), express.json()],
  "after the parser of bodies": [express.json(), middleware()],
};

for (const [place, handlers] of Object.entries(PLACES)) {
  test(`${place}, three hundred requests of five connections keep their customers apart`, async () => {
    const app = express();
    app.use(...handlers, signIn);
    app.post("/", answers);
    await serving(app, async (ask) => {
      const wanted = Array.from({ length: 300 }, (_, number) => (number % 3 ? `customer-${number}` : undefined));

      assert.deepEqual(
        await Promise.all(wanted.map(ask)),
        wanted.map((customer = "nobody") => `${customer} ${customer}`),
      );
    });
    assert.equal(said(), "nobody");
  });
}

test("a request is asked for its customer, and what is set says more", async () => {
  const app = express();
  const ofHeader = (request: Request) => request.headers["x-customer"];
  app.use(middleware(ofHeader), express.json());
  app.post("/", answers);
  const setting = express();
  const setsAnother: RequestHandler = (_request, _response, next) => {
    setCustomerId("another");
    next();
  };
  setting.use(middleware(ofHeader), setsAnother);
  setting.post("/", answers);

  await serving(app, async (ask) => {
    assert.deepEqual(await Promise.all([ask("acme"), ask(), ask("globex")]), [
      "acme acme",
      "nobody nobody",
      "globex globex",
    ]);
  });
  await serving(setting, async (ask) => assert.equal(await ask("acme"), "another another"));
});

test("what fails after it fails as it would have", () => {
  const fails = () => {
    throw new RangeError("theirs");
  };

  assert.throws(() => middleware<object>()({}, {}, fails), RangeError);
});

// Whose call it is: set once, carried along, and never seen by anybody else.
import assert from "node:assert/strict";
import { once } from "node:events";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { current } from "../src/context.js";
import { agent, attributes, requestScope, run, setCustomerId, tool } from "../src/index.js";

const said = (id = "call") => current(id) ?? {};

test("outside of everything nothing is said", () => {
  assert.deepEqual(said(), {});
});

test("what is said holds inside, adds up, and ends", async () => {
  const found = await attributes({ feature: "chat", tags: { plan: "pro" } }, () =>
    attributes({ team: "search", tags: { region: "eu" } }, async () => {
      await wait(1);
      return said();
    }),
  );

  assert.deepEqual(found, { feature: "chat", team: "search", tags: { plan: "pro", region: "eu" } });
  assert.deepEqual(said(), {});
});

test("ten thousand tasks at once keep their customers apart", async () => {
  const one = async (number: number) => {
    setCustomerId(`customer-${number}`);
    await wait(Math.random() * 20);
    const first = said().customerId;
    await attributes({ feature: "f" }, async () => wait(Math.random() * 5));
    return [first, said().customerId, `customer-${number}`];
  };

  const found = await requestScope(() => Promise.all(Array.from({ length: 10_000 }, (_, number) => one(number))));

  assert.deepEqual(
    found.filter(([first, second, own]) => first !== own || second !== own),
    [],
  );
});

test("a customer that is set for a piece of code is set for nothing else", async () => {
  const found = await requestScope(() =>
    Promise.all([
      setCustomerId("acme", async () => {
        await wait(2);
        return said().customerId;
      }),
      (async () => {
        await wait(1);
        return said().customerId;
      })(),
      attributes({ customerId: "globex" }, () => setCustomerId(null, () => said().customerId)),
    ]),
  );

  assert.deepEqual(found, ["acme", undefined, undefined]);
});

test("requests of one kept connection do not inherit from one another", async () => {
  const server = http.createServer(async (request, response) => {
    const inherited = said().customerId ?? "nobody";
    const wanted = request.headers["x-customer"];
    if (wanted) setCustomerId(String(wanted));
    await wait(2);
    response.end(`${inherited} ${said().customerId ?? "nobody"}`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const agentOfClient = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (customer?: string) =>
    new Promise<string>((resolve, reject) => {
      const { port } = server.address() as AddressInfo;
      const headers = customer ? { "x-customer": customer } : {};
      const options = { host: "127.0.0.1", port, agent: agentOfClient, headers };
      http
        .get(options, async (response) => {
          let text = "";
          for await (const piece of response) text += piece;
          resolve(text);
        })
        .on("error", reject);
    });

  const found = [await ask("acme"), await ask(), await ask("globex"), await ask()];
  agentOfClient.destroy();
  server.close();

  assert.deepEqual(found, ["nobody acme", "nobody nobody", "nobody globex", "nobody nobody"]);
});

test("a customer that a step of a request set holds for the rest of the request, and not longer", async () => {
  const found = await requestScope(async () => {
    const authenticated = async () => {
      await wait(1);
      setCustomerId("acme");
    };
    await authenticated();
    return said().customerId;
  });

  assert.equal(found, "acme");
  assert.equal(said().customerId, undefined);
});

test("a request can be asked for its customer", () => {
  const asked = () => said().customerId;

  assert.equal(
    requestScope(asked, () => "acme"),
    "acme",
  );
  assert.equal(
    requestScope(
      () => {
        setCustomerId("globex");
        return asked();
      },
      () => "acme",
    ),
    "globex",
  );
  assert.equal(
    requestScope(
      () => {
        setCustomerId(null);
        return asked();
      },
      () => "acme",
    ),
    undefined,
  );
  assert.equal(
    requestScope(asked, () => {
      throw new Error("no session");
    }),
    undefined,
  );
});

test("a run is one id for all that it does, and its tree follows from the order of calls", async () => {
  const calls: Record<string, object> = {};
  await run({ customerId: "acme" }, async () => {
    calls["plan"] = said("plan");
    await agent("planner", async () => {
      calls["step"] = said("step");
      await tool("search", async () => {
        calls["search"] = said("search");
      });
      calls["next"] = said("next");
    });
  });

  const { runId } = calls["plan"] as { runId: string };
  assert.match(runId, /^[0-9a-f-]{36}$/);
  assert.deepEqual(calls, {
    plan: { customerId: "acme", runId },
    step: { customerId: "acme", runId, agent: "planner", parentId: "plan" },
    search: { customerId: "acme", runId, agent: "planner", tool: "search", parentId: "step" },
    next: { customerId: "acme", runId, agent: "planner", parentId: "plan" },
  });
});

test("a run may have a name of its own, and one beside it has another", () => {
  assert.equal(
    run("order-7", () => said().runId),
    "order-7",
  );
  assert.notEqual(
    run(() => said().runId),
    run(() => said().runId),
  );
});

test("what is no text says nothing, and what is too long is cut", () => {
  const hostile = {
    feature: Symbol("no"),
    team: { toString: () => "never asked" },
    userId: 10n ** 20n,
    agent: "x".repeat(1_000),
    get project() {
      throw new Error("never seen");
    },
    tags: { good: 1, bad: { deep: true }, nothing: null },
  } as object;

  const found = attributes(hostile, () => said());

  assert.equal(found.feature, undefined);
  assert.equal(found.team, undefined);
  assert.equal(found.project, undefined);
  assert.equal(found.userId, "100000000000000000000");
  assert.equal(found.agent?.length, 256);
  assert.deepEqual(found.tags, { good: "1" });
});

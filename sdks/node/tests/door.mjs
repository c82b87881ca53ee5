// Calls of several customers, features, agents and runs, made with the package as it is built. Takes the address of
// the models; the environment says where TokenTra is.
import { agent, attributes, flush, observe, run, setCustomerId, stats, tool, wrap } from "@tokentra/sdk";
import OpenAI from "openai";

const [models] = process.argv.slice(2);
observe({ spool: false, attributes: { environment: "production", project: "checkout" } });
const openai = wrap(new OpenAI({ apiKey: "none", baseURL: `${models}/v1`, maxRetries: 0 }));
const messages = [{ role: "user", content: "The secret question" }];

async function ask(more = {}) {
  const answer = await openai.chat.completions.create({ model: "gpt-4o-mini", messages, ...more });
  if (more.stream) for await (const _ of answer);
}

await Promise.all(
  ["acme", "globex"].map((customer, number) =>
    setCustomerId(customer, async () => {
      await attributes({ feature: "summary" }, async () => {
        for (let count = 0; count <= number; count += 1) await ask();
      });
      await run(`run-of-${customer}`, () =>
        agent("planner", async () => {
          await ask({ stream: true });
          await tool("search", () => ask());
        }),
      );
    }),
  ),
);
await ask({ model: "broken" }).catch(() => undefined);

const isSent = await flush();
console.log(JSON.stringify({ isSent, ...stats() }));

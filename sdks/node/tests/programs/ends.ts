// A program that makes one model call and ends in the way that it is told.
import OpenAI from "openai";
import { TokenTra } from "../../src/index.js";

const [models, way] = process.argv.slice(2) as [string, string];
const tt = new TokenTra({ flushEveryMs: 60_000, exitTimeoutMs: 2_000 });
const openai = tt.wrap(new OpenAI({ apiKey: "none", baseURL: `${models}/v1`, maxRetries: 0 }));
await openai.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content: "…" }] });

const ways: Record<string, () => void> = {
  returns: () => undefined,
  exits: () => process.exit(3),
  throws: () => {
    throw new Error("as the test wants");
  },
  waits: () => setInterval(() => undefined, 1_000),
  handles: () => {
    const timer = setInterval(() => undefined, 1_000);
    process.once("SIGTERM", () => {
      console.log("handled");
      setTimeout(() => clearInterval(timer), 50);
    });
  },
};
ways[way]?.();
console.log("called");

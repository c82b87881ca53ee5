// A program that reports calls while it is frozen and thawed from outside, as serverless platforms do.
import OpenAI from "openai";
import { TokenTra } from "../../src/index.js";

const [models] = process.argv.slice(2) as [string];
const tt = new TokenTra({ flushEveryMs: 1, spool: false });
const openai = tt.wrap(new OpenAI({ apiKey: "none", baseURL: `${models}/v1` }));
for (let number = 0; number < 20; number += 1) {
  await openai.chat.completions.create({ model: "gpt-4o-mini", messages: [{ role: "user", content: "…" }] });
  if (number === 5) console.log("called");
}
while (!(await tt.flush())) await new Promise((resolve) => setTimeout(resolve, 50));

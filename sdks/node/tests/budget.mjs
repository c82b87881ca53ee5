// Calls that ask before they are made, with the package as it is built, until a budget refuses one. Takes the address of
// the models; the environment says where TokenTra is.
import { BudgetReached, flush, observe, setCustomerId, stats, wrap } from "@tokentra/sdk";
import OpenAI from "openai";

const [models] = process.argv.slice(2);
observe({ spool: false, check: "closed", checkTimeoutMs: 10_000 });
const openai = wrap(new OpenAI({ apiKey: "none", baseURL: `${models}/v1`, maxRetries: 0 }));
const messages = [{ role: "user", content: "Hi" }];
setCustomerId("globex");

async function ask(max_tokens) {
  try {
    await openai.chat.completions.create({ model: "gpt-4o-mini", messages, max_tokens });
    await flush();
    return "made";
  } catch (error) {
    if (!(error instanceof BudgetReached)) throw error;
    return { message: error.message, budget: error.budget, until: error.until, ask: error.ask, askUrl: error.askUrl };
  }
}

const came = [await ask(1_000_000), await ask(10)];
console.log(JSON.stringify({ came, checks: stats().checks }));

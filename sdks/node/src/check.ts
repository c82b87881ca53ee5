// Says what stands between this machine and TokenTra: the key, the address, the clock, and a test event.
import { ask, post } from "./delivery.js";
import { asking } from "./guarding.js";
import { uuid7 } from "./ids.js";
import { refusal } from "./refusals.js";
import { checks, type Options, type Settings, settle } from "./settings.js";
import { isVerdict } from "./verdicts.js";

export interface Finding {
  what: "settings" | "key" | "address" | "clock" | "event" | "budgets";
  ok: boolean;
  message: string;
}

const KEY = /^tt_(live|test)_[0-9A-Za-z]{38}$/;
const FAST = 600; // seconds by which an event's time may lie ahead, and back
const LATE = 30 * 86_400;
const TIMEOUT = 10_000;

/** Looks from outside to inside and stops at what makes the rest pointless. The test event costs nothing. */
export async function check(options: Options = {}): Promise<Finding[]> {
  const settings = settle(options);
  if (typeof settings === "string") return [{ what: "settings", ok: false, message: settings }];
  const found: Finding[] = [];
  const isShaped = KEY.test(settings.apiKey);
  const shape = isShaped ? `A key that ends in ${settings.apiKey.slice(-4)}.` : "This is not what a key looks like.";
  found.push({ what: "key", ok: isShaped, message: shape });
  const { origin } = settings.url;
  const alive = setInterval(() => undefined, 1_000); // requests by themselves do not keep a process alive
  try {
    const answer = await ask(new URL("/healthz", settings.url), "GET");
    const isThere = answer.status === 200;
    found.push({ what: "address", ok: isThere, message: `${origin} answers ${answer.status}.` });
    const ahead = Date.now() - Date.parse(String(answer.headers.date));
    if (!Number.isNaN(ahead)) found.push(clock(Math.round(ahead / 1_000)));
    if (!isThere) return found;
    const event = { id: uuid7(), occurredAt: new Date().toISOString(), provider: "tokentra", model: "test-event" };
    const costs = { tokens: {}, cost: { amount: "0", currency: "USD" } };
    const sent = await post(settings, JSON.stringify({ ...event, ...costs, operation: "test", purpose: "test" }));
    const said =
      sent.status === 202 ? "A test event was stored." : `A test event was refused (${sent.status}). ${why(sent.body)}`;
    found.push({ what: "event", ok: sent.status === 202, message: said.trim() });
    if (sent.status === 202) found.push(await budgets(settings, checks(options)));
  } catch (error) {
    const code = (error as { code?: string }).code ?? (error as Error).name;
    found.push({ what: "address", ok: false, message: `${origin} cannot be reached (${code}).` });
  } finally {
    clearInterval(alive);
  }
  return found;
}

/** Of a call that costs nothing, so that nothing is reserved. Only where calls wait for it, silence is a fault. */
async function budgets(settings: Settings, mode: ReturnType<typeof checks>): Promise<Finding> {
  const does = mode
    ? `without an answer calls ${mode === "closed" ? "are not made" : "are made"}`
    : "this program does not ask (TOKENTRA_CHECK)";
  const began = performance.now();
  const question = JSON.stringify({ provider: "tokentra", model: "test-event", estimatedCost: "0" });
  const answer = await asking(settings, question, TIMEOUT);
  const took = Math.round(performance.now() - began);
  const finding = (ok: boolean, message: string): Finding => ({ what: "budgets", ok, message: `${message}; ${does}.` });
  if (!isVerdict(answer)) return finding(!mode, answer.sentence.replace(/\.$/, ""));
  if (answer.refused) return finding(true, refusal(answer.refused).message.replace(/\.$/, ""));
  const slows = answer.delayMs ? `, and slowed by ${answer.delayMs} ms` : "";
  return finding(true, `The check answers in ${took} ms that calls may be made${slows}`);
}

function clock(ahead: number): Finding {
  const isRight = -LATE < ahead && ahead < FAST;
  const differs = `${Math.abs(ahead)} s ${ahead > 0 ? "ahead of" : "behind"} TokenTra's`;
  const message = isRight
    ? Math.abs(ahead) < 2
      ? "Right."
      : `${differs}.`
    : `${differs}: events with such times are rejected. Set this machine's clock.`;
  return { what: "clock", ok: isRight, message };
}

function why(body: string): string {
  try {
    const answer = JSON.parse(body) as { error?: { message?: string }; results?: { message?: string }[] };
    return answer.error?.message ?? answer.results?.[0]?.message ?? "";
  } catch {
    return "";
  }
}

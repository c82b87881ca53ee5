// Says what stands between this machine and TokenTra: the key, the address, the clock, and a test event.
import { ask, post } from "./delivery.js";
import { uuid7 } from "./ids.js";
import { type Options, settle } from "./settings.js";

export interface Finding {
  what: "settings" | "key" | "address" | "clock" | "event";
  ok: boolean;
  message: string;
}

const KEY = /^tt_(live|test)_[0-9A-Za-z]{38}$/;
const MOST_AHEAD = 600_000;

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
    const isRight = Math.abs(ahead) < MOST_AHEAD;
    const seconds = Math.round(ahead / 1_000);
    if (ahead)
      found.push({ what: "clock", ok: isRight, message: `This clock differs from TokenTra's by ${seconds} s.` });
    if (!isThere) return found;
    const event = { id: uuid7(), occurredAt: new Date().toISOString(), provider: "tokentra", model: "check" };
    const sent = await post(settings, JSON.stringify({ ...event, tokens: {}, purpose: "check" }));
    const said =
      sent.status === 202 ? "A test event was stored." : `A test event was refused (${sent.status}). ${why(sent.body)}`;
    found.push({ what: "event", ok: sent.status === 202, message: said.trim() });
  } catch (error) {
    const code = (error as { code?: string }).code ?? (error as Error).name;
    found.push({ what: "address", ok: false, message: `${origin} cannot be reached (${code}).` });
  } finally {
    clearInterval(alive);
  }
  return found;
}

function why(body: string): string {
  try {
    const answer = JSON.parse(body) as { error?: { message?: string }; results?: { message?: string }[] };
    return answer.error?.message ?? answer.results?.[0]?.message ?? "";
  } catch {
    return "";
  }
}

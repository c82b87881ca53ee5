// What TokenTra answers to the question whether a call may be made, and for how long an answer serves others.
import { type Answer, retryAfter } from "./delivery.js";
import { at, type Fields, fields } from "./families/reading.js";

const LONGEST_KEPT = 60_000;
const MOST_KEPT = 1_000;
const FIRST_REST = 1_000;
const LONGEST_REST = 60_000;
const WRONG_REST = 60_000;

export interface Verdict {
  /** What TokenTra said of a call that may not be made. */
  refused?: Fields;
  /** How long the call waits before it is made. */
  delayMs: number;
  /** For how long calls like this one need not ask. */
  keepsMs: number;
}

/** No verdict. `restMs`: for how long nobody asks; else one more failure decides. */
export interface Silence {
  sentence: string;
  restMs?: number;
  /** Another call may be answered. */
  isOfCall?: boolean;
}

export function isVerdict(answer: Verdict | Silence): answer is Verdict {
  return "delayMs" in answer;
}

export function verdictOf({ status, headers, body }: Answer): Verdict | Silence {
  const told = read(body);
  const error = fields(told["error"]);
  if (status === 200 && (told["verdict"] === "allow" || told["verdict"] === "warn")) {
    const keepsMs = told["reservationId"] ? 0 : number(told["ttlSeconds"]) * 1_000;
    return { delayMs: number(told["delayMs"]), keepsMs: Math.min(keepsMs, LONGEST_KEPT) };
  }
  if (status === 402 && error["verdict"] === "block") {
    return { refused: error, delayMs: 0, keepsMs: Math.min(number(error["ttlSeconds"]) * 1_000, LONGEST_KEPT) };
  }
  const sentence = `The check answered ${status}. ${error["message"] ?? ""}`.trim();
  if ([400, 413, 422].includes(status)) return { sentence, isOfCall: true };
  if ([429, 503].includes(status) && at(told, "error")) {
    return { sentence, restMs: Math.max(retryAfter(headers["retry-after"]), FIRST_REST) };
  }
  // a key or an address that somebody has to set right
  return status >= 300 && status < 500 ? { sentence, restMs: WRONG_REST } : { sentence };
}

function read(body: string): Fields {
  try {
    return fields(JSON.parse(body));
  } catch {
    return {};
  }
}

function number(said: unknown): number {
  return typeof said === "number" && said >= 0 && said < 1e9 ? said : 0;
}

/** What goes in, what may come out, what it may cost. */
export type Measure = readonly number[];

/** Answers by kind of call. One that allows serves calls that are no larger, one that refuses those no smaller. */
export class Known {
  private readonly kept = new Map<string, { until: number; of: Measure; verdict: Verdict }>();

  find(kind: string, size: Measure): Verdict | undefined {
    for (const which of ["refuses", "allows"]) {
      const found = this.kept.get(`${which} ${kind}`);
      if (!found || found.until <= Date.now()) continue;
      const serves = (of: number, at: number) =>
        which === "refuses" ? of <= (size[at] ?? 0) : of >= (size[at] ?? Infinity);
      if (found.of.length === size.length && found.of.every(serves)) return found.verdict;
    }
    return undefined;
  }

  keep(kind: string, size: Measure, verdict: Verdict): void {
    if (!verdict.keepsMs) return;
    if (this.kept.size >= MOST_KEPT) this.kept.clear();
    const which = verdict.refused ? "refuses" : "allows";
    this.kept.set(`${which} ${kind}`, { until: Date.now() + verdict.keepsMs, of: size, verdict });
  }
}

/** After one failure nobody waits for TokenTra: one call at a time finds out whether it is back. */
export class Breaker {
  private failures = 0;
  private notBefore = 0;
  private isProbing = false;

  get isClosed(): boolean {
    return this.failures === 0;
  }

  mayAsk(now = Date.now()): boolean {
    if (this.isClosed) return true;
    if (this.isProbing || now < this.notBefore) return false;
    this.isProbing = true;
    return true;
  }

  worked(): void {
    this.failures = 0;
    this.isProbing = false;
  }

  failed(restMs?: number, now = Date.now()): void {
    this.failures += 1;
    this.notBefore = now + (restMs ?? Math.min(FIRST_REST * 2 ** Math.min(this.failures - 1, 16), LONGEST_REST));
    this.isProbing = false;
  }
}

// Asks before each call whether budgets allow it, where a program opts in, and lets it go, wait or end in an error.
//
// Without an answer a call goes as it would without us or, where the program chose so, is not made.
import { AsyncResource } from "node:async_hooks";
import type { Call } from "./call.js";
import { type Agents, ask } from "./delivery.js";
import { tokensOf } from "./estimating.js";
import { at, type Fields, fields, text } from "./families/reading.js";
import type { Losses } from "./losses.js";
import { type CallRefused, CheckUnavailable, refusal } from "./refusals.js";
import type { Settings } from "./settings.js";
import { Breaker, isVerdict, Known, type Measure, type Silence, type Verdict, verdictOf } from "./verdicts.js";

export interface Checks {
  /** Questions that were sent. */
  asked: number;
  /** Calls for which an earlier answer served. */
  cached: number;
  refused: number;
  slowed: number;
  /** Calls without an answer, made or not as the program chose. */
  unchecked: number;
}

interface Question {
  kind: string;
  size: Measure;
  body: string;
}

const TIERS = ["default", "flex", "priority", "batch"];
const MOST_SOCKETS = 64;
const agents: Agents = { mostSockets: MOST_SOCKETS };

export class Guard {
  readonly counts: Checks = { asked: 0, cached: 0, refused: 0, slowed: 0, unchecked: 0 };
  private readonly known = new Known();
  private readonly breaker = new Breaker();
  private readonly root = new AsyncResource("TokenTra"); // so that no request's context lives on in a socket
  private said = "TokenTra does not answer.";

  /** `settings` is a sentence where nothing can be asked. */
  constructor(
    private readonly settings: Settings | string,
    private readonly mode: "open" | "closed",
    private readonly losses: Losses,
  ) {}

  /**
   * Undefined where the call goes at once; else what it waits for, which rejects with CallRefused where it is not made.
   * Never throws.
   */
  before(call: Call, body: unknown): Promise<void> | undefined {
    let coming: Promise<Verdict | Silence> | Verdict | Silence;
    try {
      coming = this.begin(call, body);
    } catch (error) {
      coming = { sentence: `Asking failed (${(error as Error | undefined)?.name ?? "error"}).` };
    }
    return coming instanceof Promise ? coming.then((answer) => this.end(call, answer)) : this.end(call, coming);
  }

  private begin(call: Call, body: unknown): Promise<Verdict | Silence> | Verdict | Silence {
    if (typeof this.settings === "string") return { sentence: this.settings };
    const question = this.question(this.settings, call, body);
    const known = this.known.find(question.kind, question.size);
    if (known) {
      this.counts.cached += 1;
      return known;
    }
    const wasWell = this.breaker.isClosed;
    if (!this.breaker.mayAsk()) return { sentence: this.said };
    this.counts.asked += 1;
    const coming = this.answer(this.settings, question);
    // where calls are made all the same, this one only finds out whether TokenTra is back
    return wasWell || this.mode === "closed" ? coming : { sentence: this.said };
  }

  private question(settings: Settings, call: Call, body: unknown): Question {
    const tier = text(at(body, "service_tier")) ?? "";
    const { id, ...said } = call.question();
    const kind = { ...said, ...(TIERS.includes(tier) ? { serviceTier: tier } : {}) };
    const size = sizeOf(settings, call, body);
    const { tokens = {}, estimatedCost = 0 } = size as { tokens?: Record<string, number>; estimatedCost?: string };
    const names = Object.keys(tokens).sort();
    return {
      kind: JSON.stringify(kind),
      size: [...names.map((name) => tokens[name] ?? 0), Number(estimatedCost)],
      body: JSON.stringify({ ...kind, ...size, id }),
    };
  }

  /** Never rejects, and takes no longer than it may. */
  private async answer(settings: Settings, question: Question): Promise<Verdict | Silence> {
    const { checkTimeoutMs, url } = settings;
    const late = { sentence: `${url.origin} takes longer than ${checkTimeoutMs} ms to answer.` };
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<Silence>((resolve) => {
      // It keeps the process alive, which the sockets do not. Where the loop was held up, what has come meanwhile is
      // read first.
      timer = setTimeout(() => setImmediate(() => resolve(late)), checkTimeoutMs);
    });
    const asked = this.root.runInAsyncScope(() => asking(settings, question.body, checkTimeoutMs * 2));
    const found = await Promise.race([asked, deadline]);
    clearTimeout(timer);
    if (isVerdict(found)) {
      this.breaker.worked();
      this.known.keep(question.kind, question.size, found);
    } else if (found.isOfCall) {
      this.breaker.worked();
    } else {
      this.breaker.failed(found.restMs);
      this.said = found.sentence;
    }
    return found;
  }

  private end(call: Call, answer: Verdict | Silence): Promise<void> | undefined {
    let refused: CallRefused;
    if (isVerdict(answer)) {
      if (!answer.refused) return this.go(call, Math.min(answer.delayMs, this.maxDelayMs));
      refused = refusal(answer.refused);
    } else {
      this.counts.unchecked += 1;
      const become = this.mode === "closed" ? "are not made" : "are made unchecked";
      this.losses.caution(`Calls ${become}. ${answer.sentence} Further ones are counted in stats().`);
      if (this.mode === "open") return this.go(call, 0);
      refused = new CheckUnavailable(`TokenTra could not be asked whether this call may be made. ${answer.sentence}`);
    }
    this.counts.refused += 1;
    call.forget();
    return Promise.reject(refused);
  }

  private go(call: Call, delayMs: number): Promise<void> | undefined {
    call.beginAnew();
    if (!delayMs) return undefined;
    this.counts.slowed += 1;
    return new Promise((resolve) => {
      setTimeout(() => {
        call.beginAnew();
        resolve();
      }, delayMs);
    });
  }

  private get maxDelayMs(): number {
    return typeof this.settings === "string" ? 0 : this.settings.maxDelayMs;
  }
}

function sizeOf(settings: Settings, call: Call, body: unknown): object {
  const said = settings.estimate?.(call.provider, call.model, body);
  if (typeof said === "object" && said !== null) return { tokens: { ...said } };
  if (said !== undefined && said !== null) return { estimatedCost: String(said) };
  const tokens = tokensOf(call.operation, body, settings.expectedOutput);
  return tokens ? { tokens } : {};
}

/** Asks once more where the connection that was kept had been closed meanwhile: the same id reserves once. */
export async function asking(settings: Settings, body: string, timeoutMs: number): Promise<Verdict | Silence> {
  const url = new URL("check", settings.url);
  const headers = { "content-type": "application/json", authorization: `Bearer ${settings.apiKey}` };
  for (;;) {
    try {
      return verdictOf(await ask(url, "POST", Buffer.from(body), headers, { agents, timeoutMs }));
    } catch (error) {
      const { code, name, wasKept } = fields(error) as Fields & { wasKept?: boolean };
      if (!wasKept) return { sentence: `${url.origin} cannot be reached (${code ?? name}).` };
    }
  }
}

// Gathers events and brings them to TokenTra in the background: bounded, retried with the same ids, counted when lost.
import { AsyncResource } from "node:async_hooks";
import { deliver, type Outcome } from "./delivery.js";
import type { Checks } from "./guarding.js";
import { Losses } from "./losses.js";
import type { Settings } from "./settings.js";
import { Spool } from "./spool.js";

const BATCH = 500;
const BATCH_BYTES = 2 ** 20;
const LARGEST_EVENT = 64 * 2 ** 10;
const MOST_BYTES = 16 * 2 ** 20;
const SPILL_ABOVE = 0.5; // of what memory may hold
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 60_000;
const REFUSED_WAIT = 60_000;

export interface Stats {
  /** Events that calls made. */
  recorded: number;
  /** Waiting in memory. */
  queued: number;
  /** Stored by TokenTra, now or earlier. */
  delivered: number;
  /** Written to disk, to be sent later by this or another process. */
  spooled: number;
  /** Not kept, by reason. */
  lost: Record<string, number>;
  /** What became of questions before calls, where they are asked. */
  checks?: Checks;
  /** Why nothing arrives at the moment. */
  problem?: string;
}

export class Sender {
  readonly losses: Losses;
  private readonly spool: Spool | undefined;
  private readonly root = new AsyncResource("TokenTra"); // so that no request's context lives on in a timer or socket
  private queue: string[] = [];
  private bytes = 0;
  private sending = 0;
  private recorded = 0;
  private delivered = 0;
  private spooled = 0;
  private failures = 0;
  private notBefore = 0;
  private problem: string | undefined;
  private timer: NodeJS.Timeout | undefined;
  private timerAt = Infinity;
  private working: Promise<void> | undefined;
  private triedToEnd = -1;
  private inFlight: string[] = [];

  constructor(
    private readonly settings: Settings | string,
    warn: (message: string) => void,
  ) {
    this.losses = new Losses(warn);
    if (typeof settings === "string") {
      this.losses.caution(`Nothing is measured. ${settings}`);
      return;
    }
    this.spool = Spool.of(settings);
    this.arrange(settings.flushEveryMs); // what an earlier process left on disk
  }

  /** Never throws and never waits. */
  accept(event: object): void {
    this.recorded += 1;
    if (typeof this.settings === "string") return this.losses.lose("not_configured");
    let line: string;
    try {
      line = JSON.stringify(event);
    } catch {
      return this.losses.lose("unserializable");
    }
    if (line.length > LARGEST_EVENT) return this.losses.lose("too_large");
    if (this.queue.length + this.sending >= this.settings.maxQueued || this.bytes >= MOST_BYTES) {
      return this.losses.lose("queue_full");
    }
    this.queue.push(line);
    this.bytes += line.length;
    this.arrange(this.queue.length >= BATCH ? 0 : this.settings.flushEveryMs);
  }

  /** Try at once to bring everything over. True when nothing waits in memory any more. */
  async flush(timeoutMs = 5_000): Promise<boolean> {
    if (typeof this.settings === "string") return false;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs); // it keeps the process alive, which the sockets do not
    });
    await Promise.race([this.root.runInAsyncScope(() => this.bring()), late]);
    clearTimeout(timer);
    return this.waiting === 0;
  }

  stats(): Stats {
    const { recorded, delivered, spooled, problem } = this;
    const lost = { ...this.losses.counts };
    return { recorded, queued: this.waiting, delivered, spooled, lost, ...(problem ? { problem } : {}) };
  }

  get waiting(): number {
    return this.queue.length + this.sending;
  }

  get exitTimeoutMs(): number {
    return typeof this.settings === "string" ? 0 : this.settings.exitTimeoutMs;
  }

  /** Before a process ends by itself: once for what was recorded, so that it does end. */
  async finish(): Promise<void> {
    if (!this.waiting || this.triedToEnd === this.recorded) return;
    this.triedToEnd = this.recorded;
    await this.flush(this.exitTimeoutMs);
  }

  /** The last act of a process: what has not arrived goes to disk, or is lost and said. */
  leave(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.timerAt = Infinity;
    const lines = [...this.inFlight, ...this.queue];
    this.queue = [];
    this.inFlight = [];
    this.sending = 0;
    this.bytes = 0;
    this.store(lines, "process_ended");
    this.losses.tell();
  }

  private arrange(afterMs: number): void {
    const at = Math.max(Date.now() + afterMs, this.notBefore);
    if (this.timer && this.timerAt <= at) return;
    clearTimeout(this.timer);
    this.timerAt = at;
    this.timer = this.root.runInAsyncScope(() => setTimeout(() => this.wake(), at - Date.now())).unref();
  }

  private wake(): void {
    this.timer = undefined;
    this.timerAt = Infinity;
    if (Date.now() >= this.notBefore) void this.work();
    else this.arrange(0); // the last try failed after this one was arranged
  }

  private async bring(): Promise<void> {
    await this.working;
    this.notBefore = 0;
    while (this.queue.length) {
      await this.work();
      if (this.failures) return;
    }
  }

  private work(): Promise<void> {
    this.working ??= this.sendAll()
      .catch(() => this.losses.lose("sdk_error", 0, "Sending failed in a way that was not foreseen."))
      .finally(() => {
        this.working = undefined;
      });
    return this.working;
  }

  private async sendAll(): Promise<void> {
    while (this.queue.length) {
      const lines = this.take();
      if (!(await this.sent(lines, BATCH))) {
        this.putBack(lines);
        return;
      }
      this.inFlight = [];
      this.sending = 0;
    }
    for (let claim = await this.spool?.claim(); claim; claim = await this.spool?.claim()) {
      if (claim.lines.length && !(await this.sent(claim.lines, BATCH))) return await claim.release();
      await claim.done();
    }
  }

  private take(): string[] {
    this.inFlight = this.queue.splice(0, portion(this.queue));
    this.sending = this.inFlight.length;
    this.bytes -= weight(this.inFlight);
    return this.inFlight;
  }

  /** Whether they are settled: arrived, or lost for good and counted. */
  private async sent(lines: readonly string[], most: number): Promise<boolean> {
    for (let at = 0; at < lines.length; at += most) {
      const part = lines.slice(at, at + most);
      const outcome = await deliver(this.settings as Settings, part);
      if (outcome.kind === "later" || outcome.kind === "refused") return this.wait(outcome);
      this.failures = 0;
      this.problem = undefined;
      if (outcome.kind === "kept") {
        for (const { code, why } of outcome.rejected) this.losses.lose(code, 1, why);
        this.delivered += part.length - outcome.rejected.length;
      } else if (part.length > 1) {
        if (!(await this.sent(part, Math.ceil(part.length / 2)))) return false; // until the one that is wrong is alone
      } else {
        this.losses.lose(outcome.kind, 1, outcome.kind === "unreadable" ? outcome.why : "");
      }
    }
    return true;
  }

  private wait(outcome: Extract<Outcome, { why: string }>): false {
    this.failures += 1;
    this.problem = outcome.why;
    const backoff = Math.min(FIRST_WAIT * 2 ** (this.failures - 1), LONGEST_WAIT) * (0.5 + Math.random() / 2);
    const least = outcome.kind === "later" ? outcome.afterMs : REFUSED_WAIT;
    this.notBefore = Date.now() + Math.max(backoff, least);
    if (outcome.kind === "refused") this.losses.caution(`${outcome.why} Events wait until then.`);
    this.arrange(0);
    return false;
  }

  private putBack(lines: readonly string[]): void {
    if (!this.sending) return; // the process has ended in the meantime and they are on disk
    this.queue = [...lines, ...this.queue];
    this.bytes += weight(lines);
    this.inFlight = [];
    this.sending = 0;
    const { maxQueued } = this.settings as Settings;
    if (!this.spool) return;
    while (this.queue.length > maxQueued * SPILL_ABOVE || this.bytes > MOST_BYTES * SPILL_ABOVE) {
      const oldest = this.take();
      this.inFlight = [];
      this.sending = 0;
      this.store(oldest, "queue_full");
    }
  }

  private store(lines: readonly string[], otherwise: string): void {
    for (let rest = lines; rest.length; ) {
      const some = rest.slice(0, portion(rest));
      rest = rest.slice(some.length);
      const refusal = this.spool ? this.spool.write(some) : otherwise;
      if (refusal) this.losses.lose(refusal, some.length, this.problem);
      else this.spooled += some.length;
    }
  }
}

/** How many of these, from the first, go together. */
function portion(lines: readonly string[]): number {
  let size = 0;
  let count = 0;
  while (count < Math.min(BATCH, lines.length) && size < BATCH_BYTES) size += lines[count++]?.length ?? 0;
  return count;
}

function weight(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + line.length, 0);
}

// Counts what was not kept, and says so: soon after the first, then at most every ten minutes, and at the end.

const SOON = 1_000;
const SELDOM = 600_000;

export class Losses {
  readonly counts: Record<string, number> = {};
  private told = 0;
  private toldAt = -SELDOM;
  private details = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly warn: (message: string) => void) {}

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** `why` is a sentence for the person who can change it. It is said once. */
  lose(reason: string, count = 1, why = ""): void {
    this.counts[reason] = (this.counts[reason] ?? 0) + count;
    if (why && this.details.size < 20) this.details.add(why);
    this.timer ??= setTimeout(() => this.tellAgain(), SOON).unref();
  }

  /** A sentence about what will be lost if nothing changes; each is said once. */
  caution(sentence: string): void {
    if (this.details.has(sentence) || this.details.size >= 20) return;
    this.details.add(sentence);
    this.say(sentence);
  }

  /** Say what was not said yet. */
  tell(): void {
    if (this.total === this.told) return;
    this.told = this.total;
    this.toldAt = Date.now();
    const reasons = Object.entries(this.counts).map(([reason, count]) => `${reason} ${count}`);
    const why = [...this.details].map((sentence) => ` ${sentence}`).join("");
    this.say(`${this.total} events were not kept (${reasons.join(", ")}).${why} Model calls are not affected.`);
  }

  private tellAgain(): void {
    this.timer = undefined;
    const wait = this.toldAt + SELDOM - Date.now();
    if (wait <= 0) this.tell();
    else this.timer = setTimeout(() => this.tellAgain(), wait).unref();
  }

  private say(sentence: string): void {
    try {
      this.warn(`[tokentra] ${sentence}`);
    } catch {
      // a warning that cannot be written is no reason to stop anything
    }
  }
}

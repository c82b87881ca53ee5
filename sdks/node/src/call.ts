// One model call from its beginning to its end, made into an event whatever happens in between.
import { current, readAttributes } from "./context.js";
import type { Attributes, Event, Status, Told } from "./event.js";
import type { Guard } from "./guarding.js";
import { uuid7 } from "./ids.js";
import type { Routing } from "./routing.js";
import type { Sender } from "./sender.js";

export interface Begun {
  provider: string;
  /** What was asked for; the answer may name another. */
  model: string;
  operation: string;
  streaming?: boolean;
}

const LONGEST = 256;
const LONGEST_ID = 64;
const MOST_SEEN = 10_000;
const MOST_TAGS = 20;

/** Makes events of calls. No method of it, or of a call, ever throws. */
export class Observer {
  readonly attributes: Attributes;
  private readonly seen = new Set<string>();

  constructor(
    private readonly sender: Sender,
    attributes: Attributes = {},
    readonly routing?: Routing,
    readonly guard?: Guard,
  ) {
    this.attributes = readAttributes(attributes);
  }

  begin(begun: Begun): Call {
    return new Call(this, begun);
  }

  /** Run our own code beside the user's: what goes wrong in it is counted and goes no further. */
  safely<T>(code: () => T): T | undefined {
    try {
      return code();
    } catch (error) {
      this.sender.losses.lose(
        "sdk_error",
        1,
        `A call was not understood (${(error as Error | undefined)?.name ?? "error"}).`,
      );
      return undefined;
    }
  }

  /** Whether an answer that may be read more than once was read before, as far as this process remembers. */
  hasSeen(id: string): boolean {
    if (this.seen.has(id)) return true;
    if (this.seen.size >= MOST_SEEN) this.seen.clear();
    this.seen.add(id);
    return false;
  }

  record(event: Event): void {
    this.sender.accept(event);
  }
}

export class Call {
  private id: string;
  private at = Date.now();
  private started = performance.now();
  private readonly carried: Attributes | undefined;
  private firstAt: number | undefined;
  private isTimed = true;
  private isOver = false;
  private askedFor: string | undefined;

  constructor(
    private readonly observer: Observer,
    private readonly begun: Begun,
  ) {
    this.id = uuid7(this.at);
    this.carried = current(this.id);
  }

  get operation(): string {
    return this.begun.operation;
  }

  /** The provider's own id and time of it, for what may be read more than once: it is counted once all the same. */
  isKnownAs(id: string, at: Date): void {
    this.id = id.slice(0, LONGEST_ID);
    this.at = at.getTime();
    this.isTimed = false; // fetching it took some time, not making it
    this.isOver ||= this.observer.hasSeen(this.id);
  }

  firstToken(): void {
    this.firstAt ??= performance.now();
  }

  get model(): string {
    return text(this.begun.model) || "unknown";
  }

  /** What its event will say that budgets are about. */
  question(): { id: string } & Record<string, unknown> {
    const { runId: _, parentId: __, purpose: ___, ...named } = { ...this.observer.attributes, ...this.carried };
    const tags = Object.entries({ ...this.observer.attributes.tags, ...this.carried?.tags }).slice(0, MOST_TAGS);
    const said = { ...named, tags: tags.length ? Object.fromEntries(tags) : undefined };
    return { id: this.id, provider: this.provider, model: this.model, ...said };
  }

  /** What was waited for before it was made is no part of it. */
  beginAnew(): void {
    this.started = performance.now();
  }

  /** It is not made after all. */
  forget(): void {
    this.isOver = true;
  }

  /** The call is over; only the first end counts. */
  end(told: Told): void {
    if (this.isOver) return;
    this.isOver = true;
    this.observer.safely(() => this.observer.record(this.event(told)));
  }

  /** Like `end`, with what `read` makes of an answer: nothing of one that used nothing yet. One that cannot be read used something. */
  endWith(read: () => Told | undefined): void {
    if (this.isOver) return;
    const told = this.observer.safely(() => read() ?? "nothing");
    if (told === "nothing") this.isOver = true;
    else this.end(told ?? { usageSource: "missing" });
  }

  /** What was asked for, where that is known only after the call began. */
  asked(model: unknown, streaming = false): void {
    this.begun.model = text(model) || this.begun.model;
    this.begun.streaming = streaming;
  }

  get feature(): string {
    return text(this.carried?.feature) || text(this.observer.attributes.feature);
  }

  get provider(): string {
    return this.begun.provider;
  }

  /** It goes to another model than the one that was asked for; undefined: it goes as it was asked for after all. */
  routed(model: string, askedFor: string): void;
  routed(model: undefined): void;
  routed(model: string | undefined, askedFor?: string): void {
    this.begun.model = model ?? this.askedFor ?? this.begun.model;
    this.askedFor = askedFor;
  }

  fail(error: unknown, told: Told = {}): void {
    this.end({ ...told, ...(this.observer.safely(() => failure(error)) ?? { status: "error" }) });
  }

  private event(told: Told): Event {
    const { provider, model, operation, streaming } = this.begun;
    const event: Event = {
      ...this.observer.attributes,
      ...this.carried,
      id: this.id,
      occurredAt: new Date(this.at).toISOString(),
      provider,
      operation,
      status: "ok",
      ...(this.isTimed ? { latencyMs: Math.round(performance.now() - this.started) } : {}),
      ...told,
      model: text(told.model) || text(model) || "unknown",
    };
    if (this.observer.attributes.tags && this.carried?.tags) {
      event.tags = { ...this.observer.attributes.tags, ...this.carried.tags };
    }
    if (this.askedFor) event.tags = { ...event.tags, routed_from: this.askedFor };
    if (streaming) event.streaming = true;
    if (this.firstAt !== undefined) event.timeToFirstTokenMs = Math.round(this.firstAt - this.started);
    if (!event.tokens && !event.units && !event.cost && event.status === "ok") {
      event.tokens = {};
      event.usageSource = "missing";
    }
    return event;
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value.trim().slice(0, LONGEST) : "";
}

/** What an error says without its message, which may repeat what was asked. */
export function failure(error: unknown): { status: Status; errorCode: string } {
  const thrown = (typeof error === "object" && error !== null ? error : {}) as Record<string, unknown>;
  const cause = thrown["cause"] as Record<string, unknown> | undefined;
  const kind = text((thrown["constructor"] as { name?: string } | undefined)?.name) || "Error";
  const name = text(thrown["name"]);
  const code = text(thrown["code"]) || text(cause?.["code"]);
  const http =
    thrown["status"] ??
    thrown["statusCode"] ??
    (thrown["$metadata"] as Record<string, unknown> | undefined)?.["httpStatusCode"];
  const words = `${kind} ${name} ${code}`;
  const said = code || (name && name !== "Error" ? name : kind);
  const errorCode = typeof http === "number" ? `${http} ${said}` : said;
  if (/abort|cancel/i.test(words)) return { status: "cancelled", errorCode };
  if (/time.?d?.?out/i.test(words) || http === 408 || http === 504) return { status: "timeout", errorCode };
  return { status: "error", errorCode };
}

// What a program holds: where its calls are reported to, and the clients that are wrapped for it.
import { Observer } from "./call.js";
import { separateRequests } from "./context.js";
import type { Attributes } from "./event.js";
import { wrapClient } from "./families/index.js";
import { Guard } from "./guarding.js";
import { senders } from "./leaving.js";
import { Routing } from "./routing.js";
import { Sender, type Stats } from "./sender.js";
import { checks, type Options, settle } from "./settings.js";
import { shared } from "./shared.js";

export interface WrapOptions {
  /** What the provider is called, where the client's address does not tell. */
  provider?: string;
  /** Said of every call of this client. */
  attributes?: Attributes;
  /** Whether streamed answers of OpenAI are asked to tell their usage. Default: true. */
  streamUsage?: boolean;
}

export class TokenTra {
  private readonly sender: Sender;
  private readonly attributes: Attributes;
  /** @internal */
  readonly routing: Routing | undefined;
  private readonly guard: Guard | undefined;

  constructor(options: Options = {}) {
    this.attributes = options.attributes ?? {};
    const settings = settle(options);
    const where = typeof settings === "string" ? settings : `${settings.url.href} ${settings.apiKey} ${settings.spool}`;
    const known = senders().get(where);
    this.sender = known ?? new Sender(settings, options.warn ?? ((message) => console.warn(message)));
    senders().set(where, this.sender);
    if (typeof settings !== "string" && settings.routing) {
      shared.routings ??= new Map();
      this.routing = shared.routings.get(where) ?? new Routing(settings);
      shared.routings.set(where, this.routing);
    }
    const mode = checks(options);
    if (mode) this.guard = new Guard(settings, mode, this.sender.losses);
    separateRequests();
  }

  /** The same client; from now on its calls are reported. A client that is not known is given back as it is, with a warning. */
  wrap<T extends object>(client: T, how: WrapOptions = {}): T {
    const observer = new Observer(this.sender, { ...this.attributes, ...how.attributes }, this.routing, this.guard);
    const isKnown = observer.safely(() => wrapClient(client, observer, how));
    if (isKnown === false) {
      const name = (client as object | undefined)?.constructor?.name ?? typeof client;
      this.sender.losses.caution(`A client of the kind ${name} is not known, so its calls are not reported.`);
    }
    return client;
  }

  /** Like `wrap` of a client that nobody asked to wrap. @internal */
  notice(client: object): void {
    const observer = new Observer(this.sender, this.attributes, this.routing, this.guard);
    observer.safely(() => wrapClient(client, observer, {}));
  }

  /** Send what waits, for programs that are frozen or ended from outside. True when nothing waits any more. */
  flush(timeoutMs?: number): Promise<boolean> {
    return this.sender.flush(timeoutMs);
  }

  stats(): Stats {
    return { ...this.sender.stats(), ...(this.guard ? { checks: { ...this.guard.counts } } : {}) };
  }
}

/** Start reporting. Clients that are wrapped by `wrap` afterwards report to here. */
export function observe(options: Options = {}): TokenTra {
  shared.first = new TokenTra(options);
  return shared.first;
}

/** The one that was observed first, else one made from the environment. */
export function theOne(): TokenTra {
  return (shared.first ??= new TokenTra());
}

export function wrap<T extends object>(client: T, how?: WrapOptions): T {
  return theOne().wrap(client, how);
}

export function flush(timeoutMs?: number): Promise<boolean> {
  return theOne().flush(timeoutMs);
}

export function stats(): Stats {
  return theOne().stats();
}

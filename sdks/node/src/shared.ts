// What every copy of this package in a process shares: an application may load it as ESM and as CommonJS at once.
import type { AsyncLocalStorage } from "node:async_hooks";
import type { Scope } from "./context.js";
import type { Routing } from "./routing.js";
import type { Sender } from "./sender.js";
import type { TokenTra } from "./tokentra.js";

interface Shared {
  scopes?: AsyncLocalStorage<Scope>;
  /** By where they send to, so that a program that starts over and over within a process keeps one. */
  senders?: Map<string, Sender>;
  /** Likewise. */
  routings?: Map<string, Routing>;
  first?: TokenTra;
  separatesRequests?: boolean;
  watchesRequire?: boolean;
  /** Clients and classes whose methods are replaced, so that no call is reported twice. */
  wrapped: WeakSet<object>;
}

const NAME = Symbol.for("@tokentra/sdk 1");
const place = globalThis as { [NAME]?: Shared };

export const shared: Shared = (place[NAME] ??= { wrapped: new WeakSet() });

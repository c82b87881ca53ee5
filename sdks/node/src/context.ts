// Whose call it is, carried along with the asynchronous flow of the code that makes it.
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { Attributes } from "./event.js";
import { uuid7 } from "./ids.js";
import { shared } from "./shared.js";

/** `request` is one object for everything that one request does; `last` is the newest call in this very scope. */
export interface Scope {
  attributes: Attributes;
  request?: Request | undefined;
  last: { call?: string };
}

interface Request {
  customerId?: string | undefined;
  ask?: (() => unknown) | undefined;
}

const scopes = (shared.scopes ??= new AsyncLocalStorage<Scope>());
const LONGEST = 256;
const LONGEST_TAG = 64;

/** Node keeps one context for all requests of a connection. From now on each request that a server of this process gets begins anew. */
export function separateRequests(): void {
  if (shared.separatesRequests) return;
  shared.separatesRequests = true;
  subscribe("http.server.request.start", () => scopes.enterWith(begun()));
}

/**
 * Say for whom this request or task works: from here on, or in `code` alone. Null says for nobody.
 *
 * Whoever starts several tasks at once gives each its `code`: what a task sets before its first `await` is set for the
 * one who started it, too.
 */
export function setCustomerId(id: string | number | null): void;
export function setCustomerId<T>(id: string | number | null, code: () => T): T;
export function setCustomerId<T>(id: string | number | null, code?: () => T): T | undefined {
  separateRequests();
  const customerId = asText(id);
  const here = scopes.getStore();
  if (code) return scopes.run({ ...inner(here, { customerId }), request: undefined }, code);
  if (here?.request) {
    here.request.customerId = customerId;
    here.request.ask = undefined;
  }
  scopes.enterWith(inner(here, { customerId }));
  return undefined;
}

/** Everything that `code` does carries these as well, and nothing else does. */
export function attributes<T>(said: Attributes, code: () => T): T {
  return scopes.run(inner(scopes.getStore(), said), code);
}

/** Calls of one piece of work: they share a run id, which is made unless `said` gives one. */
export function run<T>(code: () => T): T;
export function run<T>(said: string | Attributes, code: () => T): T;
export function run<T>(said: string | Attributes | (() => T), code?: () => T): T {
  if (typeof said === "function") return run({}, said);
  const given = typeof said === "string" ? { runId: said } : said;
  return attributes({ ...given, runId: given.runId ?? uuid7() }, code as () => T);
}

/** The calls of a named agent. They stand below the call of the surrounding code that came before. */
export function agent<T>(name: string, code: () => T): T {
  return attributes(below({ agent: name }), code);
}

/** The calls that a tool makes. They stand below the call that asked for the tool. */
export function tool<T>(name: string, code: () => T): T {
  return attributes(below({ tool: name }), code);
}

/** One request: it begins without a customer, and what it sets ends with it. `ask` is asked for one where none was set. */
export function requestScope<T>(code: () => T, ask?: () => unknown): T {
  return scopes.run(begun(ask), code);
}

function begun(ask?: () => unknown): Scope {
  return { attributes: {}, request: { ask }, last: {} };
}

/** What a call that begins now carries. `id` becomes the newest call of this scope. */
export function current(id: string): Attributes | undefined {
  const here = scopes.getStore();
  if (!here) return undefined;
  here.last.call = id;
  if (here.attributes.customerId !== undefined || !here.request) return here.attributes;
  const customerId = here.request.customerId ?? asText(asked(here.request));
  return customerId === undefined ? here.attributes : { ...here.attributes, customerId };
}

function asked(request: Request): unknown {
  try {
    return request.ask?.();
  } catch {
    return undefined;
  }
}

function below(said: Attributes): Attributes {
  const parentId = scopes.getStore()?.last.call;
  return parentId ? { ...said, parentId } : said;
}

function inner(here: Scope | undefined, said: object): Scope {
  const read = readAttributes(said);
  const tags = { ...here?.attributes.tags, ...read.tags };
  const all = { ...here?.attributes, ...read, ...(Object.keys(tags).length ? { tags } : {}) };
  return { attributes: all, request: here?.request, last: {} };
}

/** What somebody's code gave, as texts that can be sent; what is no text and cannot become one is left out. */
export function readAttributes(said: object): Attributes {
  const read: Record<string, unknown> = {};
  for (const name of Object.keys(said)) {
    try {
      const value: unknown = (said as Record<string, unknown>)[name];
      if (name === "tags") read["tags"] = readTags(value);
      else read[name] = asText(value);
    } catch {
      // a getter of theirs that throws says nothing
    }
  }
  return read as Attributes;
}

function readTags(said: unknown): Record<string, string> {
  const read: Record<string, string> = {};
  if (typeof said !== "object" || said === null) return read;
  for (const [name, value] of Object.entries(said)) {
    const text = asText(value);
    if (text !== undefined) read[name.slice(0, LONGEST_TAG)] = text;
  }
  return read;
}

function asText(value: unknown): string | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  if (typeof value !== "string" && !["number", "bigint", "boolean"].includes(typeof value)) return undefined;
  const text = String(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

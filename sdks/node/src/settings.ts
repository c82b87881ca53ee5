// What the user chose, from options first and the environment second.
import type { Attributes } from "./event.js";

export interface Options {
  /** A key of TokenTra with the scope ingest. Default: TOKENTRA_API_KEY. */
  apiKey?: string | undefined;
  /** Where TokenTra runs, as https://tokentra.example.com. Default: TOKENTRA_URL. */
  url?: string | undefined;
  /** Said of every call, such as environment, project or team. */
  attributes?: Attributes;
  /** Where events wait on disk while TokenTra is away: a directory, or false for none. Default: one in the system's temporary directory. */
  spool?: string | boolean;
  /** Follow TokenTra's rules for which model to use. Default: TOKENTRA_ROUTING. */
  routing?: boolean;
  /** Ask before each call whether budgets allow it; "closed" makes none that could not be asked about. Default: TOKENTRA_CHECK. */
  check?: boolean | "open" | "closed";
  /** How long a call waits for that answer. */
  checkTimeoutMs?: number;
  /** How long a budget may slow a call. */
  maxDelayMs?: number;
  /** Tokens of a call that does not say how many may come out. */
  expectedOutput?: number;
  /** What a call may use: dollars, as in "0.02", or tokens, as in { input: 900, output: 200 }; undefined leaves it to us. */
  estimate?: (
    provider: string,
    model: string,
    request: unknown,
  ) => string | number | Record<string, number> | null | undefined;
  /** How long events are gathered before they are sent. */
  flushEveryMs?: number;
  /** How long the end of the process may wait for the last events. */
  exitTimeoutMs?: number;
  /** Events held in memory at most. */
  maxQueued?: number;
  /** Bytes on disk at most. */
  maxSpoolBytes?: number;
  /** Whom to tell of losses. Default: console.warn. */
  warn?: (message: string) => void;
}

export interface Settings {
  apiKey: string;
  url: URL;
  spool: string | boolean;
  routing: boolean;
  checkTimeoutMs: number;
  maxDelayMs: number;
  expectedOutput: number;
  estimate: Options["estimate"];
  flushEveryMs: number;
  exitTimeoutMs: number;
  maxQueued: number;
  maxSpoolBytes: number;
}

const TRACK = "api/usage/track";

/** Either what is needed to send, or a sentence that says what is missing. */
export function settle(options: Options): Settings | string {
  const apiKey = (options.apiKey ?? process.env["TOKENTRA_API_KEY"] ?? "").trim();
  const url = (options.url ?? process.env["TOKENTRA_URL"] ?? "").trim();
  if (!apiKey) return "There is no key: set TOKENTRA_API_KEY or give apiKey.";
  if (/[^\x21-\x7e]/.test(apiKey)) return "The key holds characters that no key has.";
  if (!url) return "There is no address: set TOKENTRA_URL or give url.";
  const door = doorAt(url);
  if (!door) return "The address is no http or https address.";
  return {
    apiKey,
    url: door,
    spool: options.spool ?? true,
    routing: options.routing ?? /^(1|true|yes|on)$/i.test(process.env["TOKENTRA_ROUTING"] ?? ""),
    checkTimeoutMs: options.checkTimeoutMs ?? 500,
    maxDelayMs: options.maxDelayMs ?? 30_000,
    expectedOutput: options.expectedOutput ?? 1_000,
    estimate: options.estimate,
    flushEveryMs: options.flushEveryMs ?? 1_000,
    exitTimeoutMs: options.exitTimeoutMs ?? 2_000,
    maxQueued: options.maxQueued ?? 10_000,
    maxSpoolBytes: options.maxSpoolBytes ?? 64 * 2 ** 20,
  };
}

/** What becomes of calls that cannot be checked; undefined where none is. */
export function checks({ check }: Options): "open" | "closed" | undefined {
  const said = check ?? process.env["TOKENTRA_CHECK"] ?? "";
  if (typeof said === "boolean") return said ? "open" : undefined;
  const wanted = said.trim().toLowerCase();
  if (wanted === "closed") return "closed";
  return /^(1|true|yes|on|open)$/.test(wanted) ? "open" : undefined;
}

function doorAt(address: string): URL | undefined {
  try {
    const url = new URL(TRACK, address.endsWith("/") ? address : `${address}/`);
    return ["http:", "https:"].includes(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

// One request to TokenTra, and what its answer means for the events in it.
//
// By node:http and not by fetch: frameworks replace the global fetch (and cache what it answers), it warns of itself
// on Node 18, and its sockets cannot be told not to keep a process alive.
import * as http from "node:http";
import * as https from "node:https";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Settings } from "./settings.js";

export type Outcome =
  | { kind: "kept"; rejected: Rejected[] }
  | { kind: "later"; afterMs: number; why: string }
  | { kind: "refused"; why: string } // until a person changes the key or the address
  | { kind: "too_large" }
  | { kind: "unreadable"; why: string };

export interface Rejected {
  code: string;
  why: string;
}

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

const TIMEOUT = 10_000;
const LARGEST_ANSWER = 2 ** 20;
const WORTH_PACKING = 1_024;
const LONGEST_WAIT = 600_000;
const pack = promisify(gzip);

/** Connections that are kept for the same purpose. */
export interface Agents {
  mostSockets: number;
  http?: http.Agent;
  https?: https.Agent;
}

const delivering: Agents = { mostSockets: 4 };

/** Never rejects. `lines` are events as JSON. */
export async function deliver(settings: Settings, lines: readonly string[]): Promise<Outcome> {
  try {
    const answer = await post(settings, `{"events":[${lines.join(",")}]}`);
    return outcome(answer);
  } catch (error) {
    return {
      kind: "later",
      afterMs: 0,
      why: `TokenTra could not be reached at ${settings.url.origin} (${codeOf(error)}).`,
    };
  }
}

export async function post(settings: Settings, body: string): Promise<Answer> {
  const packed = body.length > WORTH_PACKING ? await pack(body) : undefined;
  return await ask(settings.url, "POST", packed ?? Buffer.from(body), {
    "content-type": "application/json",
    authorization: `Bearer ${settings.apiKey}`,
    ...(packed ? { "content-encoding": "gzip" } : {}),
  });
}

/** What it rejects with says by `wasKept` whether the connection had been used before. */
export function ask(
  url: URL,
  method: string,
  body?: Buffer,
  headers: http.OutgoingHttpHeaders = {},
  { agents = delivering, timeoutMs = TIMEOUT }: { agents?: Agents; timeoutMs?: number } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const isSecure = url.protocol === "https:";
    const agent = isSecure
      ? (agents.https ??= new https.Agent({ keepAlive: true, maxSockets: agents.mostSockets }))
      : (agents.http ??= new http.Agent({ keepAlive: true, maxSockets: agents.mostSockets }));
    const all = { "user-agent": "tokentra-sdk-node", "content-length": body?.length ?? 0, ...headers };
    const request = (isSecure ? https : http).request(url, { method, agent, headers: all });
    const timer = setTimeout(() => request.destroy(named("ETIMEDOUT")), timeoutMs).unref();
    const failed = (error: unknown) => {
      clearTimeout(timer);
      request.destroy();
      const wasKept = request.reusedSocket && (error as { code?: string }).code !== "ETIMEDOUT";
      reject(Object.assign(error as Error, { wasKept }));
    };
    request.on("socket", (socket) => socket.unref());
    request.on("error", failed);
    request.on("response", (response) => {
      const pieces: Buffer[] = [];
      let size = 0;
      response.on("error", failed);
      response.on("data", (piece: Buffer) => {
        size += piece.length;
        if (size > LARGEST_ANSWER) failed(named("ANSWER_TOO_LARGE"));
        else pieces.push(piece);
      });
      response.on("aborted", () => failed(named("ECONNRESET")));
      response.on("end", () => {
        clearTimeout(timer);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(pieces).toString(),
        });
      });
    });
    request.end(body);
  });
}

export function outcome({ status, headers, body }: Answer): Outcome {
  if (status === 202 || status === 200 || status === 422) {
    const results = read(body)?.["results"];
    if (!Array.isArray(results))
      return { kind: "later", afterMs: 0, why: `An answer ${status} made no sense. Is this address TokenTra's?` };
    return { kind: "kept", rejected: results.filter(isRejected).map(rejected) };
  }
  if (status === 401 || status === 403) {
    const what = status === 401 ? "does not know the key" : "does not let this key send events";
    return { kind: "refused", why: `TokenTra ${what} (${status}). Check TOKENTRA_API_KEY.` };
  }
  if (status === 413) return { kind: "too_large" };
  if ((status >= 300 && status < 400) || status === 404 || status === 405) {
    return { kind: "refused", why: `The address answers ${status}. Check TOKENTRA_URL.` };
  }
  if (status >= 400 && status < 500 && ![408, 425, 429].includes(status)) {
    return { kind: "unreadable", why: `TokenTra refused a request (${status}).` };
  }
  return { kind: "later", afterMs: retryAfter(headers["retry-after"]), why: `TokenTra answers ${status}.` };
}

export function retryAfter(said: string | undefined, now = Date.now()): number {
  if (!said) return 0;
  const seconds = Number(said);
  const wait = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(said) - now;
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), LONGEST_WAIT) : 0;
}

function isRejected(result: unknown): boolean {
  const status = (result as { status?: unknown } | null)?.status;
  return status === "rejected" || status === "conflict";
}

function rejected(result: { code?: unknown; message?: unknown; field?: unknown }): Rejected {
  return { code: String(result.code ?? "rejected"), why: String(result.message ?? "").slice(0, 200) };
}

function read(body: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(body) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? (error as Error).name);
}

function named(code: string): Error {
  return Object.assign(new Error(code), { code });
}

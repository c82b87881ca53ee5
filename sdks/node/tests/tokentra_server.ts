// A stand-in for TokenTra's door that keeps what it is sent by id, as the real one does, and can be told to fail.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { gunzipSync } from "node:zlib";
import type { Event } from "../src/event.js";

export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  hangs?: boolean;
  resets?: boolean;
}

export interface Door {
  url: string;
  /** What is kept, in the order in which it came. */
  events: Event[];
  requests: { headers: IncomingMessage["headers"]; events: Event[]; at: number }[];
  duplicates: number;
  rules: Record<string, string>[];
  /** With which ETag rules were asked for. */
  askedRules: string[];
  questions: Question[];
  /** What is answered to a question before a call. */
  verdict: (question: Question) => Reply;
  sockets: Set<Socket>;
  /** What to answer instead of keeping; undefined keeps. */
  instead: ((request: number) => Reply | undefined) | undefined;
  received(count: number, withinMs?: number): Promise<Event[]>;
  close(): Promise<void>;
}

export interface Question {
  id: string;
  provider: string;
  model: string;
  customerId?: string;
  tokens?: { input: number; output: number };
  estimatedCost?: string;
}

/** With a reservation, so that each call asks. */
export function allowed(question: Question, more: object = {}): Reply {
  const answer = { verdict: "allow", budgets: [], delayMs: 0, ttlSeconds: 600, reservationId: question.id };
  return { status: 200, body: { ...answer, ...more } };
}

export function unreserved(): Reply {
  return { status: 200, body: { verdict: "allow", budgets: [], delayMs: 0, ttlSeconds: 5 } };
}

export function refused(_: Question, more: object = {}): Reply {
  const one = { name: "Globex", value: "", mode: "block", state: "refuses", reachedAt: "2026-11-20T11:00:00Z" };
  const until = { periodEnd: "2026-12-01T00:00:00Z" };
  const budgets = [
    { ...one, name: "All", state: "ok", periodEnd: "2027-01-01T00:00:00Z" },
    { ...one, ...until },
  ];
  const ask = { ask: "Alice", askUrl: "https://t.example/ask", ttlSeconds: 5 };
  const message = "The budget “Globex” is used up.";
  return {
    status: 402,
    body: { error: { code: "budget_reached", verdict: "block", message, budgets, ...ask, ...more } },
  };
}

export async function tokentra(): Promise<Door> {
  const kept = new Map<string, Event>();
  const waiting: (() => void)[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces);
    if (request.method === "GET" && request.url === "/api/routing") {
      const etag = `"${JSON.stringify(door.rules).length}"`;
      door.askedRules.push(request.headers["if-none-match"] ?? "");
      const isKnown = request.headers["if-none-match"] === etag;
      return reply(response, { status: isKnown ? 304 : 200, headers: { etag }, body: { rules: door.rules } });
    }
    if (request.method === "GET") return reply(response, { status: 200 });
    if (request.url === "/api/usage/check") {
      const question = JSON.parse(body.toString()) as Question;
      door.questions.push(question);
      return reply(response, door.verdict(question));
    }
    const text = request.headers["content-encoding"] === "gzip" ? gunzipSync(body).toString() : body.toString();
    const read = JSON.parse(text) as { events: Event[] } | Event;
    const events = "events" in read ? read.events : [read];
    door.requests.push({ headers: request.headers, events, at: Date.now() });
    const instead = door.instead?.(door.requests.length);
    if (instead) return reply(response, instead);
    for (const event of events) {
      if (kept.has(event.id)) door.duplicates += 1;
      else {
        kept.set(event.id, event);
        door.events.push(event);
      }
    }
    reply(response, {
      status: 202,
      body: { accepted: events.length, duplicates: 0, conflicts: 0, rejected: 0, results: [] },
    });
    for (const look of waiting) look();
  });
  const door: Door = {
    url: "",
    events: [],
    requests: [],
    duplicates: 0,
    rules: [],
    askedRules: [],
    questions: [],
    verdict: allowed,
    sockets: new Set(),
    instead: undefined,
    received(count, withinMs = 20_000) {
      return new Promise((resolve, reject) => {
        const late = () => reject(new Error(`${door.events.length} events came, not ${count}`));
        const timer = setTimeout(late, withinMs);
        const look = () => {
          if (door.events.length < count) return;
          clearTimeout(timer);
          resolve(door.events);
        };
        waiting.push(look);
        look();
      });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  server.on("connection", (socket) => {
    door.sockets.add(socket);
    socket.on("close", () => door.sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  door.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return door;
}

function reply(response: ServerResponse, { status, headers, body, hangs, resets }: Reply): void {
  if (hangs) return;
  if (resets) {
    response.socket?.resetAndDestroy();
    return;
  }
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body ?? { error: { code: "test", message: "as the test wants" } }));
}

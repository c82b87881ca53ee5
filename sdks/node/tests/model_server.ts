// A server on this machine that answers as providers of models do, with usage that is the same in all tests.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = Json | Stream | Raw | Failing;
export type Json = { json: unknown; status?: number; headers?: Record<string, string> };
/** Server-sent events; a string is sent as it is. */
export type Stream = { events: unknown[]; named?: boolean; ends?: string; breaksAfter?: number };
export type Raw = { raw: Buffer; type: string };
export type Failing = { hangs: true } | { resets: true };

export interface Asked {
  method: string;
  path: string;
  headers: IncomingMessage["headers"];
  // biome-ignore lint/suspicious/noExplicitAny: whatever a library sends
  body: any;
}

export interface ModelServer {
  url: string;
  asked: Asked[];
  close(): Promise<void>;
}

/** `answer` decides what is answered to what. */
export async function modelServer(answer: (asked: Asked) => Answer): Promise<ModelServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString();
    const one: Asked = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: read(text),
    };
    asked.push(one);
    await send(response, answer(one));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function send(response: ServerResponse, answer: Answer): Promise<void> {
  if ("hangs" in answer) return;
  if ("resets" in answer) {
    response.socket?.resetAndDestroy();
    return;
  }
  if ("json" in answer) {
    response.writeHead(answer.status ?? 200, { "content-type": "application/json", ...answer.headers });
    response.end(JSON.stringify(answer.json));
    return;
  }
  if ("raw" in answer) {
    response.writeHead(200, { "content-type": answer.type });
    response.end(answer.raw);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const [at, event] of answer.events.entries()) {
    if (at === answer.breaksAfter) {
      response.socket?.destroy();
      return;
    }
    const name = answer.named ? `event: ${(event as { type: string }).type}\n` : "";
    response.write(`${name}data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  response.end(answer.ends ?? "");
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

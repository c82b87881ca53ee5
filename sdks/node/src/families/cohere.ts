// Cohere's clients, of both versions of its API: chat, its streams, embeddings and reranking, by what is billed.
import type { Told } from "../event.js";
import type { StreamReader } from "../streams.js";
import type { Family } from "./index.js";
import { watchMethod } from "./methods.js";
import { at, count, type Fields, fields, known, present, said, text, units } from "./reading.js";
import { isNew } from "./stainless.js";

const METHODS = [
  ["chat", "chat", false],
  ["chatStream", "chat", true],
  ["embed", "embeddings", false],
  ["rerank", "rerank", false],
] as const;

export const cohere: Family = {
  matches: (client) => METHODS.every(([name]) => typeof client[name] === "function"),
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    const inner = at(client, "clientV2"); // whose methods this one hands on
    if (typeof inner === "object" && inner !== null) isNew(inner);
    for (const [name, operation, streaming] of METHODS) {
      const isInside = waitsInside((inner ?? client) as object, name) || INSIDE in client;
      watchMethod(client, name, observer, (given) => ({
        begun: { provider: how.provider ?? "cohere", model: text(at(given[0], "model")) ?? "", operation, streaming },
        whole: readBilled,
        ...(isInside ? { later } : {}),
        ...(streaming ? { stream: chatStream } : {}),
      }));
    }
  },
};

// Its promises have helpers that a plain one lacks, so a call that has to wait waits inside of its promise.

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** On what hands on the methods of a client that is seen to already. */
export const INSIDE = Symbol("a call waits inside");
let waiting: Promise<void> | undefined; // for the call that is made at this moment

export function waitsInside(owner: object, name: string): boolean {
  const methods = owner as Record<string, Method>;
  const method = methods[`__${name}`];
  if (typeof method !== "function") return false;
  methods[`__${name}`] = function (this: unknown, ...given) {
    const act = () => method.apply(this, given);
    const wait = waiting;
    waiting = undefined;
    return wait ? wait.then(act) : act();
  };
  return true;
}

function later(wait: Promise<void>, act: () => unknown): unknown {
  waiting = wait;
  try {
    return act();
  } finally {
    waiting = undefined;
  }
}

function readBilled(answer: Fields): Told {
  const usage = answer["usage"] ?? answer["meta"];
  const billed = at(usage, "billedUnits");
  const named = said({ requestId: text(answer["id"]) ?? text(answer["generationId"]) });
  const put = known(at(billed, "inputTokens"));
  const searches = count(at(billed, "searchUnits"));
  if (put === undefined && !searches) return { ...named, usageSource: "missing" };
  const tokens = present({
    input: put ?? 0,
    imageIn: count(at(billed, "imageTokens")),
    output: count(at(billed, "outputTokens")),
  });
  return {
    ...named,
    ...(put === undefined ? {} : { tokens }),
    ...units({ search: searches }),
    usageSource: "reported",
  };
}

/** The last event tells the usage: under `delta` in version 2, under `response` in version 1. */
function chatStream(): StreamReader {
  let last: Fields = {};
  return {
    see(piece) {
      const found = at(piece, "delta", "usage") ? at(piece, "delta") : at(piece, "response");
      if (found) last = fields(found);
    },
    told: () => readBilled(last),
    isWhole: () => Object.keys(last).length > 0,
  };
}

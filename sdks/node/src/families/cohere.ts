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
      watchMethod(client, name, observer, (given) => ({
        begun: { provider: how.provider ?? "cohere", model: text(at(given[0], "model")) ?? "", operation, streaming },
        whole: readBilled,
        ...(streaming ? { stream: chatStream } : {}),
      }));
    }
  },
};

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

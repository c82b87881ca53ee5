// Mistral's client: chat, completions of code, agents and embeddings, whole and streamed.
import type { Told } from "../event.js";
import type { StreamReader } from "../streams.js";
import type { Family } from "./index.js";
import { watchMethod } from "./methods.js";
import { at, count, type Fields, fields, known, present, rest, said, text } from "./reading.js";
import { isNew } from "./stainless.js";

const PLACES = ["chat", "fim", "agents"] as const;

export const mistral: Family = {
  matches: (client) =>
    typeof at(client, "chat", "complete") === "function" && typeof at(client, "chat", "stream") === "function",
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    const provider = how.provider ?? "mistral";
    const begun = (given: unknown[], operation: string, streaming = false) => {
      const model = text(at(given[0], "model")) ?? text(at(given[0], "agentId")) ?? "";
      return { provider, model, operation, streaming };
    };
    for (const place of PLACES) {
      const resource = at(client, place);
      if (typeof resource !== "object" || resource === null) continue;
      watchMethod(resource, "complete", observer, (given) => ({ begun: begun(given, "chat"), whole: readChat }));
      watchMethod(resource, "stream", observer, (given) => ({
        begun: begun(given, "chat", true),
        whole: readChat,
        stream: chatStream,
      }));
    }
    const embeddings = at(client, "embeddings");
    if (embeddings) {
      watchMethod(embeddings, "create", observer, (given) => ({ begun: begun(given, "embeddings"), whole: readChat }));
    }
  },
};

function readChat(answer: Fields): Told {
  const usage = answer["usage"];
  const prompt = known(at(usage, "promptTokens"));
  const named = said({ model: text(answer["model"]), requestId: text(answer["id"]) });
  if (prompt === undefined) return { ...named, usageSource: "missing" };
  const details = at(usage, "promptTokensDetails") ?? at(usage, "prompt_tokens_details");
  const cacheRead = count(at(details, "cachedTokens"), at(details, "cached_tokens"));
  const tokens = present({ input: rest(prompt, cacheRead), cacheRead, output: count(at(usage, "completionTokens")) });
  return { ...named, tokens, usageSource: "reported" };
}

/** Each piece stands under `data`; the last one tells the usage. */
function chatStream(): StreamReader {
  const seen: Fields = {};
  return {
    see(piece) {
      const chunk = fields(at(piece, "data"));
      for (const name of ["id", "model", "usage"]) if (chunk[name]) seen[name] = chunk[name];
    },
    told: () => readChat(seen),
  };
}

// Mistral's client: chat, completions of code, agents, conversations, OCR and embeddings.
import type { Told } from "../event.js";
import type { StreamReader } from "../streams.js";
import type { Family } from "./index.js";
import { watchMethod } from "./methods.js";
import { at, count, type Fields, fields, known, present, rest, said, text, units } from "./reading.js";
import { isNew } from "./stainless.js";

const PLACES = ["chat", "fim", "agents"] as const;
const CONVERSING = ["start", "append", "restart"] as const;

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
    const conversations = at(client, "beta", "conversations");
    for (const name of conversations ? CONVERSING : []) {
      const whole = readConversation;
      watchMethod(conversations as object, name, observer, (given) => ({ begun: begun(given, "chat"), whole }));
      watchMethod(conversations as object, `${name}Stream`, observer, (given) => ({
        begun: begun(given, "chat", true),
        whole,
        stream: conversationStream,
      }));
    }
    const ocr = at(client, "ocr");
    if (ocr) watchMethod(ocr, "process", observer, (given) => ({ begun: begun(given, "ocr"), whole: readPages }));
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
    isWhole: () => seen["usage"] !== undefined,
  };
}

/** What connectors brought is read by the model beside what it was asked. */
function readConversation(answer: Fields): Told {
  const usage = answer["usage"];
  const outputs = Array.isArray(answer["outputs"]) ? answer["outputs"] : [];
  const named = said({ model: outputs.map((each) => text(at(each, "model"))).find(Boolean) });
  const prompt = known(at(usage, "promptTokens"));
  if (prompt === undefined) return { ...named, usageSource: "missing" };
  const called = Object.entries(fields(at(usage, "connectors"))).map(([name, number]) => [name, count(number)]);
  const input = prompt + count(at(usage, "connectorTokens"));
  const tokens = present({ input, output: count(at(usage, "completionTokens")) });
  return { ...named, tokens, ...units(Object.fromEntries(called)), usageSource: "reported" };
}

/** The model stands in the pieces of its answer, the usage in the last event. */
function conversationStream(): StreamReader {
  let model: string | undefined;
  let last: Fields = {};
  return {
    see(piece) {
      const event = fields(at(piece, "data"));
      model ??= text(event["model"]);
      if (event["usage"]) last = event;
    },
    told: () => ({ ...said({ model }), ...readConversation(last) }),
    isWhole: () => last["usage"] !== undefined,
  };
}

/** OCR is billed by the page. */
function readPages(answer: Fields): Told {
  const pages = count(at(answer, "usageInfo", "pagesProcessed"));
  const named = said({ model: text(answer["model"]) });
  return pages
    ? { ...named, ...units({ page: pages }), usageSource: "reported" }
    : { ...named, usageSource: "missing" };
}

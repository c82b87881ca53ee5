// Anthropic's client, and its clients for Bedrock and Vertex: messages, their streams and batches.
import type { Observer } from "../call.js";
import type { Told } from "../event.js";
import type { StreamReader } from "../streams.js";
import type { Family } from "./index.js";
import { at, count, type Fields, fields, known, present, said, text, units } from "./reading.js";
import { isNew, type Method, type Reading, watchRequests } from "./stainless.js";

export const anthropic: Family = {
  matches: (client) =>
    typeof client["post"] === "function" && typeof at(client, "messages", "create") === "function" && !client["chat"],
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    const provider = how.provider ?? providerOf(client as Fields);
    const ended = new Map<string, Date>();
    const begin = (method: Method, path: string) =>
      method === "post" ? message(observer, provider, path) : batch(observer, provider, path, ended);
    watchRequests(client, observer, begin, (made) => anthropic.wrap(made, observer, how));
  },
};

const MOST_BATCHES = 1_000;

function providerOf(client: Fields): string {
  const name = `${at(client, "constructor", "name")} ${client["_genAIProviderName"]} ${client["baseURL"]}`;
  if (/bedrock|amazonaws/i.test(name)) return "aws";
  if (/vertex|aiplatform/i.test(name)) return "google";
  return /foundry|azure/i.test(name) ? "azure" : "anthropic";
}

function message(observer: Observer, provider: string, path: string): Reading | undefined {
  if (!/\/v1\/messages(\?|$)/.test(path)) return undefined;
  const call = observer.begin({ provider, model: "", operation: "chat" });
  const whole = (answer: Fields) => readMessage(provider, answer);
  return {
    call,
    whole,
    asked(options) {
      const body = fields(at(options, "body"));
      call.asked(body["model"], body["stream"] === true);
      return options;
    },
    stream: () => messageStream(whole),
  };
}

/** On Bedrock and Vertex the model that was asked for says more: where it ran, and so what it costs. */
export function readMessage(provider: string, answer: Fields): Told {
  const isOwn = provider === "anthropic";
  return {
    ...said({ model: isOwn ? text(answer["model"]) : undefined, requestId: text(answer["id"]) }),
    ...readUsage(answer["usage"]),
  };
}

/** Disjoint already: what a cache read or wrote is not in `input_tokens`. */
export function readUsage(usage: unknown): Told {
  const told = fields(usage);
  if (known(told["input_tokens"], told["output_tokens"]) === undefined) return { usageSource: "missing" };
  const written = fields(told["cache_creation"]);
  const for1h = count(written["ephemeral_1h_input_tokens"]);
  const for5m = known(written["ephemeral_5m_input_tokens"]) ?? count(told["cache_creation_input_tokens"]);
  const output = count(told["output_tokens"]);
  const tokens = present({
    input: count(told["input_tokens"]),
    cacheRead: count(told["cache_read_input_tokens"]),
    cacheWrite5m: for5m,
    cacheWrite1h: for1h,
    output,
    reasoning: Math.min(count(at(told, "output_tokens_details", "thinking_tokens")), output),
  });
  const tier = text(told["service_tier"]);
  return {
    tokens,
    usageSource: "reported",
    ...said({ serviceTier: tier === "standard" ? "default" : tier }),
    ...units({
      web_search: count(at(told, "server_tool_use", "web_search_requests")),
      web_fetch: count(at(told, "server_tool_use", "web_fetch_requests")),
    }),
  };
}

/** The first event tells what went in, the last but one what came out: each figure there is the newest of its kind. */
export function messageStream(read: (answer: Fields) => Told): StreamReader {
  let begun: Fields = {};
  let usage: Fields = {};
  let isCounted = false;
  return {
    see(piece) {
      const event = fields(piece);
      if (event["type"] === "message_start") {
        begun = fields(event["message"]);
        usage = { ...fields(begun["usage"]) };
      } else if (event["type"] === "message_delta") {
        isCounted = true;
        for (const [name, value] of Object.entries(fields(event["usage"]))) {
          if (value !== null && value !== undefined) usage[name] = value;
        }
      }
    },
    told() {
      const told = read({ ...begun, usage });
      return isCounted ? told : { ...told, usageSource: "missing" }; // what came out is not told yet
    },
    isWhole: () => isCounted,
  };
}

/** A batch says when it ended where it is looked at, and what each call used where its results are read. */
function batch(observer: Observer, provider: string, path: string, ended: Map<string, Date>): Reading | undefined {
  const place = /\/v1\/messages\/batches\/([^/?]+)(\/results)?(\?|$)/.exec(path);
  if (!place) return undefined;
  const id = place[1] as string;
  const call = observer.begin({ provider, model: "", operation: "batch" });
  const remember = (answer: Fields) => {
    const at = Date.parse(String(answer["ended_at"]));
    if (ended.size >= MOST_BATCHES) ended.clear();
    if (at) ended.set(id, new Date(at));
    return undefined;
  };
  if (!place[2]) return { call, whole: remember };
  return {
    call,
    whole: () => undefined,
    other(value) {
      const results = value as AsyncIterable<unknown> & { decoder?: () => AsyncIterator<unknown> };
      if (typeof results.decoder !== "function") return;
      const { decoder } = results;
      results[Symbol.asyncIterator] = () => counting(decoder.call(results), observer, provider, ended.get(id));
    },
  };
}

/** Each result is an event of its own, known by the provider's id: reading the results again counts nothing twice. */
async function* counting(
  results: AsyncIterator<unknown>,
  observer: Observer,
  provider: string,
  endedAt: Date | undefined,
): AsyncGenerator<unknown> {
  for await (const result of { [Symbol.asyncIterator]: () => results }) {
    observer.safely(() => {
      const answer = fields(at(result, "result", "message"));
      const id = text(answer["id"]);
      if (at(result, "result", "type") !== "succeeded" || !id) return;
      const call = observer.begin({ provider, model: text(answer["model"]) ?? "", operation: "chat" });
      call.isKnownAs(id, endedAt ?? new Date());
      call.end({ ...readMessage(provider, answer), serviceTier: "batch" });
    });
    yield result;
  }
}

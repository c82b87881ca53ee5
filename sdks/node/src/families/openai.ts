// OpenAI's client, and the many services that are spoken to with it: chat, responses, embeddings, images, audio.
import type { Observer } from "../call.js";
import type { Tokens, Told } from "../event.js";
import type { StreamReader } from "../streams.js";
import type { Family } from "./index.js";
import { at, count, type Fields, fields, known, present, rest, said, text, units } from "./reading.js";
import { isNew, type Method, type Reading, watchRequests } from "./stainless.js";

/** Services that speak OpenAI's language, by the end of their host's name, as the price book calls them. */
const SERVICES: readonly (readonly [string, string])[] = [
  ["openai.azure.com", "azure"],
  ["services.ai.azure.com", "azure"],
  ["cognitiveservices.azure.com", "azure"],
  ["openrouter.ai", "openrouter"],
  ["api.x.ai", "x-ai"],
  ["api.deepseek.com", "deepseek"],
  ["api.groq.com", "groq"],
  ["api.together.xyz", "together"],
  ["api.together.ai", "together"],
  ["api.fireworks.ai", "fireworks"],
  ["api.perplexity.ai", "perplexity"],
  ["api.mistral.ai", "mistral"],
  ["generativelanguage.googleapis.com", "google"],
  ["aiplatform.googleapis.com", "google"],
  ["api.anthropic.com", "anthropic"],
  ["amazonaws.com", "aws"],
];

export const openai: Family = {
  matches: (client) =>
    typeof client["post"] === "function" && typeof at(client, "chat", "completions", "create") === "function",
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    const provider = how.provider ?? providerOf(client as Fields);
    const state = { refusesStreamUsage: how.streamUsage === false };
    const begin = (method: Method, path: string) => beginCall(observer, provider, state, method, path);
    watchRequests(client, observer, begin, (made) => openai.wrap(made, observer, how));
  },
};

interface State {
  refusesStreamUsage: boolean;
}

function beginCall(
  observer: Observer,
  provider: string,
  state: State,
  method: Method,
  path: string,
): Reading | undefined {
  const place = path.split("?")[0] ?? "";
  if (method === "get") return laterAnswer(observer, provider, place);
  const kind = KINDS.find(([ending]) => place.endsWith(ending));
  if (!kind) return undefined;
  const [, operation, whole, stream] = kind;
  const call = observer.begin({ provider, model: "", operation });
  let body: Fields = {};
  let isUsageOurs = false;
  const read = (answer: Fields) => withCost(provider, answer, whole(answer, body));
  const reading: Reading = {
    call,
    whole: read,
    asked(options) {
      body = fields(at(options, "body"));
      const streaming = body["stream"] === true;
      call.asked(modelOf(options), streaming);
      if (!streaming || operation !== "chat" || state.refusesStreamUsage) return options;
      const changed = askingForUsage(options, body);
      isUsageOurs = changed !== undefined;
      return changed ?? options;
    },
  };
  if (operation === "chat") reading.isOurs = (error) => isUsageOurs && isAboutUsage(error, state);
  if (stream) reading.stream = () => (isUsageOurs ? hidingUsage(stream(read)) : stream(read));
  return reading;
}

function modelOf(options: unknown): unknown {
  const body = at(options, "body");
  if (typeof FormData !== "undefined" && body instanceof FormData) return body.get("model");
  return at(body, "model") ?? at(options, "__metadata", "model");
}

/** A stream of chat tells its usage only when it is asked to. Undefined where the user has said whether it should. */
function askingForUsage(options: unknown, body: Fields): Fields | undefined {
  const asked = fields(body["stream_options"]);
  if (asked["include_usage"] !== undefined) return undefined;
  return { ...fields(options), body: { ...body, stream_options: { ...asked, include_usage: true } } };
}

/** A service that does not know the question is not asked it again. */
function isAboutUsage(error: unknown, state: State): boolean {
  const words = `${at(error, "message")} ${at(error, "param")}`;
  const isIt = [400, 422].includes(at(error, "status") as number) && /stream_options|include_usage/.test(words);
  state.refusesStreamUsage ||= isIt;
  return isIt;
}

/** Takes out what only our question brought: the last piece, and an empty `usage` on all others. */
function hidingUsage(reader: StreamReader): StreamReader {
  return {
    see(piece) {
      reader.see(piece);
      const chunk = fields(piece);
      const { choices, usage } = chunk;
      if (usage === null) delete chunk["usage"];
      return Boolean(usage) && Array.isArray(choices) && choices.length === 0;
    },
    told: () => reader.told(),
    isWhole: () => reader.isWhole(),
  };
}

type Read = (answer: Fields) => Told | undefined;

// One kind of call a line: how its path ends, what it is called, and how its answer and its stream are read.

const KINDS: readonly (readonly [
  string,
  string,
  (answer: Fields, asked: Fields) => Told | undefined,
  ((read: Read) => StreamReader)?,
])[] = [
  ["/chat/completions", "chat", readChat, chatStream],
  ["/completions", "text_completion", readChat, chatStream],
  ["/responses", "responses", readResponse, responseStream],
  ["/embeddings", "embeddings", readChat],
  ["/images/generations", "image", readImages, lastWithUsage],
  ["/images/edits", "image", readImages, lastWithUsage],
  ["/images/variations", "image", readImages],
  ["/audio/transcriptions", "transcription", readTranscript, lastWithUsage],
  ["/audio/translations", "translation", readTranscript],
  ["/audio/speech", "speech", readSpeech],
  ["/moderations", "moderation", (answer) => ({ ...named(answer), tokens: {}, usageSource: "reported" })],
];

function named(answer: Fields): Told {
  const tier = text(answer["service_tier"]);
  return said({
    model: text(answer["model"]),
    requestId: text(answer["id"]) ?? text(answer["_request_id"]),
    serviceTier: tier === "auto" ? undefined : tier,
  });
}

function readChat(answer: Fields): Told {
  return { ...named(answer), ...usage(answer["usage"]) };
}

/** Of chat and embeddings. What came from a cache, was written to one, or was audio is a part of `prompt_tokens`. */
export function usage(said: unknown): Told {
  const told = fields(said);
  const prompt = known(told["prompt_tokens"], told["input_tokens"]);
  const completion = known(told["completion_tokens"], told["output_tokens"]);
  if (prompt === undefined && completion === undefined) return { usageSource: "missing" };
  const put = fields(told["prompt_tokens_details"] ?? told["input_tokens_details"] ?? told["input_token_details"]);
  const got = fields(
    told["completion_tokens_details"] ?? told["output_tokens_details"] ?? told["output_token_details"],
  );
  const cacheRead = count(put["cached_tokens"], told["prompt_cache_hit_tokens"]);
  const cacheWrite30m = count(put["cache_write_tokens"], put["cache_creation_tokens"]);
  const audioIn = count(put["audio_tokens"]);
  const imageIn = count(put["image_tokens"]);
  const audioOut = count(got["audio_tokens"]);
  const imageOut = count(got["image_tokens"]);
  const output = rest(completion ?? 0, audioOut, imageOut);
  const tokens: Tokens = {
    input: rest(prompt ?? 0, cacheRead, cacheWrite30m, audioIn, imageIn),
    cacheRead,
    cacheWrite30m,
    audioIn,
    imageIn,
    output,
    reasoning: Math.min(count(got["reasoning_tokens"]), output),
    audioOut,
    imageOut,
  };
  return { tokens: present(tokens), usageSource: "reported" };
}

/** One that goes on in the background has used nothing yet; `laterAnswer` sees it when it is done. */
function readResponse(answer: Fields): Told | undefined {
  if (!answer["usage"] && ["queued", "in_progress"].includes(String(answer["status"]))) return undefined;
  const tools: Record<string, number> = {};
  for (const item of Array.isArray(answer["output"]) ? answer["output"] : []) {
    const tool = TOOLS[String(at(item, "type"))];
    if (tool) tools[tool] = (tools[tool] ?? 0) + 1;
  }
  const told: Told = { ...named(answer), ...usage(answer["usage"]), ...units(tools) };
  if (answer["status"] === "failed") {
    return { ...told, status: "error", errorCode: text(at(answer, "error", "code")) ?? "failed" };
  }
  return answer["status"] === "cancelled" ? { ...told, status: "cancelled" } : told;
}

const TOOLS: Record<string, string> = {
  web_search_call: "web_search",
  file_search_call: "file_search",
  code_interpreter_call: "code_interpreter",
};

/** A response that was asked for in the background is counted when it is fetched, by its own id and time, however often. */
function laterAnswer(observer: Observer, provider: string, path: string): Reading | undefined {
  if (!/\/responses\/[^/]+$/.test(path)) return undefined;
  const call = observer.begin({ provider, model: "", operation: "responses" });
  return {
    call,
    whole(answer) {
      const created = known(answer["created_at"]);
      const id = text(answer["id"]);
      if (answer["background"] !== true || !answer["usage"] || !created || !id) return undefined;
      call.isKnownAs(id, new Date(created * 1_000));
      return readResponse(answer);
    },
  };
}

function readImages(answer: Fields, asked: Fields): Told {
  const made = Array.isArray(answer["data"]) ? answer["data"].length : count(asked["n"], 1);
  const told = answer["usage"] ? usage(answer["usage"]) : {};
  const { tokens } = told;
  if (tokens?.output && at(answer, "usage", "output_tokens_details") === undefined) {
    tokens.imageOut = tokens.output; // an image model puts out nothing else, and older answers do not split it
    delete tokens.output;
  }
  return { ...named(answer), ...told, ...units({ image: made }) };
}

/** Either tokens, of which some are audio, or the length of what was heard. */
function readTranscript(answer: Fields): Told {
  const seconds = Number(at(answer, "usage", "seconds") ?? answer["duration"]);
  if (at(answer, "usage", "input_tokens") !== undefined) return { ...named(answer), ...usage(answer["usage"]) };
  if (seconds > 0) return { ...named(answer), units: { audio_second: seconds }, usageSource: "reported" };
  return { ...named(answer), usageSource: "missing" };
}

/** Speech comes without any usage; what it is charged by is what was said. */
function readSpeech(_answer: Fields, asked: Fields): Told {
  const length = typeof asked["input"] === "string" ? asked["input"].length : 0;
  return length ? { units: { character: length }, usageSource: "estimated" } : { usageSource: "missing" };
}

function chatStream(read: Read): StreamReader {
  const seen: Fields = {};
  let isLast = false;
  return {
    see(piece) {
      const chunk = fields(piece);
      const { choices, usage } = chunk;
      for (const name of ["id", "model", "service_tier", "usage"]) if (chunk[name]) seen[name] = chunk[name];
      const elsewhere = at(chunk, "x_groq", "usage");
      if (elsewhere) seen["usage"] ??= elsewhere;
      isLast = Boolean(usage) && Array.isArray(choices) && choices.length === 0; // some tell it with every piece, growing
    },
    told: () => read(seen) ?? {},
    isWhole: () => isLast,
  };
}

function responseStream(read: Read): StreamReader {
  let newest: Fields = {};
  return {
    see(piece) {
      const response = at(piece, "response");
      if (response) newest = fields(response);
    },
    told: () => read({ ...newest, status: newest["status"] ?? "completed" }) ?? named(newest),
    isWhole: () => Boolean(newest["usage"]),
  };
}

/** The event that ends a stream of images or of a transcript tells what all of it used. */
function lastWithUsage(read: Read): StreamReader {
  let last: Fields = {};
  return {
    see(piece) {
      if (at(piece, "usage")) last = fields(piece);
    },
    told: () => read(last) ?? {},
    isWhole: () => last["usage"] !== undefined,
  };
}

/** OpenRouter says what a call cost. */
function withCost(provider: string, answer: Fields, told: Told | undefined): Told | undefined {
  const cost = at(answer, "usage", "cost");
  if (!told || provider !== "openrouter" || typeof cost !== "number" || !(cost >= 0)) return told;
  return { ...told, cost: { amount: plain(cost), currency: "USD" } };
}

/** A decimal without an exponent. */
function plain(number: number): string {
  return number.toFixed(15).replace(/\.?0+$/, "");
}

export function providerOf(client: Fields): string {
  const name = String(at(client, "constructor", "name"));
  if (name.includes("Azure")) return "azure";
  try {
    const { hostname } = new URL(String(client["baseURL"]));
    return SERVICES.find(([host]) => hostname === host || hostname.endsWith(`.${host}`))?.[1] ?? "openai";
  } catch {
    return "openai";
  }
}

// What models on Bedrock say of their usage: each maker's in its own words, and Bedrock's own in headers.
import type { Tokens, Told } from "../event.js";
import { readUsage as readMessage } from "./anthropic.js";
import { usage as readChat } from "./openai.js";
import { at, count, type Fields, known, present, rest, said, text, units } from "./reading.js";

export function converse(answer: Fields): Told {
  const usage = answer["usage"];
  const beside = said({
    requestId: text(at(answer, "$metadata", "requestId")),
    serviceTier: text(at(answer, "serviceTier", "type")),
  });
  if (known(at(usage, "inputTokens")) === undefined) return { ...beside, usageSource: "missing" };
  return { ...beside, tokens: converseTokens(usage), usageSource: "reported" };
}

/** Disjoint already: what a cache read or wrote is not in `inputTokens`. Nova's own answers name it otherwise. */
function converseTokens(usage: unknown): Tokens {
  const details = at(usage, "cacheDetails");
  let cacheWrite1h = 0;
  for (const each of Array.isArray(details) ? details : []) {
    if (at(each, "ttl") === "1h") cacheWrite1h += count(at(each, "inputTokens"));
  }
  const written = count(at(usage, "cacheWriteInputTokens"), at(usage, "cacheWriteInputTokenCount"));
  return present({
    input: count(at(usage, "inputTokens")),
    cacheRead: count(at(usage, "cacheReadInputTokens"), at(usage, "cacheReadInputTokenCount")),
    cacheWrite5m: rest(written, cacheWrite1h),
    cacheWrite1h,
    output: count(at(usage, "outputTokens")),
  });
}

/** What is told of an invoked model outside of its own answer. */
export function saidBeside(answer: Fields, headers: Fields): Told {
  return said({
    requestId: text(at(answer, "$metadata", "requestId")),
    serviceTier: text(answer["serviceTier"]) ?? text(headers["x-amzn-bedrock-service-tier"]), // of older clients
  });
}

/** What the body tells, in the words of whoever made the model; else what Bedrock tells in its headers. */
export function invoked(body: Fields, headers: Fields, beside: Told): Told {
  const made = Array.isArray(body["images"]) ? body["images"].length : 0;
  if (made) return { ...beside, ...units({ image: made }), usageSource: "reported" };
  const own = toldOf(body) ?? fromMetrics(body[METRICS]) ?? fromHeaders(headers);
  return own ? { ...beside, ...own, usageSource: "reported" } : { ...beside, usageSource: "missing" };
}

export const METRICS = "amazon-bedrock-invocationMetrics";

export function toldOf(body: Fields): Told | undefined {
  const usage = at(body, "metadata", "usage") ?? body["usage"]; // the first in streams of Nova
  if (known(at(usage, "input_tokens")) !== undefined) return onlyCounts(readMessage(usage)); // Anthropic's
  if (known(at(usage, "inputTokens")) !== undefined) return { tokens: converseTokens(usage) }; // Amazon Nova's
  if (known(at(usage, "prompt_tokens")) !== undefined) return onlyCounts(readChat(usage)); // Mistral's and alike
  return toldBeside(body, usage);
}

/** Of the tier Bedrock has words of its own. */
function onlyCounts({ tokens, units }: Told): Told {
  return said({ tokens, units });
}

function toldBeside(body: Fields, usage: unknown): Told | undefined {
  for (const [put, got] of PAIRS) {
    const input = known(body[put]);
    const output = known(body[got]);
    if (input !== undefined && output !== undefined) return { tokens: present({ input, output }) };
  }
  const titan = known(body["inputTextTokenCount"]);
  if (titan !== undefined) {
    const results = Array.isArray(body["results"]) ? body["results"] : [];
    const output = results.reduce<number>((sum, each) => sum + count(at(each, "tokenCount")), 0);
    return { tokens: present({ input: titan, output }) };
  }
  const billed = at(body, "meta", "billed_units") ?? at(usage, "billed_units"); // Cohere's
  const input = known(at(billed, "input_tokens"));
  if (input === undefined) return undefined;
  return { tokens: present({ input, output: count(at(billed, "output_tokens")) }) };
}

// Llama's, and what the last piece of a stream of Titan tells.
const PAIRS = [
  ["prompt_token_count", "generation_token_count"],
  ["inputTextTokenCount", "totalOutputTextTokenCount"],
] as const;

/** What the last piece of every stream tells. */
export function fromMetrics(metrics: unknown): Told | undefined {
  return fromCounts(
    (name) => at(metrics, `${name}TokenCount`),
    ["input", "cacheReadInput", "cacheWriteInput", "output"],
  );
}

function fromHeaders(headers: Fields): Told | undefined {
  const number = (name: string) => {
    const value = headers[`x-amzn-bedrock-${name}-token-count`];
    return typeof value === "string" && /^\d+$/.test(value) ? Number(value) : undefined;
  };
  return fromCounts(number, ["input", "cache-read-input", "cache-write-input", "output"]);
}

type Names = readonly [input: string, cacheRead: string, cacheWrite: string, output: string];

function fromCounts(number: (name: string) => unknown, [put, read, write, got]: Names): Told | undefined {
  const input = known(number(put));
  if (input === undefined) return undefined;
  const tokens = { cacheRead: count(number(read)), cacheWrite5m: count(number(write)), output: count(number(got)) };
  return { tokens: present({ input, ...tokens }) };
}

// The AWS SDK's client for models on Bedrock: converse, whole and streamed.
import type { Observer } from "../call.js";
import type { Told } from "../event.js";
import type { Family } from "./index.js";
import { newest, type Plan, watchIterable, watchMethod } from "./methods.js";
import { at, count, type Fields, fields, known, present, rest, said, text } from "./reading.js";
import { isNew } from "./stainless.js";

export const bedrock: Family = {
  matches: (client) =>
    typeof client["send"] === "function" && String(at(client, "constructor", "name")).startsWith("BedrockRuntime"),
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    watchMethod(client, "send", observer, ([command]) => plan(command, how.provider ?? "aws", observer));
  },
};

function plan(command: unknown, provider: string, observer: Observer): Plan | undefined {
  const name = String(at(command, "constructor", "name"));
  const model = text(at(command, "input", "modelId")) ?? "";
  const streaming = name === "ConverseStreamCommand";
  const begun = { provider, model, operation: "chat", streaming };
  if (name === "ConverseCommand") return { begun, whole: readConverse };
  if (!streaming) return undefined;
  return {
    begun,
    whole: readConverse,
    inside: (answer, call) =>
      watchIterable(answer["stream"] as AsyncIterable<unknown>, call, newest(readStream, "metadata")(), observer),
  };
}

/** Disjoint already: what a cache read or wrote is not in `inputTokens`. */
function readConverse(answer: Fields): Told {
  const usage = answer["usage"];
  const input = known(at(usage, "inputTokens"));
  const requestId = text(at(answer, "$metadata", "requestId"));
  if (input === undefined) return { ...said({ requestId }), usageSource: "missing" };
  const details = at(usage, "cacheDetails");
  let cacheWrite1h = 0;
  for (const each of Array.isArray(details) ? details : []) {
    if (at(each, "ttl") === "1h") cacheWrite1h += count(at(each, "inputTokens"));
  }
  const tokens = present({
    input,
    cacheRead: count(at(usage, "cacheReadInputTokens")),
    cacheWrite5m: rest(count(at(usage, "cacheWriteInputTokens")), cacheWrite1h),
    cacheWrite1h,
    output: count(at(usage, "outputTokens")),
  });
  const tier = text(at(answer, "serviceTier", "type"));
  return { tokens, usageSource: "reported", ...said({ requestId, serviceTier: tier }) };
}

function readStream(seen: Fields): Told {
  return readConverse(fields(seen["metadata"]));
}

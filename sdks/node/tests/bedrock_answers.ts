// What models on Bedrock answer to those who invoke them: in the words of whoever made them.
import { ANSWER, anthropicAnswers, messageEvents } from "./answers.js";
import { eventStream } from "./event_stream.js";
import type { Answer, Asked } from "./model_server.js";

export const PLAIN = { input: 600, output: 50 };
export const COUNTED = { input: 600, cacheRead: 300, cacheWrite5m: 170, output: 50 };
const NOVA_USAGE = {
  inputTokens: 600,
  outputTokens: 50,
  cacheReadInputTokenCount: 300,
  cacheWriteInputTokenCount: 170,
};
const HEADERS = {
  "x-amzn-requestid": "req-1",
  "x-amzn-bedrock-service-tier": "flex",
  "x-amzn-bedrock-input-token-count": "600",
  "x-amzn-bedrock-output-token-count": "50",
  "x-amzn-bedrock-cache-read-input-token-count": "300",
  "x-amzn-bedrock-cache-write-input-token-count": "170",
};
const METRICS = {
  "amazon-bedrock-invocationMetrics": {
    inputTokenCount: 600,
    outputTokenCount: 50,
    cacheReadInputTokenCount: 300,
    cacheWriteInputTokenCount: 170,
  },
};

/** By a part of the model's name: what it answers, and the tokens that this comes to. */
export const INVOKED: Record<string, readonly [object, object]> = {
  "amazon.nova-lite": [{ output: { message: { content: [{ text: ANSWER }] } }, usage: NOVA_USAGE }, COUNTED],
  "amazon.titan-text": [{ inputTextTokenCount: 600, results: [{ tokenCount: 50, outputText: ANSWER }] }, PLAIN],
  "amazon.titan-embed": [{ embedding: [0.5], inputTextTokenCount: 8 }, { input: 8 }],
  "meta.llama3": [{ generation: ANSWER, prompt_token_count: 600, generation_token_count: 50 }, PLAIN],
  "mistral.pixtral": [{ choices: [], usage: { prompt_tokens: 600, completion_tokens: 50, total_tokens: 650 } }, PLAIN],
  "cohere.command-r": [{ text: ANSWER, meta: { billed_units: { input_tokens: 600, output_tokens: 50 } } }, PLAIN],
  "ai21.old": [{ completions: [] }, COUNTED],
  "cohere.embed-long": [{ embeddings: [Array.from({ length: 100_000 }, () => 0.25)] }, COUNTED],
};

export function bedrockAnswers(asked: Asked): Answer {
  const { path } = asked;
  if (path.includes("broken")) return { json: { message: "The secret question" }, status: 400 };
  if (path.endsWith("/invoke-with-response-stream"))
    return { ...pieces(path), type: "application/vnd.amazon.eventstream" };
  if (path.includes("anthropic")) return { ...anthropicAnswers({ ...asked, path: "" }), headers: HEADERS } as Answer;
  if (path.includes("canvas")) return { json: { images: ["AAAA", "AAAA"] } };
  if (path.includes("silent")) return { json: { completion: ANSWER }, headers: { "x-amzn-requestid": "req-1" } };
  const found = Object.entries(INVOKED).find(([name]) => path.includes(name));
  return { json: found?.[1][0], headers: HEADERS };
}

function pieces(path: string): { raw: Buffer } {
  if (path.includes("anthropic"))
    return written([...messageEvents().slice(0, -1), { type: "message_stop", ...METRICS }]);
  if (path.includes("nova")) {
    const usage = { inputTokens: 600, outputTokens: 50, cacheReadInputTokens: 300, cacheWriteInputTokens: 170 };
    return written([{ contentBlockDelta: { delta: { text: ANSWER } } }, { metadata: { usage }, ...METRICS }]);
  }
  if (path.includes("titan")) {
    const last = { outputText: "", inputTextTokenCount: 600, totalOutputTextTokenCount: 50 };
    return written([
      { outputText: ANSWER, inputTextTokenCount: null },
      { ...last, ...METRICS },
    ]);
  }
  if (path.includes("llama")) {
    const last = { generation: "", prompt_token_count: null, generation_token_count: 50, stop_reason: "stop" };
    return written([
      { generation: ANSWER, prompt_token_count: 600, generation_token_count: 1 },
      { ...last, ...METRICS },
    ]);
  }
  return written([{ outputs: [{ text: ANSWER }] }, { outputs: [], ...METRICS }]);
}

function written(all: unknown[]): { raw: Buffer } {
  const bytes = (piece: unknown) => Buffer.from(JSON.stringify(piece)).toString("base64");
  return { raw: eventStream(all.map((piece) => ["chunk", { bytes: bytes(piece) }])) };
}

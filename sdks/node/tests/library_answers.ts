// What Google, Mistral, Cohere, Pinecone and AWS answer in the tests: the shapes that they document, with fixed usage.
import { ANSWER } from "./answers.js";
import { eventStream } from "./event_stream.js";
import type { Answer, Asked } from "./model_server.js";

export function libraryAnswers({ path, body }: Asked): Answer {
  if (path.includes("broken") || body?.model === "broken")
    return { json: { message: "The secret question" }, status: 400 };
  if (path.endsWith("/query")) return { json: { matches: [], namespace: "n", usage: { readUnits: 1.5 } } };
  if (path.includes("/vectors/fetch")) return { json: { vectors: {}, namespace: "n", usage: { readUnits: 1 } } };
  if (path.endsWith("/vectors/upsert")) return { json: { upsertedCount: 1 } };
  if (path.includes("/records/namespaces/")) {
    const usage = { read_units: 6, embed_total_tokens: 8, rerank_units: 1 };
    return { json: { result: { hits: [] }, usage } };
  }
  if (path.includes(":streamGenerateContent")) return { events: [gemini({}), gemini(GEMINI_USAGE)] };
  if (path.includes(":generateContent")) return { json: gemini(GEMINI_USAGE) };
  if (path.endsWith("/converse"))
    return { json: { output: { message: WORDS }, stopReason: "end_turn", usage: NOVA_USAGE } };
  if (path.endsWith("/converse-stream")) {
    const events = eventStream([
      ["messageStart", { role: "assistant" }],
      ["contentBlockDelta", { contentBlockIndex: 0, delta: { text: ANSWER } }],
      ["messageStop", { stopReason: "end_turn" }],
      ["metadata", { usage: NOVA_USAGE, metrics: { latencyMs: 1 } }],
    ]);
    return { raw: events, type: "application/vnd.amazon.eventstream" };
  }
  const billed = { billed_units: { input_tokens: 900, output_tokens: 50 } };
  if (path.endsWith("/rerank")) return { json: { id: "r1", results: [], meta: { billed_units: { search_units: 1 } } } };
  if (path.endsWith("/embed")) {
    return { json: { id: "e1", embeddings: { float: [] }, texts: [], meta: { billed_units: { input_tokens: 8 } } } };
  }
  if (path.endsWith("/v2/chat") && body.stream) {
    return {
      events: [
        { type: "message-start", id: "c1" },
        { type: "message-end", delta: { finish_reason: "COMPLETE", usage: billed } },
      ],
    };
  }
  if (path.endsWith("/v2/chat")) {
    const message = { role: "assistant", content: [{ type: "text", text: ANSWER }] };
    return { json: { id: "c1", finish_reason: "COMPLETE", message, usage: billed } };
  }
  if (path.includes("/conversations")) {
    const said = { type: "message.output", id: "m1", role: "assistant", model: "mistral-medium-2505", content: ANSWER };
    const done = { type: "conversation.response.done", usage: CONVERSATION_USAGE };
    if (body.stream) return { events: [{ ...said, type: "message.output.delta" }, done], named: true };
    const answer = { object: "conversation.response", conversation_id: "conv_1", outputs: [said] };
    return { json: { ...answer, usage: CONVERSATION_USAGE } };
  }
  if (path.endsWith("/ocr")) {
    return { json: { pages: [], model: "mistral-ocr-2505", usage_info: { pages_processed: 3 } } };
  }
  const whole = { id: "cmpl-1", object: "chat.completion", created: 1, model: "mistral-small-2506" };
  const usage = { prompt_tokens: 900, completion_tokens: 50, total_tokens: 950 };
  if (path.endsWith("/embeddings")) {
    return { json: { ...whole, data: [], usage: { prompt_tokens: 8, completion_tokens: 0, total_tokens: 8 } } };
  }
  if (body.stream) {
    const choice = { index: 0, delta: { role: "assistant", content: ANSWER }, finish_reason: null };
    const last = { ...whole, choices: [{ ...choice, delta: { content: "" }, finish_reason: "stop" }], usage };
    return { events: [{ ...whole, choices: [choice] }, last, "[DONE]"] };
  }
  const message = { role: "assistant", content: ANSWER };
  return { json: { ...whole, choices: [{ index: 0, message, finish_reason: "stop" }], usage } };
}

const CONVERSATION_USAGE = {
  prompt_tokens: 188,
  completion_tokens: 55,
  total_tokens: 7355,
  connector_tokens: 7112,
  connectors: { web_search: 1 },
};
const GEMINI_USAGE = {
  usageMetadata: {
    promptTokenCount: 1000,
    promptTokensDetails: [
      { modality: "TEXT", tokenCount: 900 },
      { modality: "AUDIO", tokenCount: 100 },
    ],
    cachedContentTokenCount: 400,
    candidatesTokenCount: 30,
    thoughtsTokenCount: 20,
    totalTokenCount: 1050,
  },
};
const WORDS = { role: "assistant", content: [{ text: ANSWER }] };
const NOVA_USAGE = {
  inputTokens: 600,
  outputTokens: 50,
  totalTokens: 820,
  cacheReadInputTokens: 300,
  cacheWriteInputTokens: 170,
  cacheDetails: [
    { ttl: "1h", inputTokens: 70 },
    { ttl: "5m", inputTokens: 100 },
  ],
};

function gemini(more: object) {
  const content = { role: "model", parts: [{ text: ANSWER }] };
  return { candidates: [{ content, index: 0 }], modelVersion: "gemini-2.5-flash", responseId: "r1", ...more };
}

// What the model server answers in the tests: the shapes that providers document, with fixed usage.
import { eventStream } from "./event_stream.js";
import type { Answer, Asked } from "./model_server.js";

export const ANSWER = "The secret answer";
// 1,000 in, of which 400 came from a cache; 50 out, of which 20 were for reasoning.
const USAGE = {
  prompt_tokens: 1000,
  completion_tokens: 50,
  total_tokens: 1050,
  prompt_tokens_details: { cached_tokens: 400, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 20, audio_tokens: 0 },
};
const AUDIO_USAGE = {
  ...USAGE,
  prompt_tokens_details: { cached_tokens: 400, audio_tokens: 100 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 20 },
};
const RESPONSE_USAGE = {
  input_tokens: 1000,
  input_tokens_details: { cached_tokens: 400 },
  output_tokens: 50,
  output_tokens_details: { reasoning_tokens: 20 },
  total_tokens: 1050,
};

export function openaiAnswers({ path, method, body }: Asked): Answer {
  const model: string = body?.model ?? "";
  if (model === "hangs") return { hangs: true };
  if (model === "broken") {
    const error = {
      message: "no such thing as The secret question",
      type: "invalid_request_error",
      code: "invalid_value",
    };
    return { json: { error }, status: 400 };
  }
  if (path.includes("/chat/completions")) return chat(model, body);
  if (path.endsWith("/embeddings")) {
    const usage = { prompt_tokens: 8, total_tokens: 8 };
    return { json: { object: "list", model, data: [{ object: "embedding", index: 0, embedding: [0.5] }], usage } };
  }
  if (path.endsWith("/images/generations")) {
    const usage = {
      input_tokens: 50,
      output_tokens: 400,
      total_tokens: 450,
      input_tokens_details: { text_tokens: 20, image_tokens: 30 },
    };
    return { json: { created: 1, data: [{ b64_json: "" }, { b64_json: "" }], usage } };
  }
  if (path.endsWith("/audio/transcriptions")) {
    const isByTokens = String(body).includes("gpt-4o-transcribe");
    const tokens = {
      type: "tokens",
      input_tokens: 100,
      output_tokens: 7,
      total_tokens: 107,
      input_token_details: { text_tokens: 10, audio_tokens: 90 },
    };
    return { json: { text: ANSWER, usage: isByTokens ? tokens : { type: "duration", seconds: 9 } } };
  }
  if (path.endsWith("/audio/speech")) return { raw: Buffer.from("sound"), type: "audio/mpeg" };
  if (path.endsWith("/responses") && method === "POST") return responses(body);
  if (path.includes("/responses/")) {
    return { json: { ...response("gpt-4o-mini"), id: "resp_later", background: true, created_at: 1767225600 } };
  }
  return { json: { error: { message: `nothing at ${path}` } }, status: 404 };
}

function chat(model: string, body: { stream?: boolean; stream_options?: { include_usage?: boolean } }): Answer {
  const knowsUsage = model !== "knows-no-usage";
  if (body.stream_options && !knowsUsage) {
    return { json: { error: { message: "Unrecognized request argument supplied: stream_options" } }, status: 400 };
  }
  const usage = model === "gpt-4o-audio" ? AUDIO_USAGE : model === "with-cost" ? { ...USAGE, cost: 0.00001234 } : USAGE;
  const whole = { id: "chatcmpl-1", created: 1, model: "gpt-4o-mini-2024-07-18", service_tier: "default" };
  if (!body.stream) {
    const message = { role: "assistant", content: ANSWER, refusal: null };
    const choices = [{ index: 0, finish_reason: "stop", message, logprobs: null }];
    return { json: { ...whole, object: "chat.completion", choices, usage }, headers: { "x-request-id": "req_1" } };
  }
  const withUsage = body.stream_options?.include_usage === true;
  const chunk = { ...whole, object: "chat.completion.chunk", ...(withUsage ? { usage: null } : {}) };
  const events: unknown[] = [
    ...ANSWER.split(/(?= )/).map((content) => ({
      ...chunk,
      choices: [{ index: 0, delta: { role: "assistant", content }, finish_reason: null }],
    })),
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  ];
  if (withUsage) events.push({ ...chunk, choices: [], usage });
  events.push("[DONE]");
  return model === "breaks" ? { events, breaksAfter: 2 } : { events };
}

function response(model: string) {
  return {
    id: "resp_1",
    object: "response",
    created_at: 1,
    model,
    status: "completed",
    service_tier: "default",
    output: [
      { type: "web_search_call", id: "ws_1", status: "completed" },
      {
        type: "message",
        id: "m",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: ANSWER, annotations: [] }],
      },
    ],
    usage: RESPONSE_USAGE,
  };
}

function responses(body: { model: string; stream?: boolean; background?: boolean }): Answer {
  const whole = response(body.model);
  const begun = { ...whole, status: "in_progress", usage: null, output: [] };
  if (body.background) return { json: { ...begun, status: "queued", background: true } };
  if (!body.stream) return { json: whole };
  return {
    named: true,
    events: [
      { type: "response.created", sequence_number: 0, response: begun },
      {
        type: "response.output_text.delta",
        sequence_number: 1,
        delta: ANSWER,
        item_id: "m",
        output_index: 1,
        content_index: 0,
      },
      { type: "response.completed", sequence_number: 2, response: whole },
    ],
  };
}

// 600 in, 300 read from a cache and 170 written to one beside them: Anthropic's classes are disjoint.
const ANTHROPIC_USAGE = {
  input_tokens: 600,
  cache_read_input_tokens: 300,
  cache_creation_input_tokens: 170,
  cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 70 },
  output_tokens: 50,
  output_tokens_details: { thinking_tokens: 20 },
  server_tool_use: { web_search_requests: 2, web_fetch_requests: 0 },
  service_tier: "standard",
};
const OLDER_USAGE = {
  input_tokens: 600,
  cache_read_input_tokens: 300,
  cache_creation_input_tokens: 170,
  output_tokens: 50,
};

function message(id = "msg_1", usage: object = ANTHROPIC_USAGE) {
  return {
    id,
    type: "message",
    role: "assistant",
    model: "claude-haiku-4-5-20251001",
    content: [{ type: "text", text: ANSWER }],
    stop_reason: "end_turn",
    stop_sequence: null,
    usage,
  };
}

export function messageEvents(): unknown[] {
  const begun = { ...ANTHROPIC_USAGE, output_tokens: 1, server_tool_use: null };
  return [
    { type: "message_start", message: { ...message("msg_1", begun), content: [], stop_reason: null } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    ...ANSWER.split(/(?= )/).map((text) => ({
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text },
    })),
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: 50, server_tool_use: ANTHROPIC_USAGE.server_tool_use, input_tokens: null },
    },
    { type: "message_stop" },
  ];
}

export function anthropicAnswers({ path, body }: Asked): Answer {
  if (path.endsWith("/count_tokens")) return { json: { input_tokens: 9 } };
  if (path.includes("/batches/") && path.endsWith("/results")) {
    const lines = [
      { custom_id: "first", result: { type: "succeeded", message: message("msg_first") } },
      { custom_id: "second", result: { type: "succeeded", message: message("msg_second") } },
      { custom_id: "failed", result: { type: "errored", error: { type: "error", error: { type: "api_error" } } } },
    ];
    const raw = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    return { raw, type: "application/x-jsonl" };
  }
  if (path.includes("/batches/")) {
    const json = {
      id: "msgbatch_1",
      type: "message_batch",
      processing_status: "ended",
      ended_at: "2026-01-31T10:00:00Z",
    };
    return { json: { ...json, results_url: `/v1/messages/batches/msgbatch_1/results` } };
  }
  if (body?.model === "broken") {
    const json = { type: "error", error: { type: "invalid_request_error", message: "The secret question" } };
    return { json, status: 400 };
  }
  if (path.endsWith("/invoke-with-response-stream")) {
    return { raw: eventStream(messageEvents().map(chunk)), type: "application/vnd.amazon.eventstream" };
  }
  if (body?.stream) return { events: messageEvents(), named: true };
  const json = message("msg_1", body?.model === "older" ? OLDER_USAGE : ANTHROPIC_USAGE);
  return { json, headers: { "request-id": "req_1" } };
}

function chunk(event: unknown): [string, unknown] {
  return ["chunk", { bytes: Buffer.from(JSON.stringify(event)).toString("base64") }];
}

// The AWS SDK's client for models on Bedrock: conversations, invoked models and their streams.
//
// Its own chain of middleware sees every command, also those that answer to a callback, and the headers of the answer.
import type { Call, Observer } from "../call.js";
import { converse, invoked, saidBeside } from "./bedrock_answers.js";
import { invokedStream } from "./bedrock_streams.js";
import type { Family } from "./index.js";
import { newest, watchIterable } from "./methods.js";
import { at, type Fields, fields, text } from "./reading.js";
import { isNew } from "./stainless.js";

export const bedrock: Family = {
  matches: (client) =>
    at(client, "config", "serviceId") === "Bedrock Runtime" &&
    typeof at(client, "middlewareStack", "add") === "function",
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    const { middlewareStack } = client as { middlewareStack: Stack };
    const first = { step: "initialize", priority: "high", name: "tokentra" } as const;
    middlewareStack.add((next, context) => watching(next, context, observer, how.provider ?? "aws"), first);
  },
};

interface Stack {
  add(middleware: (next: Next, context: Fields) => Next, options: object): void;
}
type Next = (given: { input: unknown }) => Promise<{ output: unknown; response?: unknown }>;

function watching(next: Next, context: Fields, observer: Observer, provider: string): Next {
  const read = ANSWERS[String(context["commandName"])];
  if (!read) return next;
  const [streaming, see] = read;
  return async (given) => {
    const call = observer.safely(() => {
      const model = modelOf(at(given.input, "modelId"));
      return observer.begin({ provider, model, operation: kindOf(model), streaming });
    });
    if (!call) return await next(given);
    await observer.guard?.before(call, given.input);
    try {
      const answer = await next(given);
      observer.safely(() => see(fields(answer.output), fields(at(answer.response, "headers")), call, observer));
      return answer;
    } catch (error) {
      call.fail(error);
      throw error;
    }
  };
}

type See = (answer: Fields, headers: Fields, call: Call, observer: Observer) => void;

/** By the command: whether its answer is a stream, and how it is seen. */
const ANSWERS: Record<string, readonly [boolean, See]> = {
  ConverseCommand: [false, (answer, _headers, call) => call.endWith(() => converse(answer))],
  ConverseStreamCommand: [true, conversing],
  InvokeModelCommand: [false, answering],
  InvokeModelWithResponseStreamCommand: [true, streaming],
};

/** The last event of a conversation tells its usage. */
function conversing(answer: Fields, _headers: Fields, call: Call, observer: Observer): void {
  const metadata = { $metadata: answer["$metadata"] };
  const reader = newest((seen) => converse({ ...fields(seen["metadata"]), ...metadata }), "metadata");
  watchIterable(answer["stream"] as AsyncIterable<unknown>, call, reader(), observer);
}

// What is longer holds vectors or pictures; to look for a few figures in it would hold up the program.
const LARGEST_READ = 256 * 2 ** 10;

function answering(answer: Fields, headers: Fields, call: Call): void {
  call.endWith(() => {
    const bytes = answer["body"];
    const isRead = bytes instanceof Uint8Array && (bytes.length <= LARGEST_READ || call.operation === "image");
    return invoked(isRead ? bodyOf(bytes) : {}, headers, saidBeside(answer, headers));
  });
}

function bodyOf(bytes: Uint8Array): Fields {
  try {
    return fields(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()));
  } catch {
    return {}; // no JSON: its headers may tell all the same
  }
}

function streaming(answer: Fields, headers: Fields, call: Call, observer: Observer): void {
  const reader = invokedStream(saidBeside(answer, headers));
  watchIterable(answer["body"] as AsyncIterable<unknown>, call, reader, observer);
}

/** An ARN says whose account it is, and ends with the model or its profile. */
function modelOf(id: unknown): string {
  const name = text(id) ?? "";
  return name.startsWith("arn:") ? (name.split("/").pop() ?? "") : name;
}

const KINDS = [
  ["embed", "embeddings"],
  ["rerank", "rerank"],
  ["image", "image"],
  ["canvas", "image"],
  ["stability", "image"],
] as const;

function kindOf(model: string): string {
  return KINDS.find(([mark]) => model.includes(mark))?.[1] ?? "chat";
}

// How many tokens a call may use, by what it asks for. Counted in the program; what was written stays there.
import { at, type Fields, fields } from "./families/reading.js";

export interface Size {
  input: number;
  output: number;
}

const BYTES_OF_A_TOKEN = 4; // of most languages and models; what is written in UTF-8
export const MOST_LOOKED_AT = 20_000;
const DEEPEST = 12;
const LARGEST_READ = 256 * 2 ** 10;
const GENERATING = ["chat", "text_completion", "responses"];
const READING = ["embeddings", "rerank"];
// What says how much may come out, as the libraries call it.
const LIMITS = [
  ...["max_completion_tokens", "max_output_tokens", "max_tokens", "maxTokens", "maxOutputTokens"],
  ...["max_gen_len", "maxTokenCount"],
];
const AROUND = ["config", "inferenceConfig", "generationConfig", "textGenerationConfig", "completionArgs"];
// What holds no words of the prompt: names, and pictures, sounds and files.
const LEFT_OUT = new Set([
  ...["model", "modelId", "metadata", "user", "data", "file_data", "inlineData", "image_url", "imageUrl"],
  ...["input_audio", "inputAudio", "bytes"],
]);

/** What goes in, by its length, and the most that may come out; undefined where nobody can say. */
export function tokensOf(operation: string, body: unknown, expectedOutput: number): Size | undefined {
  const isReading = READING.includes(operation);
  if (!isReading && !GENERATING.includes(operation)) return undefined;
  const asked = readBody(body);
  const input = Math.ceil(bytesOf(asked, { looked: 0 }) / BYTES_OF_A_TOKEN);
  if (isReading) return { input, output: 0 };
  const n = at(asked, "n");
  const times = Number.isInteger(n) && (n as number) >= 1 && (n as number) <= 128 ? (n as number) : 1;
  return { input, output: (mostOut(asked) ?? expectedOutput) * times };
}

/** An invoked model of Bedrock is asked in JSON that the program wrote. */
function readBody(body: unknown): unknown {
  const written = at(body, "body");
  if (typeof written !== "string" && !(written instanceof Uint8Array)) return body;
  if (written.length > LARGEST_READ) return typeof written === "string" ? written : "x".repeat(written.length);
  try {
    return JSON.parse(typeof written === "string" ? written : Buffer.from(written).toString());
  } catch {
    return {};
  }
}

function mostOut(asked: unknown): number | undefined {
  for (const place of [asked, ...AROUND.map((name) => at(asked, name))]) {
    for (const name of LIMITS) {
      const most = fields(place)[name];
      if (typeof most === "number" && Number.isInteger(most) && most >= 0) return most;
    }
  }
  return undefined;
}

/** Bounded, whatever a program hands over. */
function bytesOf(thing: unknown, seen: { looked: number }, depth = 0): number {
  seen.looked += 1;
  if (seen.looked > MOST_LOOKED_AT || depth > DEEPEST) return 0;
  if (typeof thing === "string") return thing.startsWith("data:") ? 0 : Buffer.byteLength(thing);
  if (typeof thing !== "object" || thing === null || ArrayBuffer.isView(thing)) return 0;
  let sum = 0;
  if (Array.isArray(thing)) {
    if (Number.isInteger(thing[0])) return thing.length * BYTES_OF_A_TOKEN; // tokens already
    for (const each of thing) sum += bytesOf(each, seen, depth + 1);
    return sum;
  }
  for (const name of Object.keys(thing)) {
    if (!LEFT_OUT.has(name)) sum += bytesOf((thing as Fields)[name], seen, depth + 1);
  }
  return sum;
}

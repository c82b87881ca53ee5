// A client of every library, as it is installed, a few calls of it, and what it is answered: for what holds for all.

import { AnthropicBedrock } from "@anthropic-ai/bedrock-sdk";
import Anthropic from "@anthropic-ai/sdk";
import { AnthropicVertex } from "@anthropic-ai/vertex-sdk";
import { BedrockRuntimeClient, ConverseCommand, InvokeModelCommand } from "@aws-sdk/client-bedrock-runtime";
import { GoogleGenAI } from "@google/genai";
import { VertexAI } from "@google-cloud/vertexai";
import { Mistral } from "@mistralai/mistralai";
import { Pinecone } from "@pinecone-database/pinecone";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { CohereClient, CohereClientV2 } from "cohere-ai";
import OpenAI from "openai";
import { anthropicAnswers, openaiAnswers } from "./answers.js";
import { bedrockAnswers } from "./bedrock_answers.js";
import { libraryAnswers } from "./library_answers.js";
import type { Answer, Asked } from "./model_server.js";

export interface Family {
  /** How many events its calls make. */
  events: number;
  make(url: string): object;
  /** Its calls, and what came of them as far as it is always the same. */
  // biome-ignore lint/suspicious/noExplicitAny: each knows its own client
  call(client: any): Promise<unknown>;
  answer(asked: Asked): Answer;
}

const messages = [{ role: "user" as const, content: "The secret question" }];
const chat = { model: "gpt-4o-mini", messages };
const message = { model: "claude-haiku-4-5", max_tokens: 100, messages };
const gemini = { model: "gemini-2.5-flash", contents: "The secret question" };
const body = JSON.stringify({ prompt: "The secret question" });

async function gathered(stream: AsyncIterable<unknown> | undefined): Promise<unknown[]> {
  const pieces = [];
  for await (const piece of stream ?? []) pieces.push(piece);
  return pieces;
}

function vertex(url: string): VertexAI {
  const made = new VertexAI({ project: "p", location: "us-east5", apiEndpoint: url.replace("http://", "") });
  return Object.assign(made, { googleAuth: { getAccessToken: async () => "none" } });
}

// This library asks by https alone.
const { fetch } = globalThis;
globalThis.fetch = (address, init) =>
  typeof address === "string" ? fetch(address.replace("https://127.", "http://127."), init) : fetch(address, init);

export const FAMILIES: Record<string, Family> = {
  openai: {
    events: 2,
    make: (url) => new OpenAI({ apiKey: "none", baseURL: `${url}/v1`, maxRetries: 0 }),
    call: async (client: OpenAI) => [
      await client.chat.completions.create(chat),
      await gathered(await client.chat.completions.create({ ...chat, stream: true })),
    ],
    answer: openaiAnswers,
  },
  anthropic: {
    events: 2,
    make: (url) => new Anthropic({ apiKey: "none", baseURL: url, maxRetries: 0 }),
    call: async (client: Anthropic) => [
      await client.messages.create(message),
      await gathered(await client.messages.create({ ...message, stream: true })),
    ],
    answer: anthropicAnswers,
  },
  anthropicBedrock: {
    events: 1,
    make: (url) =>
      new AnthropicBedrock({ baseURL: url, awsAccessKey: "none", awsSecretKey: "none", awsRegion: "us-east-1" }),
    call: (client: AnthropicBedrock) => client.messages.create(message),
    answer: anthropicAnswers,
  },
  anthropicVertex: {
    events: 1,
    make(url) {
      const authClient = { getRequestHeaders: async () => new Headers(), projectId: "p" };
      return new AnthropicVertex({ baseURL: url, region: "r", projectId: "p", authClient: authClient as never });
    },
    call: (client: AnthropicVertex) => client.messages.create(message),
    answer: anthropicAnswers,
  },
  google: {
    events: 2,
    make: (url) => new GoogleGenAI({ apiKey: "none", httpOptions: { baseUrl: url } }),
    call: async (client: GoogleGenAI) => [
      (await client.models.generateContent(gemini)).text,
      (await gathered(await client.models.generateContentStream(gemini))).length,
    ],
    answer: libraryAnswers,
  },
  vertex: {
    events: 2,
    make: vertex,
    async call(client: VertexAI) {
      const model = client.getGenerativeModel({ model: "gemini-2.5-flash" });
      const { stream, response } = await model.generateContentStream("The secret question");
      return [await model.generateContent("The secret question"), await gathered(stream), await response];
    },
    answer: libraryAnswers,
  },
  mistral: {
    events: 2,
    make: (url) => new Mistral({ apiKey: "none", serverURL: url }),
    call: async (client: Mistral) => [
      await client.chat.complete({ model: "mistral-small-latest", messages }),
      await gathered(await client.chat.stream({ model: "mistral-small-latest", messages })),
    ],
    answer: libraryAnswers,
  },
  cohere: {
    events: 2,
    make: (url) => new CohereClientV2({ token: "none", environment: url }),
    call: async (client: CohereClientV2) => [
      await client.chat({ model: "command-r-08-2024", messages }),
      await gathered(await client.chatStream({ model: "command-r-08-2024", messages })),
    ],
    answer: libraryAnswers,
  },
  cohereVersion1: {
    events: 1,
    make: (url) => new CohereClient({ token: "none", environment: url }),
    call: (client: CohereClient) => client.rerank({ model: "rerank-v3.5", query: "…", documents: ["…"] }),
    answer: libraryAnswers,
  },
  bedrock: {
    events: 2,
    make: (endpoint) =>
      new BedrockRuntimeClient({
        endpoint,
        region: "us-east-1",
        credentials: { accessKeyId: "none", secretAccessKey: "none" },
        maxAttempts: 1,
        requestHandler: new NodeHttpHandler(),
      }),
    call: async (client: BedrockRuntimeClient) => [
      (await client.send(new ConverseCommand({ modelId: "amazon.nova-lite-v1:0", messages: [] }))).usage,
      (await client.send(new InvokeModelCommand({ modelId: "meta.llama3", body }))).body.transformToString(),
    ],
    answer: (asked) => (asked.path.includes("/converse") ? libraryAnswers(asked) : bedrockAnswers(asked)),
  },
  pinecone: {
    events: 2,
    make: (host) => new Pinecone({ apiKey: "none" }).index("shop", host),
    call: async (client) => [
      await client.query({ vector: [0.5], topK: 1 }),
      await client.searchRecords({ query: { topK: 1, inputs: { text: "…" } } }),
    ],
    answer: libraryAnswers,
  },
};

export const EVENTS = Object.values(FAMILIES).reduce((sum, { events }) => sum + events, 0);

/** Each family is at a path of its own. */
export function familyAnswers(asked: Asked): Answer {
  const [, name = "", path] = /^\/(\w+)(.*)$/.exec(asked.path) ?? [];
  return FAMILIES[name]?.answer({ ...asked, path: path ?? "" }) ?? { json: {}, status: 404 };
}

// Clients that nobody wraps: each is wrapped at its first call, however its library was loaded.
//
// What a program imports cannot be exchanged, and what it imported first is there before anybody can look on. But a
// class is one object for all who have it: on its prototype, the methods that calls go through look after their client.
import { INSIDE, waitsInside } from "./families/cohere.js";
import { shared } from "./shared.js";
import { theOne } from "./tokentra.js";

type Method = (this: unknown, ...given: unknown[]) => unknown;
type Doors = Record<string, readonly string[]>;

const GENERATED = ["post", "get"] as const;
const OF_VERTEX = ["generateContent", "generateContentStream", "startChat"] as const;
const OF_COHERE = ["chat", "chatStream", "embed", "rerank"] as const;

/** By library and class: what every call of a client goes through, a method or a getter. */
export const LIBRARIES: Record<string, Doors> = {
  openai: { OpenAI: GENERATED },
  "@anthropic-ai/sdk": { Anthropic: GENERATED, BaseAnthropic: GENERATED },
  "@anthropic-ai/bedrock-sdk": { AnthropicBedrock: GENERATED, AnthropicBedrockMantle: GENERATED },
  "@anthropic-ai/vertex-sdk": { AnthropicVertex: GENERATED },
  "@anthropic-ai/foundry-sdk": { AnthropicFoundry: GENERATED },
  "@google/genai": {
    Models: [
      "generateContentInternal",
      "generateContentStreamInternal",
      "embedContentInternal",
      "generateImagesInternal",
    ],
  },
  "@google-cloud/vertexai": { GenerativeModel: OF_VERTEX, GenerativeModelPreview: OF_VERTEX },
  "@mistralai/mistralai": { Mistral: ["chat", "fim", "agents", "embeddings", "beta", "ocr"] },
  "cohere-ai": { CohereClient: OF_COHERE },
  "@aws-sdk/client-bedrock-runtime": { BedrockRuntimeClient: ["send"] },
  "@pinecone-database/pinecone": {
    Pinecone: ["index", "Index"],
    Index: ["query", "fetch", "fetchByMetadata", "listPaginated", "searchRecords", "upsert", "upsertRecords", "update"],
    Inference: ["embed", "rerank"],
  },
};

/** `exported` is what the library gives to those who import it. */
export function instrument(library: string, exported: unknown): void {
  for (const [name, doors] of Object.entries(LIBRARIES[library] ?? {})) {
    const kind = (exported as Record<string, unknown> | null)?.[name];
    if (typeof kind === "function" && !shared.wrapped.has(kind)) attend(kind, doors);
  }
  if (library === "cohere-ai") attendVersion2(exported);
}

function attend(kind: { prototype: object }, doors: readonly string[]): void {
  shared.wrapped.add(kind);
  for (const name of doors) {
    const found = descriptor(kind.prototype, name);
    if (typeof found?.value === "function") {
      const method = found.value as Method;
      const first = function (this: object, ...given: unknown[]): unknown {
        const now = looked(this) && (this as Record<string, unknown>)[name];
        return typeof now === "function" && now !== first ? now.apply(this, given) : method.apply(this, given);
      };
      Object.defineProperty(kind.prototype, name, { ...found, value: first });
    } else if (found?.get) {
      const { get } = found;
      const first = function (this: object): unknown {
        looked(this);
        return get.call(this);
      };
      Object.defineProperty(kind.prototype, name, { ...found, get: first });
    }
  }
}

/** Its newer clients bind the methods of a class that is not exported, so those of a twin are called instead. */
function attendVersion2(exported: unknown): void {
  const kind = (exported as Record<string, { prototype: object }> | null)?.["CohereClient"];
  const inner = kind && descriptor(kind.prototype, "v2")?.get;
  if (!inner) return;
  const made: unknown = inner.call(Object.create(kind.prototype, { _options: { value: {} } }));
  const hidden = (made as { constructor?: { prototype: Record<string, unknown> } } | null)?.constructor;
  if (!hidden || shared.wrapped.has(hidden)) return;
  shared.wrapped.add(hidden);
  const methods = OF_COHERE.map((name) => [name, hidden.prototype[name] as Method] as const);
  const twins = new WeakMap<object, Record<string, Method>>();
  const twinOf = (client: object) => {
    const bound = () => Object.fromEntries(methods.map(([name, method]) => [name, method.bind(client)]));
    const found = twins.get(client) ?? Object.assign(bound(), { [INSIDE]: true });
    if (!twins.has(client)) theOne().notice(found);
    twins.set(client, found);
    return found;
  };
  for (const [name, method] of methods) {
    waitsInside(hidden.prototype, name);
    hidden.prototype[name] = function (this: object, ...given: unknown[]): unknown {
      return (shared.wrapped.has(this) ? method : (twinOf(this)[name] ?? method)).apply(this, given);
    };
  }
}

function descriptor(prototype: object, name: string): PropertyDescriptor | undefined {
  for (let here: object | null = prototype; here; here = Object.getPrototypeOf(here)) {
    const found = Object.getOwnPropertyDescriptor(here, name);
    if (found) return { ...found, configurable: true };
  }
  return undefined;
}

const looking = new WeakSet<object>();

/** True when this client was not looked at before. To find out what it is may lead back to its getters. */
function looked(client: object): boolean {
  if (shared.wrapped.has(client) || looking.has(client)) return false;
  looking.add(client);
  theOne().notice(client);
  return true;
}

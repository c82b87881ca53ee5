// Which client is whose: told by what a client can do, so that no library has to be there.
import type { Observer } from "../call.js";
import type { WrapOptions } from "../tokentra.js";
import { anthropic } from "./anthropic.js";
import { bedrock } from "./bedrock.js";
import { cohere } from "./cohere.js";
import { google } from "./google.js";
import { mistral } from "./mistral.js";
import { openai } from "./openai.js";
import { pinecone } from "./pinecone.js";
import { vertex } from "./vertex.js";

export interface Family {
  matches(client: Record<string, unknown>): boolean;
  wrap(client: object, observer: Observer, how: WrapOptions): void;
}

const FAMILIES: readonly Family[] = [openai, anthropic, google, mistral, bedrock, cohere, vertex, pinecone];

/** False where nobody knows this client. */
export function wrapClient(client: object, observer: Observer, how: WrapOptions): boolean {
  const family = FAMILIES.find((each) => each.matches(client as Record<string, unknown>));
  family?.wrap(client, observer, how);
  return family !== undefined;
}

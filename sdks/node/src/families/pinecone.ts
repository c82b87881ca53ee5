// Pinecone's client: what reads and writes of an index used, in units, and models that embed and rerank.
import type { Observer } from "../call.js";
import type { Told } from "../event.js";
import type { WrapOptions } from "../tokentra.js";
import type { Family } from "./index.js";
import { watchMade, watchMethod } from "./methods.js";
import { at, count, type Fields, fields, said, text, units } from "./reading.js";
import { isNew } from "./stainless.js";

// Methods of an index and of its documents.
const INDEX = {
  query: "query",
  fetch: "fetch",
  fetchByMetadata: "fetch",
  listPaginated: "list",
  searchRecords: "search",
  upsert: "upsert",
  upsertRecords: "upsert",
  update: "update",
  deleteOne: "delete",
  deleteMany: "delete",
  deleteAll: "delete",
};
const DOCUMENTS = {
  search: "search",
  fetch: "fetch",
  list: "list",
  upsert: "upsert",
  batchUpsert: "upsert",
  update: "update",
  delete: "delete",
};
const MODELS = { embed: "embeddings", rerank: "rerank" };
const MAKING = ["index", "Index", "namespace"] as const;

export const pinecone: Family = {
  matches: (client) => isIndex(client) || isInference(client) || isInference(client["inference"]),
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    if (isIndex(client)) watchIndex(client as Fields, observer, how);
    else if (isInference(client)) watchAll(client, MODELS, undefined, observer, how);
    const inference = at(client, "inference");
    if (isInference(inference)) pinecone.wrap(inference as object, observer, how);
    for (const name of MAKING) watchMade(client, name, observer, (made) => pinecone.wrap(made, observer, how));
  },
};

function isIndex(client: unknown): boolean {
  return typeof at(client, "query") === "function" && typeof at(client, "describeIndexStats") === "function";
}

function isInference(client: unknown): boolean {
  return typeof at(client, "embed") === "function" && typeof at(client, "listModels") === "function";
}

function watchIndex(index: Fields, observer: Observer, how: WrapOptions): void {
  const target = index["target"];
  const host = (text(at(target, "indexHostUrl")) ?? "").replace(/^https?:\/\//, "").split(".")[0];
  const name = text(at(target, "indexName")) ?? text(at(target, "index")) ?? host;
  watchAll(index, INDEX, name, observer, how);
  if (index["documents"]) watchAll(fields(index["documents"]), DOCUMENTS, name, observer, how);
}

function watchAll(
  owner: object,
  operations: Record<string, string>,
  name: string | undefined,
  observer: Observer,
  how: WrapOptions,
): void {
  for (const [method, operation] of Object.entries(operations)) {
    watchMethod(owner, method, observer, ([given]) => {
      const model = name ?? text(at(given, "model")) ?? text(given) ?? "";
      return { begun: { provider: how.provider ?? "pinecone", model, operation }, whole: readUnits };
    });
  }
}

/** Units are told of what is read, also in parts; of most writes an answer tells nothing. */
function readUnits(answer: Fields): Told {
  const usage = answer["usage"];
  if (typeof usage !== "object" || usage === null) return { usageSource: "missing" };
  const input = count(at(usage, "totalTokens"), at(usage, "embedTotalTokens"));
  return {
    tokens: said({ input: input || undefined }),
    ...units({
      read_unit: quantity(at(usage, "readUnits")),
      write_unit: quantity(at(usage, "writeUnits")),
      rerank_unit: quantity(at(usage, "rerankUnits")),
    }),
    usageSource: "reported",
  };
}

function quantity(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

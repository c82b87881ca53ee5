// Google's client for Gemini, by its own API and by Vertex: contents, their streams, embeddings and images.
import type { Told } from "../event.js";
import type { StreamReader } from "../streams.js";
import type { Family } from "./index.js";
import { newest, type Plan, watchMethod } from "./methods.js";
import { at, count, type Fields, known, present, rest, said, text, units } from "./reading.js";
import { isNew } from "./stainless.js";

export const google: Family = {
  matches: (client) => isModels(client) || isModels(client["models"]),
  wrap: (client, observer, how) => {
    const models = (isModels(client) ? client : at(client, "models")) as Fields;
    if (!isNew(models)) return;
    const provider = how.provider ?? "google";
    const watch = (name: string, operation: string, whole: Plan["whole"], stream?: Plan["stream"]) => {
      // a call that runs functions asks several times: each time is one request, and comes by the inner method
      const inner = typeof models[`${name}Internal`] === "function" ? `${name}Internal` : name;
      watchMethod(models, inner, observer, (given) => ({
        begun: { provider, model: modelOf(at(given[0], "model")), operation, streaming: stream !== undefined },
        whole,
        ...(stream ? { stream } : {}),
      }));
    };
    watch("generateContent", "chat", readContent);
    watch("generateContentStream", "chat", readContent, contentStream);
    watch("embedContent", "embeddings", readEmbeddings);
    for (const name of ["generateImages", "editImage", "upscaleImage"]) watch(name, "image", readImages);
  },
};

const pieces = newest(readContent, "usageMetadata", "modelVersion", "responseId");

/** Each piece may tell what was used until then; the one that finishes tells all. */
function contentStream(): StreamReader {
  const reader = pieces();
  let isFinished = false;
  return {
    see(piece) {
      reader.see(piece);
      const candidates = at(piece, "candidates");
      const all = Array.isArray(candidates) ? candidates : [];
      isFinished ||= all.some((each) => at(each, "finishReason") !== undefined);
      isFinished ||= at(piece, "promptFeedback", "blockReason") !== undefined;
    },
    told: () => (isFinished ? reader.told() : { ...reader.told(), usageSource: "missing" }),
    isWhole: () => isFinished && reader.isWhole(),
  };
}

function isModels(client: unknown): boolean {
  return typeof at(client, "generateContent") === "function" && typeof at(client, "embedContent") === "function";
}

/** "models/gemini-2.5-flash" and longer names are the last part of theirs. */
export function modelOf(name: unknown): string {
  return (text(name) ?? "").split("/").pop() ?? "";
}

/** Cached tokens are a part of the prompt; thoughts come on top of the candidates, and are output. */
export function readContent(answer: Fields): Told {
  const usage = answer["usageMetadata"];
  const prompt = known(at(usage, "promptTokenCount"));
  const named = said({ model: modelOf(answer["modelVersion"]) || undefined, requestId: text(answer["responseId"]) });
  if (prompt === undefined) return { ...named, usageSource: "missing" };
  const cacheRead = count(at(usage, "cachedContentTokenCount"));
  const put = modalities(at(usage, "promptTokensDetails"));
  const cached = modalities(at(usage, "cacheTokensDetails"));
  const got = modalities(at(usage, "candidatesTokensDetails"));
  const reasoning = count(at(usage, "thoughtsTokenCount"));
  const audioIn = rest(put.audio, cached.audio);
  const imageIn = rest(put.image, cached.image);
  const tokens = present({
    input: rest(prompt + count(at(usage, "toolUsePromptTokenCount")), cacheRead, audioIn, imageIn),
    cacheRead,
    audioIn,
    imageIn,
    output: rest(count(at(usage, "candidatesTokenCount")), got.audio, got.image) + reasoning,
    reasoning,
    audioOut: got.audio,
    imageOut: got.image,
  });
  return { ...named, tokens, usageSource: "reported" };
}

function modalities(details: unknown): { audio: number; image: number } {
  const sum = { audio: 0, image: 0 };
  for (const each of Array.isArray(details) ? details : []) {
    const kind = String(at(each, "modality")).toLowerCase();
    if (kind === "audio" || kind === "image") sum[kind] += count(at(each, "tokenCount"));
  }
  return sum;
}

/** Only Vertex tells the tokens of embeddings. */
function readEmbeddings(answer: Fields): Told {
  const all = Array.isArray(answer["embeddings"]) ? answer["embeddings"] : [];
  const told = all.map((each) => known(at(each, "statistics", "tokenCount")));
  if (!told.length || told.includes(undefined)) return { usageSource: "missing" };
  return { tokens: { input: told.reduce<number>((sum, each) => sum + (each ?? 0), 0) }, usageSource: "reported" };
}

function readImages(answer: Fields): Told {
  const made = Array.isArray(answer["generatedImages"]) ? answer["generatedImages"].length : 0;
  return made ? { ...units({ image: made }), usageSource: "reported" } : { usageSource: "missing" };
}

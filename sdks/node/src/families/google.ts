// Google's client for Gemini, by its own API and by Vertex: contents, their streams, embeddings and images.
import type { Told } from "../event.js";
import type { Family } from "./index.js";
import { newest, watchMethod } from "./methods.js";
import { at, count, type Fields, known, present, rest, said, text, units } from "./reading.js";
import { isNew } from "./stainless.js";

export const google: Family = {
  matches: (client) =>
    typeof at(client, "models", "generateContent") === "function" &&
    typeof at(client, "models", "embedContent") === "function",
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    const { models } = client as { models: object };
    const provider = how.provider ?? "google";
    const begun = (given: unknown[], operation: string, streaming = false) => ({
      provider,
      model: modelOf(at(given[0], "model")),
      operation,
      streaming,
    });
    watchMethod(models, "generateContent", observer, (given) => ({ begun: begun(given, "chat"), whole: readContent }));
    watchMethod(models, "generateContentStream", observer, (given) => ({
      begun: begun(given, "chat", true),
      whole: readContent,
      stream: newest(readContent, "usageMetadata", "modelVersion", "responseId"),
    }));
    watchMethod(models, "embedContent", observer, (given) => ({
      begun: begun(given, "embeddings"),
      whole: readEmbeddings,
    }));
    watchMethod(models, "generateImages", observer, (given) => ({ begun: begun(given, "image"), whole: readImages }));
  },
};

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

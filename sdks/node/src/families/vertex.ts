// Google's older client for Gemini on Vertex: models that it makes, the chats that they begin, and their streams.
import type { Call, Observer } from "../call.js";
import type { WrapOptions } from "../tokentra.js";
import { modelOf, readContent } from "./google.js";
import type { Family } from "./index.js";
import { watchMade, watchMethod } from "./methods.js";
import { at, type Fields, fields } from "./reading.js";
import { isNew } from "./stainless.js";

const MAKING = ["getGenerativeModel", "getGenerativeModelFromCachedContent"] as const;

export const vertex: Family = {
  matches: (client) => typeof client["getGenerativeModel"] === "function" || isModel(client),
  wrap: (client, observer, how) => {
    if (!isNew(client)) return;
    if (isModel(client)) return watchModel(client, observer, how);
    for (const name of MAKING) watchMade(client, name, observer, (made) => vertex.wrap(made, observer, how));
    const preview = at(client, "preview");
    if (preview) vertex.wrap(preview as object, observer, how);
  },
};

function isModel(client: unknown): boolean {
  return typeof at(client, "generateContentStream") === "function" && typeof at(client, "startChat") === "function";
}

function watchModel(model: object, observer: Observer, how: WrapOptions): void {
  const name = modelOf(at(model, "model"));
  watchBoth(model, "generateContent", name, observer, how);
  watchMade(model, "startChat", observer, (chat) => watchBoth(chat, "sendMessage", name, observer, how));
}

/** A method and the one of the same name that streams. */
function watchBoth(owner: object, name: string, model: string, observer: Observer, how: WrapOptions): void {
  const begun = { provider: how.provider ?? "google", model, operation: "chat" };
  const whole = (answer: Fields) => readContent(fields(answer["response"]));
  watchMethod(owner, name, observer, () => ({ begun: { ...begun }, whole }));
  watchMethod(owner, `${name}Stream`, observer, () => ({
    begun: { ...begun, streaming: true },
    whole,
    inside: (answer, call) => watchStream(answer, call, observer),
  }));
}

/** The library reads the whole stream whoever looks at it, and promises an answer that is the sum of its pieces. */
function watchStream(answer: Fields, call: Call, observer: Observer): void {
  const stream = answer["stream"] as AsyncGenerator<unknown>;
  const { next } = stream;
  stream.next = async (...given) => {
    const piece = await next.apply(stream, given);
    observer.safely(() => call.firstToken());
    return piece;
  };
  answer["response"] = (answer["response"] as Promise<unknown>).then(
    (whole) => {
      call.endWith(() => readContent(fields(whole)));
      return whole;
    },
    (error) => {
      call.fail(error, { usageSource: "missing" });
      throw error;
    },
  );
}

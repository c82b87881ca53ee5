// OpenAI's and Anthropic's clients are generated alike: every call goes through `post` or `get`, which answer with a
// promise that parses on demand. Watching there leaves all their helpers as they are.
import type { Call, Observer } from "../call.js";
import type { Told } from "../event.js";
import { routed } from "../routing.js";
import { shared } from "../shared.js";
import { type StreamReader, watched } from "../streams.js";
import { at } from "./reading.js";

/** How to read one call. */
export interface Reading {
  call: Call;
  /** Sees what is asked for, and says what to ask for instead. Newer libraries know the first only after a moment. */
  asked?: (options: unknown) => unknown;
  /** True of an error that only what `asked` changed can have caused: it is asked again as it was. */
  isOurs?: (error: unknown) => boolean;
  /** What is asked again, where that is not what the program asked. */
  again?: () => unknown;
  /** Undefined of an answer that is no use of a model yet. */
  whole(answer: Record<string, unknown>): Told | undefined;
  stream?: () => StreamReader;
  /** Sees an answer that is neither a whole one nor a stream of pieces. */
  other?: (value: unknown) => void;
}

export type Method = "post" | "get";
/** Undefined where a request is no model call. */
export type Begin = (method: Method, path: string) => Reading | undefined;

interface Client {
  post: Send;
  get: Send;
  withOptions?: (options: unknown) => object;
}
type Send = (path: string, options?: unknown) => object;

interface Promised extends PromiseLike<unknown> {
  responsePromise: Promise<{ response: Response }>;
  parseResponse: (client: unknown, props: unknown) => unknown;
  asResponse: () => Promise<Response>;
  withResponse: () => Promise<{ data: unknown; response: Response; request_id: string | null }>;
  _thenUnwrap?: (transform: unknown) => Promised;
}

const LARGEST_CLONED = 2 ** 20;

/** `again` wraps what `withOptions` makes of the client. */
export function watchRequests(client: object, observer: Observer, begin: Begin, again: (made: object) => void): void {
  const target = client as Client;
  for (const method of ["post", "get"] as const) {
    const send = target[method];
    if (typeof send !== "function") continue;
    target[method] = function watching(this: object, path: string, options?: unknown) {
      const begun = observer.safely(() => begin(method, path));
      const { routing } = observer;
      const reading = begun && routing ? routed(begun, routing) : begun;
      if (!reading) return send.call(this, path, options);
      let answer: object;
      try {
        answer = send.call(this, path, seen(options, reading, observer, method));
      } catch (error) {
        reading.call.fail(error);
        throw error;
      }
      const again = () => (send.call(this, path, reading.again?.() ?? options) as Promised).responsePromise;
      observer.safely(() => follow(answer as Promised, reading, observer, again));
      return answer;
    };
  }
  const withOptions = target.withOptions;
  if (typeof withOptions === "function") {
    target.withOptions = function watching(this: object, options: unknown) {
      const made = withOptions.call(this, options);
      if (made !== this) again(made);
      return made;
    };
  }
}

/** A client of this kind that is wrapped already is left alone. */
export function isNew(client: object): boolean {
  if (shared.wrapped.has(client)) return false;
  shared.wrapped.add(client);
  return true;
}

/** The options that are sent; a promise of them where they come later, or the call has to wait. It may be refused. */
function seen(options: unknown, { asked, call }: Reading, observer: Observer, method: Method): unknown {
  const guard = method === "post" ? observer.guard : undefined;
  if (!asked && !guard) return options;
  const see = (known: unknown) => {
    const changed = (asked && observer.safely(() => asked(known))) ?? known;
    const wait = guard?.before(call, at(changed, "body"));
    return wait ? wait.then(() => changed) : changed;
  };
  return options instanceof Promise ? options.then(see) : see(options);
}

/** What one request came to, however many promises of it are made. */
interface Course {
  reading: Reading;
  observer: Observer;
  responded: Promised["responsePromise"];
  isAskedAgain: boolean;
  isParsed: boolean;
  isRead: boolean;
}

function follow(
  answer: Promised,
  reading: Reading,
  observer: Observer,
  again: () => Promised["responsePromise"],
): void {
  const { call } = reading;
  if (typeof answer.parseResponse !== "function" || !(answer.responsePromise instanceof Promise)) {
    return call.end({ usageSource: "missing" });
  }
  const responded = answer.responsePromise;
  const course: Course = { reading, observer, responded, isAskedAgain: false, isParsed: false, isRead: false };
  course.responded = responded
    .catch((error: unknown) => {
      if (!observer.safely(() => reading.isOurs?.(error))) throw error;
      course.isAskedAgain = true;
      return again();
    })
    .catch((error: unknown) => {
      call.fail(error);
      throw error;
    });
  attend(answer, course);
}

/** Be there when it is parsed, handed out bare, or made another of. */
function attend(answer: Promised, course: Course): void {
  const { reading } = course;
  const { call } = reading;
  const { parseResponse, asResponse, withResponse, _thenUnwrap } = answer;
  answer.responsePromise = course.responded;
  answer.parseResponse = async (client, props) => {
    course.isParsed = true;
    try {
      const value = await parseResponse.call(answer, client, props);
      if (!course.isRead || reading.other) course.observer.safely(() => read(value, course));
      course.isRead = true;
      return value;
    } catch (error) {
      call.fail(error, { usageSource: "missing" });
      throw error;
    }
  };
  answer.asResponse = async () => {
    const response = await asResponse.call(answer);
    if (!course.isParsed) void readCopy(response, reading);
    return response;
  };
  if (reading.isOurs) {
    answer.withResponse = async () => {
      const { response } = await course.responded;
      if (!course.isAskedAgain) return await withResponse.call(answer);
      return { data: await answer, response, request_id: response.headers.get("x-request-id") };
    };
  }
  if (typeof _thenUnwrap !== "function") return;
  answer._thenUnwrap = (transform) => {
    const made = _thenUnwrap.call(answer, transform);
    course.observer.safely(() => attend(made, course));
    return made;
  };
}

/** Whoever asks for the bare response reads it in a way that nobody sees, so a copy of it is read. */
async function readCopy(response: Response, { call, whole }: Reading): Promise<void> {
  try {
    const isJson = response.headers.get("content-type")?.includes("application/json");
    const isSmall = Number(response.headers.get("content-length") ?? 0) <= LARGEST_CLONED;
    if (isJson && isSmall && response instanceof globalThis.Response) {
      const answer = (await response.clone().json()) as Record<string, unknown>;
      return call.endWith(() => whole(answer));
    }
  } catch {
    // it stays a call whose usage is missing
  }
  call.end({ usageSource: "missing" });
}

function read(value: unknown, { reading, observer }: Course): void {
  const stream = value as { iterator?: () => AsyncIterator<unknown>; controller?: AbortController } | undefined;
  const { iterator } = stream ?? {};
  reading.other?.(value);
  if (reading.stream && stream && typeof iterator === "function") {
    const { call, stream: reader } = reading;
    stream.iterator = () =>
      watched(iterator.call(stream), call, reader(), observer, () => stream.controller?.signal.aborted ?? false);
    return;
  }
  reading.call.endWith(() => reading.whole((value ?? {}) as Record<string, unknown>));
}

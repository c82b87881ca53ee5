// Clients whose calls are plain methods that answer with a promise: of a whole answer, or of something to iterate.
import type { Begun, Call, Observer } from "../call.js";
import type { Told } from "../event.js";
import { type StreamReader, watched } from "../streams.js";
import { type Fields, fields } from "./reading.js";

export interface Plan {
  begun: Begun;
  /** How a method is called that has to wait; else it answers a plain promise then. */
  later?: (wait: Promise<void>, act: () => unknown) => unknown;
  whole(answer: Fields): Told;
  stream?: () => StreamReader;
  /** For an answer that holds its stream inside. */
  inside?: (answer: Fields, call: Call) => void;
}

type Method = (this: unknown, ...given: unknown[]) => unknown;

/** `plan` reads what was asked for; undefined where it is no model call. */
export function watchMethod(
  owner: object,
  name: string,
  observer: Observer,
  plan: (given: unknown[]) => Plan | undefined,
): void {
  const methods = owner as Record<string, Method>;
  const method = methods[name];
  if (typeof method !== "function") return;
  methods[name] = function watching(this: unknown, ...given) {
    const planned = observer.safely(() => plan(given));
    const call = planned && observer.safely(() => observer.begin(planned.begun));
    const wait = call && observer.guard?.before(call, given[0]);
    const later = planned?.later ?? ((wait: Promise<void>, act: () => unknown) => wait.then(act));
    let answer: unknown;
    try {
      answer = wait ? later(wait, () => method.apply(this, given)) : method.apply(this, given);
    } catch (error) {
      call?.fail(error);
      throw error;
    }
    if (!call || !(answer instanceof Promise)) return answer;
    const { innerPromise } = answer as { innerPromise?: unknown };
    if (innerPromise instanceof Promise) {
      // Cohere's promises keep their helpers: what they hold inside is watched
      Object.assign(answer, { innerPromise: settled(innerPromise, (told) => fields(told)["data"]) });
      return answer;
    }
    return settled(answer, (value) => value);

    function settled(promise: Promise<unknown>, inside: (value: unknown) => unknown) {
      return promise.then(
        (value) => {
          observer.safely(() => see(inside(value), call as Call, planned as Plan, observer));
          return value;
        },
        (error) => {
          call?.fail(error);
          throw error;
        },
      );
    }
  };
}

/** What a method of `owner` makes is seen by `again` before anybody else has it. */
export function watchMade(owner: object, name: string, observer: Observer, again: (made: object) => void): void {
  const methods = owner as Record<string, Method>;
  const make = methods[name];
  if (typeof make !== "function") return;
  methods[name] = function making(this: unknown, ...given) {
    const made = make.apply(this, given);
    observer.safely(() => again(made as object));
    return made;
  };
}

function see(value: unknown, call: Call, { whole, stream, inside }: Plan, observer: Observer): void {
  if (inside) return inside(fields(value), call);
  if (stream && typeof fields(value)[Symbol.asyncIterator as never] === "function") {
    return watchIterable(value as AsyncIterable<unknown>, call, stream(), observer);
  }
  call.endWith(() => whole(fields(value)));
}

/** The same object, whose iterators are watched; a generator is one itself. */
export function watchIterable(
  iterable: AsyncIterable<unknown> & Partial<AsyncIterator<unknown>>,
  call: Call,
  reader: StreamReader,
  observer: Observer,
): void {
  const { next, return: stop, throw: fail } = iterable;
  if (next && stop && fail) {
    const inner = { next: next.bind(iterable), return: stop.bind(iterable), throw: fail.bind(iterable) };
    const { [Symbol.asyncIterator]: _, ...methods } = watched(inner, call, reader, observer);
    Object.assign(iterable, methods);
    return;
  }
  const iterate = iterable[Symbol.asyncIterator].bind(iterable);
  Object.defineProperty(iterable, Symbol.asyncIterator, {
    configurable: true,
    writable: true,
    value: () => watched(iterate(), call, reader, observer),
  });
}

/** The newest of these fields in the pieces of a stream is what all of it used, once the first of them has come. */
export function newest(read: (answer: Fields) => Told, ...names: [string, ...string[]]): () => StreamReader {
  return () => {
    const seen: Fields = {};
    return {
      see(piece) {
        const here = fields(piece);
        for (const name of names) if (here[name]) seen[name] = here[name];
      },
      told: () => read(seen),
      isWhole: () => names[0] in seen,
    };
  };
}

// Watches a stream of answers go by, until it ends, breaks off or is no longer wanted.
import type { Call, Observer } from "./call.js";
import type { Told } from "./event.js";

/** Reads what passes. */
export interface StreamReader {
  /** True of a piece that the user did not ask for. */
  see(piece: unknown): boolean | undefined | void;
  /** What is known so far. */
  told(): Told;
  /** Whether all that tells of usage has come, read on or not. */
  isWhole(): boolean;
}

export function watched<T>(
  inner: AsyncIterator<T>,
  call: Call,
  reader: StreamReader,
  observer: Observer,
  isAborted: () => boolean = () => false,
): AsyncIterableIterator<T> {
  const isWhole = () => observer.safely(() => reader.isWhole()) ?? false;
  // Of a call that did not come to its end a part is known at best, which is no figure to count on.
  const known = (): Told => {
    const told = observer.safely(() => reader.told()) ?? {};
    return isWhole() ? told : { ...told, usageSource: "missing" };
  };
  const left = () => (isWhole() ? call.endWith(() => reader.told()) : call.end({ ...known(), status: "cancelled" }));
  return {
    async next(...given: []) {
      try {
        for (;;) {
          const result = await inner.next(...given);
          if (result.done) {
            if (isAborted()) left();
            else call.endWith(() => reader.told());
            return result;
          }
          call.firstToken();
          if (observer.safely(() => reader.see(result.value)) !== true) return result;
        }
      } catch (error) {
        call.fail(error, known());
        throw error;
      }
    },
    async return(value?: unknown) {
      left();
      return inner.return ? await inner.return(value) : { done: true, value: value as T };
    },
    async throw(error?: unknown) {
      call.fail(error, known());
      if (inner.throw) return await inner.throw(error);
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

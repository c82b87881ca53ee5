// Watches a stream of answers go by, until it ends, breaks off or is no longer wanted.
import type { Call, Observer } from "./call.js";
import type { Told } from "./event.js";

/** Reads what passes. */
export interface StreamReader {
  /** True of a piece that the user did not ask for. */
  see(piece: unknown): boolean | undefined | void;
  /** What is known so far; after the last piece, everything. */
  told(isWhole: boolean): Told;
}

export function watched<T>(
  inner: AsyncIterator<T>,
  call: Call,
  reader: StreamReader,
  observer: Observer,
  isAborted: () => boolean = () => false,
): AsyncIterableIterator<T> {
  const partial = (): Told => observer.safely(() => reader.told(false)) ?? {};
  const stopped = () => call.end({ ...uncertain(partial()), status: "cancelled" });
  return {
    async next(...given: []) {
      try {
        for (;;) {
          const result = await inner.next(...given);
          if (result.done) {
            if (isAborted()) stopped();
            else call.endWith(() => reader.told(true));
            return result;
          }
          call.firstToken();
          if (observer.safely(() => reader.see(result.value)) !== true) return result;
        }
      } catch (error) {
        call.fail(error, uncertain(partial()));
        throw error;
      }
    },
    async return(value?: unknown) {
      stopped();
      return inner.return ? await inner.return(value) : { done: true, value: value as T };
    },
    async throw(error?: unknown) {
      call.fail(error, uncertain(partial()));
      if (inner.throw) return await inner.throw(error);
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** What a call that did not come to its end is known to have used: a part at best. */
function uncertain(told: Told): Told {
  return told.tokens ? { usageSource: "estimated", ...told } : { usageSource: "missing", ...told };
}

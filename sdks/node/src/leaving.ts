// The end of a process: the last events are sent or written down, and it ends the way it would have ended anyway.
import { isMainThread } from "node:worker_threads";
import type { Sender } from "./sender.js";
import { shared } from "./shared.js";

const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
type Signal = (typeof SIGNALS)[number];

let ending = false;

/** Those that are looked after until the process ends. */
export function senders(): Map<string, Sender> {
  if (!shared.senders) {
    shared.senders = new Map();
    process.on("beforeExit", () => void everyOne((each) => each.finish()));
    process.on("exit", leave);
    if (isMainThread) watchSignals();
  }
  return shared.senders;
}

function everyOne(act: (sender: Sender) => Promise<unknown>): Promise<unknown> {
  return Promise.all([...senders().values()].map(act));
}

function leave(): void {
  for (const sender of senders().values()) sender.leave();
}

// A listener takes away what a signal does by itself, and libraries look how many there are to decide whether they end
// the process. So there is one of ours only while there is no other.

function watchSignals(): void {
  for (const signal of SIGNALS) {
    if (!process.listenerCount(signal)) process.on(signal, onSignal);
  }
  // before Node's own, which begins to listen to a signal when the first is added
  (process as NodeJS.EventEmitter).prependListener("newListener", (name: unknown, listener: unknown) => {
    if (isSignal(name) && listener !== onSignal) process.removeListener(name, onSignal);
  });
  process.on("removeListener", (name, listener) => {
    if (isSignal(name) && listener !== onSignal && !ending && !process.listenerCount(name)) process.on(name, onSignal);
  });
}

function isSignal(name: unknown): name is Signal {
  return SIGNALS.includes(name as Signal);
}

function onSignal(signal: Signal): void {
  const again = ending;
  ending = true;
  if (again) return die(signal);
  void everyOne((each) => each.finish()).finally(() => die(signal));
}

function die(signal: Signal): void {
  leave();
  process.removeListener(signal, onSignal);
  process.kill(process.pid, signal);
}

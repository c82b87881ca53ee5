// Small words for reading what libraries answer, which may hold anything.
import type { Tokens } from "../event.js";

export type Fields = Record<string, unknown>;

export function fields(value: unknown): Fields {
  return (typeof value === "object" && value !== null) || typeof value === "function" ? (value as Fields) : {};
}

/** The value at a path; each step of it may be missing. */
export function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((here, name) => fields(here)[name], value);
}

/** The first of these that is a count, as a whole number; 0 where none is. */
export function count(...values: unknown[]): number {
  return known(...values) ?? 0;
}

export function known(...values: unknown[]): number | undefined {
  for (const value of values) {
    const number = typeof value === "bigint" ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && number >= 0) return Math.round(number);
  }
  return undefined;
}

export function text(value: unknown): string | undefined {
  return typeof value === "string" && value ? value.slice(0, 256) : undefined;
}

/** What is left of a whole after its parts were taken out of it. */
export function rest(whole: number, ...parts: number[]): number {
  return Math.max(
    parts.reduce((left, part) => left - part, whole),
    0,
  );
}

/** Without the classes of which there are none; nothing at all stays nothing at all. */
export function present(tokens: Tokens): Tokens {
  return Object.fromEntries(Object.entries(tokens).filter(([, number]) => number > 0));
}

export function units(counts: Record<string, number>): { units?: Record<string, number> } {
  const some = Object.entries(counts).filter(([, number]) => number > 0);
  return some.length ? { units: Object.fromEntries(some) } : {};
}

/** Without what is not known. */
export function said<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never;
}

// Ids of events: UUIDs of version 7, which carry the time at which they were made.
import { randomUUID } from "node:crypto";

export function uuid7(at = Date.now()): string {
  const time = at.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

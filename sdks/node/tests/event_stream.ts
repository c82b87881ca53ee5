// AWS's binary framing of event streams: length, headers, payload, and two checksums.
import { crc32 } from "./crc32.js";

export function eventStream(events: (readonly [string, unknown])[]): Buffer {
  return Buffer.concat(events.map(([name, content]) => frame(name, Buffer.from(JSON.stringify(content)))));
}

function frame(name: string, payload: Buffer): Buffer {
  const headers = Buffer.concat([
    header(":message-type", "event"),
    header(":event-type", name),
    header(":content-type", "application/json"),
  ]);
  const prelude = Buffer.alloc(8);
  prelude.writeUInt32BE(16 + headers.length + payload.length, 0);
  prelude.writeUInt32BE(headers.length, 4);
  const begun = Buffer.concat([prelude, uint32(crc32(prelude)), headers, payload]);
  return Buffer.concat([begun, uint32(crc32(begun))]);
}

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(value.length);
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7]), length, Buffer.from(value)]);
}

function uint32(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(number);
  return bytes;
}

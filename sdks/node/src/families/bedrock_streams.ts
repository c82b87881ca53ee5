// Streams of invoked models: their pieces are JSON of whoever made the model, of which few tell of usage.
import type { Told } from "../event.js";
import type { StreamReader } from "../streams.js";
import { messageStream, readUsage } from "./anthropic.js";
import { fromMetrics, METRICS, toldOf } from "./bedrock_answers.js";
import { at, type Fields, fields, said } from "./reading.js";

// One of these stands in each piece that tells of usage; the others are not read.
const MARKS = ['"usage"', "oken_count", "TokenCount", '"billed_units"'];

export function invokedStream(beside: Told): StreamReader {
  const message = messageStream((answer) => readUsage(answer["usage"]));
  let own: Told | undefined;
  let metrics: Told | undefined;
  return {
    see(piece) {
      const bytes = at(piece, "chunk", "bytes");
      if (!(bytes instanceof Uint8Array)) return;
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
      if (!MARKS.some((mark) => text.includes(mark))) return;
      const body: Fields = fields(JSON.parse(text));
      message.see(body);
      // other pieces tell of themselves alone
      if (body["type"] === undefined && body["generation"] === undefined) own = toldOf(body) ?? own;
      metrics = fromMetrics(body[METRICS]) ?? metrics;
    },
    /** Anthropic's own words tell most; then those of the other makers; then Bedrock's, which come last. */
    told() {
      const { tokens, units, usageSource } = message.told();
      const begun = said({ tokens, units });
      if (usageSource === "reported") return { ...begun, ...beside, usageSource };
      const found = own ?? metrics;
      if (found) return { ...found, ...beside, usageSource: "reported" };
      return { ...begun, ...beside, usageSource: "missing" };
    },
    isWhole: () => message.isWhole() || own !== undefined || metrics !== undefined,
  };
}

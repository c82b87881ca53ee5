// A program that makes the calls of every client and ends in the way that it is told.
import { TokenTra } from "../../src/index.js";
import { FAMILIES } from "../families.js";

const [models, way] = process.argv.slice(2) as [string, string];
const tt = new TokenTra({ flushEveryMs: 60_000 });
for (const [name, { make, call }] of Object.entries(FAMILIES)) {
  await call(tt.wrap(make(`${models}/${name}`)));
  console.log(name);
}
if (way === "exits") process.exit(3);

// Calls of a client of every library that nobody wrapped. Takes the address of the models.
import "@tokentra/sdk/auto";
import { flush, stats, wrap } from "@tokentra/sdk";
import { FAMILIES } from "../build/tests/families.mjs"; // which imports all of them, and does so first

for (const [name, { make, call }] of Object.entries(FAMILIES)) {
  const url = `${process.argv[2]}/${name}`;
  await call(make(url));
  await call(wrap(make(url))); // is reported once, too
}
await flush();
console.log(JSON.stringify(stats()));

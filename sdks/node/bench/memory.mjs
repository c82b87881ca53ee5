// node --expose-gc bench/memory.mjs url spool: mebibytes by which a process grows that makes calls and nothing else, with
// the package where there is an address to send to.
const [url, spool] = process.argv.slice(2);
const before = mebibytes();
const index = { query: async () => ({ usage: { readUnits: 1 } }), describeIndexStats: () => undefined };
let within = (_customer, call) => call();
let flush = async () => undefined;
if (url) {
  const { setCustomerId, TokenTra } = await import("@tokentra/sdk");
  const tokentra = new TokenTra({ url, apiKey: "tt_key", spool, flushEveryMs: 100, warn: () => undefined });
  tokentra.wrap(index);
  within = setCustomerId;
  flush = () => tokentra.flush(2_000);
}
await index.query();
await flush();
const one = mebibytes();
for (let number = 0; number < 50_000; number += 1) {
  await within(`customer-${number % 100}`, () => index.query());
  if (number % 500 === 0) await new Promise((resolve) => setTimeout(resolve, 5)); // as a program does that waits
}
await flush();
const { held, resident } = mebibytes();
const told = {
  "held for the package and one event": one.held - before.held,
  "held for 50,000 events": held - before.held,
  "resident for 50,000 events": resident - before.resident,
};
console.log(JSON.stringify(told));
process.exit();

function mebibytes() {
  global.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { held: (heapUsed + external) / 2 ** 20, resident: rss / 2 ** 20 };
}

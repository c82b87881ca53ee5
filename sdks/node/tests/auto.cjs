// Like auto.mjs, in a program of CommonJS: a library was loaded before, the others are loaded after.
require("openai");
require("@tokentra/sdk/auto");
const { flush, stats, wrap } = require("@tokentra/sdk");
const { FAMILIES } = require("../build/tests/families.cjs");

(async () => {
  for (const [name, { make, call }] of Object.entries(FAMILIES)) {
    const url = `${process.argv[2]}/${name}`;
    await call(make(url));
    await call(wrap(make(url))); // is reported once, too
  }
  await flush();
  console.log(JSON.stringify(stats()));
})();

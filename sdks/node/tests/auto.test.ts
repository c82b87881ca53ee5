// Programs that import the package and wrap nothing.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { instrument } from "../src/instrument.js";
import { EVENTS, familyAnswers } from "./families.js";
import { modelServer } from "./model_server.js";
import { tokentra } from "./tokentra_server.js";

// Some of the libraries are ES modules alone.
const { require_module } = process.features as { require_module?: boolean };

for (const program of ["tests/auto.mjs", "tests/auto.cjs"]) {
  const skip = program.endsWith(".cjs") && !require_module;
  test(`the calls of every client are reported once by ${program}`, { skip }, async () => {
    const [models, door] = await Promise.all([modelServer(familyAnswers), tokentra()]);
    const env = { PATH: process.env["PATH"], TOKENTRA_URL: door.url, TOKENTRA_API_KEY: "tt_key" };
    const running = promisify(execFile)(process.execPath, [program, models.url], { env });
    const done = await running.finally(() => Promise.all([models.close(), door.close()]));

    const { recorded, delivered, lost } = JSON.parse(done.stdout);
    const sums: Record<string, number> = {};
    for (const { provider } of door.events) sums[provider] = (sums[provider] ?? 0) + 1;
    assert.deepEqual(sums, { openai: 4, anthropic: 4, aws: 6, google: 10, mistral: 4, cohere: 6, pinecone: 4 });
    assert.deepEqual([recorded, delivered, lost], [2 * EVENTS, 2 * EVENTS, {}]);
  });
}

test("a library that is not as it was is left as it is", () => {
  instrument("openai", undefined);
  instrument("openai", { OpenAI: "no class" });
  instrument("cohere-ai", { CohereClient: class {} });
  const frozen = { OpenAI: class {} };
  instrument("openai", frozen);

  assert.deepEqual(Object.getOwnPropertyNames(frozen.OpenAI.prototype), ["constructor"]);
});

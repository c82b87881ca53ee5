// Every example of the README runs, and is measured as it says.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";
import { anthropicAnswers, openaiAnswers } from "./answers.js";
import { libraryAnswers } from "./library_answers.js";
import { type Asked, modelServer } from "./model_server.js";
import { tokentra } from "./tokentra_server.js";

const answers = (asked: Asked) => {
  if (asked.path.includes("/messages")) return anthropicAnswers(asked);
  return asked.path.includes("gemini") ? libraryAnswers(asked) : openaiAnswers(asked);
};

// What is added to an example of a server so that it is asked something.
const SERVED = `
const server = app.listen(0, async () => {
  const headers = { "x-customer": "acme" };
  const answer = await fetch("http://127.0.0.1:" + server.address().port, { headers });
  if ((await answer.text()) !== "The secret answer") throw new Error("no answer");
  server.close();
});`;

test("the examples run, and say what they are said to say", async () => {
  const readme = readFileSync("README.md", "utf8");
  const examples = [...readme.matchAll(/```js\n([^`]+)```/g)].map(([, code = ""]) => code);
  const [models, door] = await Promise.all([modelServer(answers), tokentra()]);
  const env = {
    PATH: process.env["PATH"],
    NODE_NO_WARNINGS: "1", // of libraries on newer versions of Node
    TOKENTRA_URL: door.url,
    TOKENTRA_API_KEY: "tt_key",
    OPENAI_API_KEY: "none",
    OPENAI_BASE_URL: `${models.url}/v1`,
    ANTHROPIC_API_KEY: "none",
    ANTHROPIC_BASE_URL: models.url,
    GEMINI_API_KEY: "none",
    GOOGLE_GEMINI_BASE_URL: models.url,
  };
  mkdirSync("build/tests/readme", { recursive: true });
  const running = Promise.all(
    examples.map(async (code, number) => {
      const path = `build/tests/readme/${number}.mjs`;
      writeFileSync(path, code.includes("express()") ? code + SERVED : code);
      const { stderr } = await promisify(execFile)(process.execPath, [path], { env });
      assert.equal(stderr, "", code);
    }),
  );
  await running.finally(() => Promise.all([models.close(), door.close()]));

  const said = door.events.map(({ provider, operation, customerId, feature, agent, tool }) =>
    [provider, operation, customerId, feature, agent, tool].filter(Boolean).join(" "),
  );
  assert.deepEqual(said.sort(), [
    "anthropic chat",
    "google chat",
    "openai chat",
    "openai chat",
    "openai embeddings",
    "openai embeddings customer-7 researcher",
    "openai embeddings customer-7 researcher look-up",
    "openai embeddings customer-7 search",
    "openai embeddings customer-8",
    "openai responses",
    "openai responses acme",
  ]);
});

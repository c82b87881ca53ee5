#!/usr/bin/env node
// npx @tokentra/sdk check
import { check } from "./check.js";

if (process.argv[2] === "check") {
  const found = await check();
  for (const { ok, what, message } of found) console.log(`${ok ? "ok   " : "WRONG"} ${what}: ${message}`);
  process.exitCode = found.every(({ ok }) => ok) ? 0 : 1;
} else {
  console.log("npx @tokentra/sdk check   says what stands between this machine and TokenTra");
  process.exitCode = 2;
}

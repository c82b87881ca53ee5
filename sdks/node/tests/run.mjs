// npm test [--quick] [names of files]: bundles the tests and runs them with the node that runs this.
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(join(dirname(fileURLToPath(import.meta.url)), ".."));
const isQuick = process.argv.includes("--quick"); // without installing the package as it is packed
const wanted = process.argv.slice(2).filter((name) => name !== "--quick");
const all = readdirSync("tests").filter((name) => name.endsWith(".test.ts"));
const names = isQuick ? all.filter((name) => name !== "package.test.ts") : all;
const chosen = names.filter((name) => !wanted.length || wanted.some((part) => name.includes(part)));

await import("../build.mjs");
rmSync("build/tests", { recursive: true, force: true });
const common = {
  bundle: true,
  packages: "external",
  platform: "node",
  target: "node18",
  outdir: "build/tests",
  outbase: "tests",
};
await build({
  ...common,
  entryPoints: [...chosen.map((name) => `tests/${name}`), ...programs(), "tests/families.ts"],
  splitting: true,
  format: "esm",
  outExtension: { ".js": ".mjs" },
});
await build({ ...common, entryPoints: ["tests/families.ts"], format: "cjs", outExtension: { ".js": ".cjs" } });
const files = chosen.map((name) => `build/tests/${name.replace(/\.ts$/, ".mjs")}`);
const { status } = spawnSync(process.execPath, ["--test", ...files], { stdio: "inherit" });
process.exit(status ?? 1);

function programs() {
  return readdirSync("tests/programs").map((name) => `tests/programs/${name}`);
}

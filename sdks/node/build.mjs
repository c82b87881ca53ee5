// npm run build: bundles src into dist as ESM and CommonJS, with the declarations of each.
import { execFileSync } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

process.chdir(dirname(fileURLToPath(import.meta.url)));
const common = {
  bundle: true,
  platform: "node",
  target: "node18",
  outdir: "dist",
  legalComments: "none",
};

for (const made of ["dist", "build/types"]) await rm(made, { recursive: true, force: true });
await build({ ...common, entryPoints: ["src/index.ts", "src/auto.ts", "src/cli.ts"], format: "esm", splitting: true });
const required = { index: "src/index.ts", auto: "src/auto_required.ts" };
await build({ ...common, entryPoints: required, format: "cjs", outExtension: { ".js": ".cjs" } });
const tsc = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc");
execFileSync(process.execPath, [tsc, "--project", "tsconfig.build.json"], { stdio: "inherit" });

// The same declarations twice: Node takes a file for ESM or CommonJS by its ending, and so does TypeScript.
for (const name of await readdir("build/types", { recursive: true })) {
  if (!name.endsWith(".d.ts")) continue;
  const text = await readFile(`build/types/${name}`, "utf8");
  await mkdir(dirname(`dist/${name}`), { recursive: true });
  await writeFile(`dist/${name}`, text);
  await writeFile(`dist/${name.replace(/\.ts$/, ".cts")}`, text.replace(/(from |import\()(".*?)\.js"/g, '$1$2.cjs"'));
}

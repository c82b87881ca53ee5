// npm run build: bundles scripts and styles into build/dist, and the drawings that pages name into build/icons.
import { readdir, rm } from "node:fs/promises";
import { build } from "esbuild";
import { drawings } from "./drawings.js";
import { tabler } from "./tabler.js";

const DIST = "build/dist";

const { metafile } = await build({
  entryPoints: ["frontend/app.js", "frontend/theme.js"],
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  outdir: DIST,
  chunkNames: "[name]-[hash]",
  assetNames: "[name]",
  loader: { ".woff2": "file" },
  plugins: [tabler],
  metafile: true,
});
for (const file of await readdir(DIST)) if (!(`${DIST}/${file}` in metafile.outputs)) await rm(`${DIST}/${file}`);
await drawings();

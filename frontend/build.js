// npm run build: bundles scripts and styles into build/dist, and the drawings that pages name into build/icons.
import { build } from "esbuild";
import { drawings } from "./drawings.js";
import { tabler } from "./tabler.js";

await build({
  entryPoints: ["frontend/app.js", "frontend/theme.js"],
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  outdir: "build/dist",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]",
  loader: { ".woff2": "file" },
  plugins: [tabler],
});
await drawings();

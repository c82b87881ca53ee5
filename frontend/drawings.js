// Collects every icon that a template or a Python file names, and the providers' logos, as JSON for the icon tags.
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";

const OUTLINE = "node_modules/@tabler/icons/icons/outline";
const LOGOS = "node_modules/@lobehub/icons-static-svg/icons";
const SOURCES = ["templates", "tokentra", "accounts", "usage", "providers", "onboarding", "budgets", "sdk_keys"];
const MARKS = {
  openai: "openai", anthropic: "anthropic", google: "google-color", google_vertex: "vertexai-color", gemini: "gemini-color",
  azure: "azure-color", azure_openai: "azure-color", bedrock: "bedrock-color", aws_bedrock: "bedrock-color", mistral: "mistral-color",
  cohere: "cohere-color", deepseek: "deepseek-color", groq: "groq", xai: "xai", openrouter: "openrouter", together: "together-color",
  fireworks: "fireworks-color", perplexity: "perplexity-color", github: "github", microsoft: "microsoft-color",
};

const inside = (svg) => svg.replace(/^[^]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").trim();

async function namedIn(folder) {
  if (!existsSync(folder)) return [];
  const files = (await readdir(folder, { recursive: true })).filter((name) => /\.(html|py)$/.test(name));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((text) => [...text.matchAll(/["']([a-z][a-z0-9-]+)["']/g)].map((match) => match[1]));
}

export async function drawings() {
  const known = new Set((await readdir(OUTLINE)).map((name) => name.replace(".svg", "")));
  const names = new Set((await Promise.all(SOURCES.map(namedIn))).flat());
  const icons = {};
  for (const name of [...names].filter((name) => known.has(name)).sort())
    icons[name] = inside(await readFile(`${OUTLINE}/${name}.svg`, "utf8")).replace(/<path stroke="none"[^>]*>\s*/, "").replace(/\s*\n\s*/g, "");
  const logos = {};
  for (const [provider, file] of Object.entries(MARKS))
    logos[provider] = inside(await readFile(`${LOGOS}/${file}.svg`, "utf8")).replace(/<title>.*?<\/title>/, "");
  await mkdir("build/icons", { recursive: true });
  await writeFile("build/icons/icons.json", JSON.stringify(icons));
  await writeFile("build/icons/logos.json", JSON.stringify(logos));
}

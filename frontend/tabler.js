// Tabler's stylesheet without the components that our kit replaces: a good third of it is left to send.
import { readFile } from "node:fs/promises";
import postcss from "postcss";

// the first word of a class; rules for bare elements stay as well
const KEPT = new Set(
  `align bg border btn clearfix col container d flex float form fs fw g gap grid gx gy h hr hstack input invisible
   justify lead m mb me ms mt mx my object order overflow p pb pe placeholder position ps pt px py ratio rounded row
   is active disabled small sr start end sticky table text top bottom translate visible visually vr vstack w`.split(/\s+/),
);
// variants that no page may wear, and a date picker that we do not carry
const DROPPED = /-(facebook|twitter|linkedin|google|youtube|vimeo|dribbble|github|instagram|pinterest|vk|rss|flickr|bitbucket|tabler|x|pink|lime|cyan|indigo|teal|purple|pattern)\b|data-vc|:valid|is-valid/;

function isKept(selector) {
  const words = [...selector.matchAll(/\.([a-z]+)[a-z0-9-]*/gi)].map((match) => match[1]);
  return words.every((word) => KEPT.has(word)) && !DROPPED.test(selector);
}

function trim(css) {
  const root = postcss.parse(css);
  root.walkRules((rule) => {
    if (rule.parent.type === "atrule" && rule.parent.name.endsWith("keyframes")) return;
    const kept = rule.selectors.filter(isKept);
    if (kept.length) rule.selectors = kept;
    else rule.remove();
  });
  root.walkAtRules((at) => {
    if (at.nodes?.length === 0) at.remove();
  });
  const used = new Set([...root.toString().matchAll(/animation[^;}]*?:\s*([a-z-]+)/g)].map((match) => match[1]));
  root.walkAtRules(/keyframes$/, (at) => {
    if (!used.has(at.params)) at.remove();
  });
  return root.toString();
}

export const tabler = {
  name: "tabler",
  setup(build) {
    build.onLoad({ filter: /tabler\.css$/ }, async ({ path }) => ({ contents: trim(await readFile(path, "utf8")), loader: "css" }));
  },
};

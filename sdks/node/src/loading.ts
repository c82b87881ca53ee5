// Finds the libraries that a program uses, those that it has and those that it is going to load.
import { existsSync, readFileSync } from "node:fs";
import Module, { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { instrument, LIBRARIES } from "./instrument.js";
import { shared } from "./shared.js";

type Load = (this: unknown, request: string, ...rest: unknown[]) => unknown;

/** Of CommonJS: what was loaded before, and from now on each as it is loaded. */
export function watchRequire(): void {
  if (shared.watchesRequire) return;
  shared.watchesRequire = true;
  const loader = Module as unknown as { _load: Load };
  const load = loader._load;
  loader._load = function watching(request, ...rest) {
    const exported = load.call(this, request, ...rest);
    if (Object.hasOwn(LIBRARIES, request)) quietly(() => instrument(request, exported));
    return exported;
  };
  const require = createRequire(join(home(), "package.json"));
  for (const library of Object.keys(LIBRARIES)) {
    quietly(() => instrument(library, require.cache[require.resolve(library)]?.exports));
  }
}

/**
 * Of ES modules nobody says which are loaded, so those that the program depends on are loaded here, as it is going to do
 * itself. `load` loads from where this package stands.
 */
export async function loadModules(load: (library: string) => Promise<unknown>): Promise<void> {
  const loaded = dependencies().map(async (library) => {
    const exported = await load(library).catch(() => undefined); // the program will see for itself
    quietly(() => instrument(library, exported));
  });
  await Promise.all(loaded);
}

function dependencies(): string[] {
  const found = new Set<string>();
  quietly(() => {
    const read = JSON.parse(readFileSync(join(home(), "package.json"), "utf8")) as Record<string, object | undefined>;
    for (const kind of ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"]) {
      for (const library of Object.keys(read[kind] ?? {})) found.add(library);
    }
  });
  return Object.keys(LIBRARIES).filter((library) => found.has(library));
}

/** The directory of the program's package.json; that of a tool that starts programs is not meant. */
function home(): string {
  const script = process.argv[1];
  const isTool = !script || script.includes(`${sep}node_modules${sep}`);
  const start = isTool ? process.cwd() : dirname(script);
  for (let here = start; ; here = dirname(here)) {
    if (existsSync(join(here, "package.json"))) return here;
    if (here === dirname(here)) return start;
  }
}

function quietly(act: () => void): void {
  try {
    act();
  } catch {
    // a library that is not there, or is not as it was, is not measured by itself; it can be wrapped
  }
}

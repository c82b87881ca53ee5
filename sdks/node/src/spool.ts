// Events that wait on disk while TokenTra is away: files of one event a line, seen by every process of this user.
//
// A process claims a file by renaming it. A claim of one that died is taken over after a while; should two send the
// same file, the ids in it are the same and nothing is counted twice.
import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { uuid7 } from "./ids.js";
import type { Settings } from "./settings.js";

const WAITING = ".events";
const CLAIMED = ".claimed";
const STALE = 120_000;
const LARGEST_FILE = 8 * 2 ** 20;

export interface Claim {
  lines: string[];
  /** They arrived, or are lost and counted. */
  done(): Promise<void>;
  /** They did not; somebody may try again. */
  release(): Promise<void>;
}

/** Why nothing was written, in a word for the counts. */
export type Refusal = "spool_full" | "disk_failed";

export class Spool {
  private constructor(
    readonly directory: string,
    private readonly most: number,
  ) {}

  static of({ spool, url, apiKey, maxSpoolBytes }: Settings): Spool | undefined {
    if (spool === false) return undefined;
    if (typeof spool === "string") return new Spool(spool, maxSpoolBytes);
    const user = process.getuid?.() ?? "user";
    const whose = createHash("sha256").update(`${url.href}\n${apiKey}`).digest("hex").slice(0, 16);
    return new Spool(join(tmpdir(), `tokentra-${user}`, whose), maxSpoolBytes);
  }

  /** Also while the process ends, when nothing else is possible: it waits for the disk. */
  write(lines: readonly string[]): Refusal | undefined {
    const content = `${lines.join("\n")}\n`;
    let unfinished = "";
    try {
      this.prepare();
      if (this.size() + content.length > this.most) return "spool_full";
      const name = join(this.directory, uuid7());
      unfinished = `${name}.writing`;
      fs.writeFileSync(unfinished, content, { mode: 0o600, flag: "wx" });
      fs.renameSync(unfinished, name + WAITING);
      return undefined;
    } catch {
      if (unfinished) fs.rmSync(unfinished, { force: true });
      return "disk_failed";
    }
  }

  /** The oldest file that nobody works on. */
  async claim(now = Date.now()): Promise<Claim | undefined> {
    for (const name of (await names(this.directory)).sort()) {
      const path = join(this.directory, name);
      if (!(name.endsWith(WAITING) || (name.endsWith(CLAIMED) && (await isStale(path, now))))) continue;
      const waiting = join(this.directory, name.slice(0, 36) + WAITING);
      const claimed = join(this.directory, name.slice(0, 36) + CLAIMED);
      try {
        await fs.promises.rename(path, claimed);
        await fs.promises.utimes(claimed, new Date(now), new Date(now));
        const { size } = await fs.promises.stat(claimed);
        const text = size <= LARGEST_FILE ? await fs.promises.readFile(claimed, "utf8") : "";
        return {
          lines: text.split("\n").filter((line) => line.startsWith("{") && line.endsWith("}")),
          done: () => fs.promises.rm(claimed, { force: true }),
          release: () => fs.promises.rename(claimed, waiting).catch(() => undefined),
        };
      } catch {
        // another process was faster
      }
    }
    return undefined;
  }

  /** In a directory that is shared, only one of our own, so that nobody else reads or plants events. */
  private prepare(): void {
    fs.mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const found = fs.lstatSync(this.directory);
    const mine = process.getuid?.();
    if (!found.isDirectory() || (mine !== undefined && found.uid !== mine)) throw new Error("not ours");
    if (mine !== undefined && found.mode & 0o022) throw new Error("writable by others");
  }

  private size(): number {
    let sum = 0;
    for (const name of fs.readdirSync(this.directory)) {
      sum += fs.statSync(join(this.directory, name), { throwIfNoEntry: false })?.size ?? 0;
    }
    return sum;
  }
}

async function names(directory: string): Promise<string[]> {
  try {
    return await fs.promises.readdir(directory);
  } catch {
    return [];
  }
}

async function isStale(path: string, now: number): Promise<boolean> {
  try {
    return now - (await fs.promises.stat(path)).mtimeMs > STALE;
  } catch {
    return false;
  }
}

// Which model a call goes to instead of the one that was asked for: rules that TokenTra keeps, where a program opts in.
//
// They are read in the background. Without them, and whatever goes wrong, a call goes as it was asked for.
import { AsyncResource } from "node:async_hooks";
import { ask } from "./delivery.js";
import { at, type Fields, fields, text } from "./families/reading.js";
import type { Reading } from "./families/stainless.js";
import type { Settings } from "./settings.js";

export interface Rule {
  key: string;
  useModel: string;
}

const EVERY = 60_000;
const KEPT_FOR = 600_000;
const RESTS_FOR = 600_000;
const DATED = /(-latest|[-@]\d{4}-?\d{2}-?\d{2})$/;
const GONE = [403, 404]; // the provider does not have the other model, or not for this account
const REFUSED = [400, ...GONE, 422, 429]; // the model that was asked for might answer this

/** The rules of one TokenTra, as they were when they were last read. */
export class Routing {
  /** Once they were read for the first time, or could not be. */
  readonly looked: Promise<void>;
  private rules = new Map<string, string>();
  private readonly resting = new Map<string, number>();
  private etag = "";
  private readAt = 0;

  constructor(private readonly settings: Settings) {
    const root = new AsyncResource("TokenTra"); // so that no request's context lives on in the timer
    this.looked = root.runInAsyncScope(() => {
      setInterval(() => void this.look(), EVERY).unref();
      return this.look();
    });
  }

  /** Read the rules now. Those of before hold on for ten minutes where TokenTra cannot be reached. Never rejects. */
  async look(now = Date.now()): Promise<void> {
    try {
      const known = this.etag ? { "if-none-match": this.etag } : {};
      const headers = { authorization: `Bearer ${this.settings.apiKey}`, ...known };
      const answer = await ask(new URL("../routing", this.settings.url), "GET", undefined, headers);
      if (answer.status === 200) this.rules = rulesOf(JSON.parse(answer.body));
      if (answer.status === 200) this.etag = text(answer.headers.etag) ?? "";
      if ([200, 304].includes(answer.status)) this.readAt = now;
      if ([401, 403, 404].includes(answer.status)) this.forget();
    } catch {
      // the next look may reach it
    }
    if (now - this.readAt > KEPT_FOR) this.forget();
  }

  private forget(): void {
    this.rules = new Map();
    this.etag = "";
  }

  /** The rule for such a call, if there is one that does not rest. */
  find(feature: string, provider: string, model: string): Rule | undefined {
    for (const name of [model, model.replace(DATED, "")]) {
      const key = keyOf(feature, provider, name);
      const useModel = this.rules.get(key);
      if (useModel === undefined) continue;
      const rests = (this.resting.get(key) ?? 0) > Date.now();
      return rests || useModel === model ? undefined : { key, useModel };
    }
    return undefined;
  }

  rest({ key }: Rule): void {
    this.resting.set(key, Date.now() + RESTS_FOR);
  }
}

/** Asks for another model where a rule says so, and once more as the program did where that one is refused. */
export function routed(reading: Reading, routing: Routing): Reading {
  const { call, asked, isOurs } = reading;
  let rule: Rule | undefined;
  let unrouted: unknown;
  return {
    ...reading,
    asked(options) {
      const changed = asked?.(options) ?? options;
      const body = fields(at(changed, "body"));
      const model = text(body["model"]);
      rule =
        model && at(options, "__metadata", "model") === undefined
          ? routing.find(call.feature, call.provider, model)
          : undefined;
      if (!rule || !model) return changed;
      unrouted = changed;
      call.routed(rule.useModel, model);
      return { ...fields(changed), body: { ...body, model: rule.useModel } };
    },
    isOurs(error) {
      const ours = isOurs?.(error) ?? false;
      const status = at(error, "status") as number;
      if (!rule) return ours;
      if (GONE.includes(status)) routing.rest(rule);
      if (!ours && !REFUSED.includes(status)) return false;
      if (ours) unrouted = undefined; // it was refused for what we asked of it besides
      call.routed(undefined);
      return true;
    },
    again: () => unrouted,
  };
}

function rulesOf(told: unknown): Map<string, string> {
  const rules = at(told, "rules");
  const found = new Map<string, string>();
  for (const rule of (Array.isArray(rules) ? rules : []) as Fields[]) {
    const [feature, provider, model, useModel] = ["feature", "provider", "model", "useModel"].map((name) =>
      text(at(rule, name)),
    );
    if (feature && provider && model && useModel) found.set(keyOf(feature, provider, model), useModel);
  }
  return found;
}

function keyOf(...parts: string[]): string {
  return JSON.stringify(parts);
}

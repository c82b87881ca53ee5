// Why a call was not made: what a program catches where it asks TokenTra before its calls.
import { at, type Fields, fields, text } from "./families/reading.js";

/** The call was not made, and cost nothing. `message` is a sentence for people; `told` is what TokenTra said. */
export class CallRefused extends Error {
  constructor(
    message: string,
    readonly told: Fields = {},
  ) {
    super(message);
    this.name = new.target.name;
  }
}

/** A budget has too little left for the call. */
export class BudgetReached extends CallRefused {
  /** The one that begins anew last, of those that refuse. */
  private get refusing(): Fields {
    const budgets = Array.isArray(this.told["budgets"]) ? (this.told["budgets"] as unknown[]) : [];
    const end = (budget: Fields) => text(budget["periodEnd"]) ?? "";
    return budgets
      .map(fields)
      .filter(({ state }) => state === "refuses")
      .reduce((last, each) => (end(each) > end(last) ? each : last), {});
  }

  get budget(): string {
    return text(this.refusing["name"]) ?? "";
  }

  /** Whose budget, where each customer, user or alike has one; else empty. */
  get value(): string {
    return text(this.refusing["value"]) ?? "";
  }

  /** When it was used up; undefined while only calls under way leave no room for this one. */
  get since(): Date | undefined {
    return moment(this.refusing["reachedAt"]);
  }

  /** When it begins anew. */
  get until(): Date | undefined {
    return moment(this.refusing["periodEnd"]);
  }

  /** Who can allow more. */
  get ask(): string {
    return text(at(this.told, "ask")) ?? "";
  }

  get askUrl(): string {
    return text(at(this.told, "askUrl")) ?? "";
  }
}

/** The prompt has more tokens than the organization allows. */
export class PromptTooLong extends CallRefused {}

/** TokenTra could not be asked, and the program chose to make no calls then. */
export class CheckUnavailable extends CallRefused {}

const KINDS: Record<string, typeof CallRefused> = { budget_reached: BudgetReached, prompt_too_long: PromptTooLong };

/** A new one each time: an error says where it came from. */
export function refusal(told: Fields): CallRefused {
  const Kind = KINDS[String(told["code"])] ?? CallRefused;
  return new Kind(String(told["message"] ?? "TokenTra refused this call."), told);
}

function moment(said: unknown): Date | undefined {
  const found = new Date(typeof said === "string" ? said : Number.NaN);
  return Number.isNaN(found.getTime()) ? undefined : found;
}

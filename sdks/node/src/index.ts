// @tokentra/sdk: reports what each model call used, and for whom it was, to TokenTra.
export { check, type Finding } from "./check.js";
export { agent, attributes, requestScope, run, setCustomerId, tool } from "./context.js";
export type { Attributes, Event, Status, Tokens, UsageSource } from "./event.js";
export type { Checks } from "./guarding.js";
export { middleware } from "./middleware.js";
export { BudgetReached, CallRefused, CheckUnavailable, PromptTooLong } from "./refusals.js";
export type { Stats } from "./sender.js";
export type { Options } from "./settings.js";
export type { WrapOptions } from "./tokentra.js";
export { flush, observe, stats, TokenTra, wrap } from "./tokentra.js";

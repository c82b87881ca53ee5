// What one model call says of itself, in the field names of POST /api/usage/track.

/** Classes never overlap: what a cache read is no part of `input`; `reasoning` is a part of `output`. */
export interface Tokens {
  input?: number;
  cacheRead?: number;
  cacheWrite5m?: number;
  cacheWrite30m?: number;
  cacheWrite1h?: number;
  cacheWrite12h?: number;
  output?: number;
  reasoning?: number;
  audioIn?: number;
  audioOut?: number;
  imageIn?: number;
  imageOut?: number;
}

/** Whom and what a call was for. */
export interface Attributes {
  customerId?: string;
  userId?: string;
  feature?: string;
  team?: string;
  agent?: string;
  prompt?: string;
  environment?: string;
  runId?: string;
  parentId?: string;
  tool?: string;
  purpose?: string;
  project?: string;
  costCenter?: string;
  tags?: Record<string, string | number | boolean>;
}

export type Status = "ok" | "error" | "timeout" | "cancelled";
export type UsageSource = "reported" | "estimated" | "missing";

/** What an answer tells of the call that asked for it. */
export interface Told {
  model?: string;
  operation?: string;
  tokens?: Tokens;
  units?: Record<string, number>;
  cost?: { amount: string; currency: string };
  requestId?: string;
  serviceTier?: string;
  usageSource?: UsageSource;
  status?: Status;
  errorCode?: string;
}

export interface Event extends Told, Attributes {
  id: string;
  occurredAt: string;
  provider: string;
  model: string;
  latencyMs?: number;
  timeToFirstTokenMs?: number;
  streaming?: boolean;
}

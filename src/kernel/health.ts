// What /healthz and /readyz answer: every check that has something to say against it.

/** A sentence that says what is wrong, or undefined. */
export type HealthCheck = () => string | undefined;

export interface Health {
  /** Alive: a process that fails this is to be killed and started again. That it answers shows that its event loop turns. */
  readonly live: readonly HealthCheck[];
  /** Ready to take over: what it has to know is in memory. */
  readonly ready: readonly HealthCheck[];
}

/** All that is wrong, in order. */
export const problems = (checks: readonly HealthCheck[]): readonly string[] =>
  checks.map((check) => check()).filter((problem) => problem !== undefined);

import { toError } from './errors.js';
import { isForward } from './forward.js';
import type { Handler } from './handlers.js';
import type { Job } from './job.js';
import type { Ending } from './outcome.js';
import { checkedBy, SchemaError, type Checked } from './schema-check.js';

export function hasSchemas({ definition }: Handler): boolean {
  return definition !== undefined && (definition.payload ?? definition.result) !== undefined;
}

/**
 * Checks the payload, calls the handler with what its schema makes of it, and checks the result. Never rejects.
 *
 * @param jobOf the job with that payload; undefined where it is not to be handled any more, and then there is no ending
 */
export async function handledBetweenSchemas(
  handler: Handler,
  stored: unknown,
  jobOf: (payload: unknown) => Job | undefined,
): Promise<Ending | undefined> {
  const { payload, result } = handler.definition ?? {};
  let value: unknown;
  let step: Checked | 'handler' = 'payload';
  try {
    const job = jobOf(payload ? await checkedBy(payload, stored, step) : stored);
    if (!job) return undefined;
    step = 'handler';
    value = await handler.handle(job.payload, job);
    step = 'result';
    // What goes on is no result of this job's.
    if (result && !isForward(value)) await checkedBy(result, value, step);
    return { kind: 'returned', value };
  } catch (thrown) {
    if (step === 'handler') return { kind: 'threw', thrown };
    const error = toError(thrown);
    return error instanceof SchemaError ? { kind: 'refused', what: step, error } : { kind: 'unchecked', error };
  }
}

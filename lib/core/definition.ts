import type { StandardSchemaV1 } from '@standard-schema/spec';
import { within } from './checked-object.js';
import { DEFINITION, isDefined } from './definition-mark.js';
import { checkedHandlerOptions, type JobHandlerOptions } from './handler-options.js';
import { checkName } from './names.js';
import { checkSchema } from './schema-check.js';
import { show } from './show.js';

/**
 * A job's name together with what its payload and its result are. Publishers and handlers share it; it is made by
 * {@link defineJob} and frozen.
 */
export interface JobDefinition<Name extends string = string, In = unknown, Out = unknown, Result = unknown> {
  readonly name: Name;
  /** What checks payloads, when they are published and before they are handled. */
  readonly payload: StandardSchemaV1<In, Out> | undefined;
  /** What checks the handler's results. */
  readonly result: StandardSchemaV1<Result, unknown> | undefined;
  readonly options: JobHandlerOptions;
  /** For the compiler alone: never there. */
  readonly '~types'?: { readonly input: In; readonly output: Out; readonly result: Result };
}

/** What a publisher passes as the payload of a definition. */
export type InputOf<Definition extends JobDefinition> = NonNullable<Definition['~types']>['input'];
/** What the handler of a definition gets. */
export type PayloadOf<Definition extends JobDefinition> = NonNullable<Definition['~types']>['output'];
/** What the handler of a definition returns, or promises. */
export type ResultOf<Definition extends JobDefinition> = NonNullable<Definition['~types']>['result'];

/**
 * Defines a job, for `publish` and `@JobHandler`. A payload that its schema refuses is not published, and one that comes
 * all the same (from another program, or an older version) is not handled: its job fails at once. What is stored is the
 * payload as it was given; the handler gets what the schema makes of it. A result that its schema refuses fails the job
 * at once, too; it is kept as it was returned.
 *
 * @param name 1 to 100 of `A-Z a-z 0-9 _ - .`, not starting with `.` or `-`
 * @param options `payload` and `result`: schemas that keep to Standard Schema (zod, valibot, arktype …), asynchronous ones
 * too. The others are those of `@JobHandler`; `queue` and `priority` hold wherever the job is published by its definition, unless
 * the module's option `handlers` says otherwise there; the rest where it is handled
 * @throws TypeError naming the job and the option, what was expected and what was given
 */
export function defineJob<
  const Name extends string,
  Payload extends StandardSchemaV1,
  Result extends StandardSchemaV1 = StandardSchemaV1,
>(
  name: Name,
  options: JobHandlerOptions & { readonly payload: Payload; readonly result?: Result },
): JobDefinition<
  Name,
  StandardSchemaV1.InferInput<Payload>,
  StandardSchemaV1.InferOutput<Payload>,
  StandardSchemaV1.InferInput<Result>
>;
/** Without a schema for the payload, the types are all there is: `defineJob<{ to: string }>('send_email')`. */
export function defineJob<Payload = unknown, Result = unknown>(
  name: string,
  options?: JobHandlerOptions & { readonly payload?: undefined; readonly result?: StandardSchemaV1<Result, unknown> },
): JobDefinition<string, Payload, Payload, Result>;
export function defineJob(
  name: string,
  given: JobHandlerOptions & { readonly payload?: StandardSchemaV1; readonly result?: StandardSchemaV1 } = {},
): JobDefinition {
  return within(`defineJob(${show(name)}): `, () => {
    checkName('job name', name);
    if (typeof given !== 'object' || given === null) {
      throw new TypeError(`options: expected an object, got ${show(given)}`);
    }
    const { payload, result, ...options } = given;
    checkSchema(payload, 'payload');
    checkSchema(result, 'result');
    checkedHandlerOptions(options, 'options');
    const definition: JobDefinition = { name, payload, result, options: Object.freeze(options) };
    Object.defineProperty(definition, DEFINITION, { value: true });
    return Object.freeze(definition);
  });
}

/**
 * The name of a job that is called by it or by its definition.
 *
 * @throws TypeError where it is neither
 */
export function jobNameOf(job: unknown): string {
  // A class has a name too, which is not that of its job.
  const name: unknown = isDefinition(job) ? job.name : job;
  checkName('job name', name);
  return name;
}

export function isDefinition(value: unknown): value is JobDefinition {
  return isDefined(value);
}

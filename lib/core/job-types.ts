import type { JobDefinition } from './definition.js';
import type { PublishedJob } from './published-job.js';
import type { PublishOptions } from './publish-options.js';

/**
 * The types of jobs that are called by their plain names. Empty; an application may add its own, and names that it
 * doesn't list stay untyped:
 *
 * ```ts
 * declare module 'nestjs-jobs' {
 *   interface JobTypes {
 *     send_email: { payload: { to: string }; result: { sentAs: string } };
 *   }
 * }
 * ```
 */
export interface JobTypes {}

/** A name that {@link JobTypes} lists, or any other. */
export type JobName = keyof JobTypes | (string & {});

/** What a job is called by: its definition, or its name. */
export type JobOrName = JobDefinition | JobName;

type FieldOf<Types, Field extends string> = Types extends { readonly [Key in Field]: infer Type } ? Type : unknown;
type TypesOf<Name> = Name extends keyof JobTypes ? JobTypes[Name] : unknown;

/** What is published under a plain name; `unknown` where {@link JobTypes} doesn't list it. */
export type NamedPayload<Name> = FieldOf<TypesOf<Name>, 'payload'>;
/** What the handler of a plain name returns; `unknown` where {@link JobTypes} doesn't list it. */
export type NamedResult<Name> = FieldOf<TypesOf<Name>, 'result'>;

/** The arguments of `publish` behind the job: the payload may be left out where `undefined` is one. */
export type PublishArguments<Payload, Options = PublishOptions> = undefined extends Payload
  ? [payload?: Payload, options?: Options]
  : [payload: Payload, options?: Options];

/** One job of `publishMany` by its name. */
export interface NamedRequest {
  readonly name: JobName;
  readonly job?: undefined;
  readonly payload?: unknown;
  readonly options?: PublishOptions;
}

/** One job of `publishMany` by its definition. */
export interface DefinedRequest {
  readonly job: JobDefinition;
  readonly name?: undefined;
  readonly payload?: unknown;
  readonly options?: PublishOptions;
}

/** One job of `publishMany`. */
export type PublishRequest = NamedRequest | DefinedRequest;

type PayloadField<Payload> = undefined extends Payload ? { readonly payload?: Payload } : { readonly payload: Payload };

type CheckedRequest<Request> = Request extends { readonly job: JobDefinition<string, infer In> }
  ? { readonly job: Request['job']; readonly name?: undefined; readonly options?: PublishOptions } & PayloadField<In>
  : Request extends { readonly name: infer Name }
    ? { readonly name: Name; readonly job?: undefined; readonly options?: PublishOptions } & PayloadField<
        NamedPayload<Name>
      >
    : PublishRequest;

/** What each request has to be, so that its payload is its job's. */
export type CheckedRequests<Requests extends readonly PublishRequest[]> = {
  readonly [Index in keyof Requests]: CheckedRequest<Requests[Index]>;
};

type RequestedResult<Request> = Request extends { readonly job: JobDefinition<string, unknown, unknown, infer Result> }
  ? Result
  : Request extends { readonly name: infer Name }
    ? NamedResult<Name>
    : unknown;

/** What `publishMany` gives for each request. */
export type PublishedJobs<Requests extends readonly PublishRequest[]> = {
  -readonly [Index in keyof Requests]: PublishedJob<RequestedResult<Requests[Index]>>;
};

import { inspect } from 'node:util';
import { jobNameOf, type JobDefinition } from '../core/definition.js';
import type { JobName, JobOrName, NamedPayload } from '../core/job-types.js';
import { show } from '../core/show.js';
import type { JobsTesting, OfInstance } from './jobs-testing.js';
import type { TestedJob } from './tested-job.js';

/** `expect.any(String)` and its like. */
interface AsymmetricMatcher {
  asymmetricMatch(other: unknown): boolean;
}

/** At least these properties of a payload, and of the objects in it; asymmetric matchers may stand anywhere in it. */
export type PayloadLike<Payload> = unknown extends Payload
  ? unknown
  : | AsymmetricMatcher
    | (Payload extends object ? { readonly [Key in keyof Payload]?: PayloadLike<Payload[Key]> } : Payload);

/** What `expect` has once it was extended by {@link jobMatchers}. */
export interface JobMatchers<R> {
  /**
   * That a job of this name was published; with a payload, one that has at least these properties. Asymmetric matchers
   * such as `expect.any(String)` may stand in it.
   */
  toHavePublished<In>(job: JobDefinition<string, In>, payload?: NoInfer<PayloadLike<In>>, of?: OfInstance): R;
  toHavePublished<Name extends JobName>(job: Name, payload?: PayloadLike<NamedPayload<Name>>, of?: OfInstance): R;
  /** That exactly so many jobs of this name were published. */
  toHavePublishedTimes(job: JobOrName, times: number, of?: OfInstance): R;
}

declare global {
  namespace jest {
    // vitest's assertions take these up as well.
    interface Matchers<R, T> extends JobMatchers<R> {}
  }
}

/** What matchers of vitest and jest are called on, as far as it is asked. */
interface Context {
  readonly isNot?: boolean;
  equals(one: unknown, other: unknown, testers?: never[]): boolean;
  readonly utils?: object;
}

interface Result {
  readonly pass: boolean;
  message(): string;
}

/** For vitest and jest: `expect.extend(jobMatchers)`, then `expect(app.get(JobsTesting)).toHavePublished('send_email')`. */
export const jobMatchers = {
  toHavePublished(this: Context, jobs: unknown, job: JobOrName, ...rest: [payload?: unknown, of?: OfInstance]): Result {
    const [payload, of] = rest;
    const found = publishedOf(jobs, 'toHavePublished', job, of);
    const testers = ['iterableEquality', 'subsetEquality'].flatMap((name) => testerOf(this, name));
    const wanted = rest.length > 0 && payload !== undefined;
    const pass = wanted ? found.some((one) => this.equals(one.payload, payload, testers)) : found.length > 0;
    const like = wanted ? ` with ${inspect(payload, { depth: 4 })}` : '';
    return {
      pass,
      message: () => told(jobs as JobsTesting, `${pass ? 'no' : 'a'} job ${nameOf(job)}${like} to be published`, of),
    };
  },

  toHavePublishedTimes(this: Context, jobs: unknown, job: JobOrName, times: number, of?: OfInstance): Result {
    const found = publishedOf(jobs, 'toHavePublishedTimes', job, of);
    const pass = found.length === times;
    const wanted = `${pass ? 'another number than ' : ''}${times}`;
    const message = (): string =>
      told(jobs as JobsTesting, `${wanted} of job ${nameOf(job)} to be published, got ${found.length}`, of);
    return { pass, message };
  },
};

function testerOf({ utils }: Context, name: string): never[] {
  const tester: unknown = (utils as Record<string, unknown> | undefined)?.[name];
  return typeof tester === 'function' ? [tester as never] : [];
}

function publishedOf(jobs: unknown, matcher: string, job: JobOrName, of: OfInstance | undefined): readonly TestedJob[] {
  if (typeof jobs === 'object' && jobs !== null && 'published' in jobs && typeof jobs.published === 'function') {
    return (jobs as JobsTesting).published(job, of);
  }
  throw new TypeError(`${matcher}: expected app.get(JobsTesting), got ${show(jobs)}`);
}

function nameOf(job: JobOrName): string {
  return show(jobNameOf(job));
}

/** What was expected, and all that was published instead. */
function told(jobs: JobsTesting, what: string, of: OfInstance | undefined): string {
  const all = jobs.published(undefined, of);
  const lines = all.map(({ name, payload }) => `  ${name} ${inspect(payload, { depth: 4, breakLength: Infinity })}`);
  return `expected ${what}\n\npublished: ${lines.length > 0 ? `\n${lines.join('\n')}` : 'nothing'}`;
}

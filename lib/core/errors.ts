import { causesOf, isError } from './causes.js';
import { durationMs, type Duration } from './duration.js';
import { describeError } from './failure-record.js';
import { show } from './show.js';

/** What an error says of its job: try again, give up, or wait for something else without costing an attempt. */
export type ErrorMark =
  | { readonly kind: 'transient'; readonly retryInMs?: number }
  | { readonly kind: 'fatal'; readonly reason?: string }
  | { readonly kind: 'blocked'; readonly retryInMs?: number };

/** When to try again. */
export interface RetryOptions {
  /** How long from now; milliseconds or a text such as `'30s'`. */
  readonly retryIn?: Duration;
}

/** Registered, so that two copies of this package in one process know each other's marks. */
const MARK: unique symbol = Symbol.for('nestjs-jobs:error_mark') as never;
/** On an error itself, which goes before its class's. */
const OWN_MARK: unique symbol = Symbol.for('nestjs-jobs:own_error_mark') as never;
const RETRY_IN: unique symbol = Symbol.for('nestjs-jobs:retry_in_ms') as never;

type ErrorClass = abstract new (...args: never[]) => unknown;

function mark(target: object, value: ErrorMark): void {
  Object.defineProperty(target, MARK, { value, configurable: true });
}

function retryInMs(options: RetryOptions | undefined, what: string): { retryInMs?: number } {
  return options?.retryIn === undefined ? {} : { retryInMs: durationMs(options.retryIn, `${what} retryIn`) };
}

/**
 * Marks an error class: a job that throws it is retried, after its backoff or `retryIn`, until its attempts are used up.
 *
 * @throws TypeError where `retryIn` is no duration
 */
export function Transient(options?: RetryOptions): (target: ErrorClass) => void {
  const value: ErrorMark = { kind: 'transient', ...retryInMs(options, '@Transient') };
  return (target) => mark(target, value);
}

/** Marks this very error as fatal, with the reason that its job is given. */
export function markFatal<Marked extends Error>(error: Marked, reason: string): Marked {
  const value: ErrorMark = { kind: 'fatal', reason };
  Object.defineProperty(error, OWN_MARK, { value, configurable: true });
  return error;
}

/** Marks an error class: a job that throws it has failed at once, without a retry. */
export function Fatal(): (target: ErrorClass) => void {
  return (target) => mark(target, { kind: 'fatal' });
}

/**
 * Marks an error class: an outside input is not there yet. The job is put back for `retryIn` (default 30 s) and costs
 * no attempt, until the option `blockedFor` has passed since it was published.
 *
 * @throws TypeError where `retryIn` is no duration
 */
export function Blocked(options?: RetryOptions): (target: ErrorClass) => void {
  const value: ErrorMark = { kind: 'blocked', ...retryInMs(options, '@Blocked') };
  return (target) => mark(target, value);
}

interface MarkedErrorOptions extends RetryOptions {
  readonly cause?: unknown;
}

function setRetryIn(error: Error, options: RetryOptions | undefined): void {
  const { retryInMs: value } = retryInMs(options, error.name);
  if (value !== undefined) Object.defineProperty(error, RETRY_IN, { value });
}

/** A ready-made transient error; see {@link Transient}. Its `retryIn` goes before its class's. */
@Transient()
export class TransientError extends Error {
  override readonly name: string;

  constructor(message?: string, options?: MarkedErrorOptions) {
    super(message, { cause: options?.cause });
    this.name = new.target.name;
    setRetryIn(this, options);
  }
}

/** A ready-made fatal error; see {@link Fatal}. */
@Fatal()
export class FatalError extends Error {
  override readonly name: string;

  constructor(message?: string, options?: { readonly cause?: unknown }) {
    super(message, { cause: options?.cause });
    this.name = new.target.name;
  }
}

/** A ready-made blocked error; see {@link Blocked}. Its `retryIn` goes before its class's. */
@Blocked()
export class BlockedError extends Error {
  override readonly name: string;

  constructor(message?: string, options?: MarkedErrorOptions) {
    super(message, { cause: options?.cause });
    this.name = new.target.name;
    setRetryIn(this, options);
  }
}

/** What a running job's signal aborts with when its time is over. */
export class JobTimeoutError extends Error {
  override readonly name = 'JobTimeoutError';

  constructor(timeoutMs: number) {
    super(`the job ran longer than its timeout of ${timeoutMs} ms`);
  }
}

/** What a running job's signal aborts with when an operator cancels it, and why it has failed. */
export class JobCancelledError extends Error {
  override readonly name = 'JobCancelledError';

  constructor() {
    super('the job was cancelled by an operator');
  }
}

/** What a running job's signal aborts with when the application's grace for closing is over. */
export class JobShutdownError extends Error {
  override readonly name = 'JobShutdownError';

  constructor() {
    super('the application is closing; the job is handed back and will run again');
  }
}

/** What a running job's signal aborts with when its lease was lost: another worker may run it already. */
export class JobLeaseLostError extends Error {
  override readonly name = 'JobLeaseLostError';

  constructor() {
    super('the lease of the job was lost; what becomes of this run is ignored');
  }
}

/**
 * An error class, or a function that tells whether an error is meant; where it is transient or blocked, also by
 * `{ retryIn }`, when to try again.
 */
export type ErrorMatcher = ErrorClass | ((error: Error) => boolean | RetryOptions);

/** Marks for error classes that the user can't decorate; asked after the marks on classes. */
export interface ErrorRules {
  readonly transient?: readonly ErrorMatcher[];
  readonly fatal?: readonly ErrorMatcher[];
  readonly blocked?: readonly ErrorMatcher[];
}

/** A thrown value as an error; what is none is wrapped. Never throws. */
export function toError(thrown: unknown): Error {
  if (isError(thrown)) return thrown;
  return new Error(`${show(thrown)} was thrown, which is no Error`, { cause: thrown });
}

/** The message of whatever was thrown; reading it never throws. */
export function messageOf(thrown: unknown): string {
  return describeError(toError(thrown)).message;
}

/**
 * The mark of an error: looked up on the error's class, then its base classes, then along `cause`; after that, `rules`
 * are asked in the same order. The first found wins; undefined where there is none.
 */
export function markOf(error: Error, rules: ErrorRules = {}): ErrorMark | undefined {
  const chain = causesOf(error);
  for (const link of chain) {
    const found = markOnClass(link);
    if (found) return found;
  }
  for (const link of chain) {
    const found = markByRules(link, rules);
    if (found) return found;
  }
  return undefined;
}

function markOnClass(error: Error): ErrorMark | undefined {
  try {
    const own = Object.getOwnPropertyDescriptor(error, OWN_MARK);
    if (own) return own.value as ErrorMark;
    for (let at: unknown = Object.getPrototypeOf(error); at; at = Object.getPrototypeOf(at)) {
      const type = Object.getOwnPropertyDescriptor(at, 'constructor')?.value as { [MARK]?: ErrorMark } | undefined;
      const found = type && Object.getOwnPropertyDescriptor(type, MARK);
      if (found) return withRetryIn(found.value as ErrorMark, error);
    }
  } catch {
    // A proxy or a getter of the error's own that throws says nothing.
  }
  return undefined;
}

function withRetryIn(found: ErrorMark, error: Error): ErrorMark {
  const retryInMs = (error as { [RETRY_IN]?: number })[RETRY_IN];
  return retryInMs === undefined || found.kind === 'fatal' ? found : { ...found, retryInMs };
}

function markByRules(error: Error, rules: ErrorRules): ErrorMark | undefined {
  for (const kind of ['transient', 'fatal', 'blocked'] as const) {
    for (const matcher of rules[kind] ?? []) {
      const found = matches(matcher, error);
      if (found) return kind === 'fatal' || found === true ? { kind } : { kind, ...retryInMs(found, kind) };
    }
  }
  return undefined;
}

/** Whether a matcher is a class, and so asked by instanceof: a predicate has no prototype of its own but the plain one. */
function isClass(matcher: ErrorMatcher): matcher is ErrorClass {
  return matcher === Error || matcher.prototype instanceof Error || /^class\b/.test(String(matcher));
}

function matches(matcher: ErrorMatcher, error: Error): boolean | RetryOptions {
  try {
    const found = isClass(matcher) ? error instanceof matcher : matcher(error);
    // A time that can't be read says nothing of when, and all the same what kind of error it is.
    return found && found !== true && !hasTime(found) ? true : found;
  } catch {
    return false;
  }
}

function hasTime(options: RetryOptions): boolean {
  try {
    return retryInMs(options, 'errors').retryInMs !== undefined;
  } catch {
    return false;
  }
}

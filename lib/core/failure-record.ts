import { causesOf } from './causes.js';

/** What is kept of an attempt that failed. */
export interface FailureRecord {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Host and process of the worker. */
  readonly worker: string;
  readonly attempt: number;
  readonly durationMs: number;
  readonly error: { readonly name: string; readonly message: string; readonly stack?: string };
}

/** How many are kept beside the first. */
const LAST_KEPT = 9;

/** The longest text of an error that is kept, in characters: a message may quote its whole payload. */
const LONGEST_TEXT = 10_000;

/** Of how many causes the stacks are kept. */
const MOST_STACKS = 5;

/** The failures to keep after another one: the first and the last nine. */
export function addFailure(failures: readonly FailureRecord[], next: FailureRecord): readonly FailureRecord[] {
  const all = [...failures, next];
  return all.length <= LAST_KEPT + 1 ? all : [...all.slice(0, 1), ...all.slice(-LAST_KEPT)];
}

/** An error as it is kept; reading it never throws, whatever the error does. */
export function describeError(error: Error): FailureRecord['error'] {
  const message = property(error, 'message') ?? '';
  const stack = stackOf(error);
  return {
    name: cut(nameOf(error)),
    message: cut(message),
    ...(stack ? { stack: cut(stack) } : {}),
  };
}

/** The name that an error sets; where it sets none, its class's. */
function nameOf(error: Error): string {
  const name = property(error, 'name') || 'Error';
  try {
    const type: unknown = error.constructor.name;
    return typeof type === 'string' && type !== '' && isOfBaseClass(name, error) ? type : name;
  } catch {
    return name;
  }
}

/** Whether a name is inherited from the class that is called so, as that of every `class Mine extends TypeError` is. */
function isOfBaseClass(name: string, error: Error): boolean {
  let holder: unknown = error;
  while (holder && !Object.hasOwn(holder, 'name')) holder = Object.getPrototypeOf(holder);
  return holder !== error && (holder as Error | null)?.constructor.name === name;
}

/** The stack of an error and of its causes. */
function stackOf(error: Error): string | undefined {
  const stacks = causesOf(error).map((one) => property(one, 'stack'));
  return stacks.filter(Boolean).slice(0, MOST_STACKS).join('\nCaused by: ') || undefined;
}

function property(error: Error, key: 'name' | 'message' | 'stack'): string | undefined {
  try {
    const value: unknown = error[key];
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function cut(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}… (${text.length} characters)` : text;
}

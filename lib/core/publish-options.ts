import { ANSWER_TO, answerHeaders, answerKey, type AnswerPlace } from './answer-record.js';
import { backoffPlan, type BackoffOptions } from './backoff.js';
import type { JobDefinition } from './definition.js';
import type { Duration } from './duration.js';
import type { CheckedHandlerOptions } from './handler-options.js';
import { withoutOurs } from './handled-job.js';
import type { Handlers, JobDefaults } from './handlers.js';
import { newId } from './id.js';
import type { Message } from './message.js';
import { checkName } from './names.js';
import { count, keepResultMs, priority, timeoutMs } from './option-checks.js';
import { toJson } from './payload.js';
import { headersOf } from './publish-headers.js';
import { expiration, moment, notAfter } from './publish-times.js';
import type { QueueLimits } from './queue-limits.js';
import { show } from './show.js';
import { checkedUnique, uniqueHeaders, type Unique, type UniqueOptions } from './unique.js';

/** How a job is published. Durations are milliseconds or texts such as `'5m'`. */
export interface PublishOptions {
  /**
   * Default: the queue that the module's option `handlers` names for the job, else that of its definition, else of its
   * handler in this process, else of `routes`, else the default queue.
   */
  readonly queue?: string;
  /** Not before: from now, or the moment itself. Past or 0: at once. */
  readonly delay?: Duration | Date;
  /** A whole number, 0 (most urgent; below counts as 0) to 4,294,967,295. Default: as the queue, else 1024. */
  readonly priority?: number;
  /** Not after: from now, or the moment itself. A job whose turn comes later is never handled. Default: never. */
  readonly expiration?: Duration | Date;
  /** After how many failed attempts it is given up. Default: the handler that runs it decides. */
  readonly attempts?: number;
  /** How long it waits between attempts. Default: the handler that runs it decides. */
  readonly backoff?: BackoffOptions;
  /** How long an attempt may run. Default: the handler that runs it decides. */
  readonly timeout?: Duration;
  /** While a job with this id is waiting, delayed, active or failed in the queue, no other is stored. Default: a new UUIDv7. */
  readonly id?: string;
  /** Stored only if there is no other job of a key. */
  readonly unique?: UniqueOptions;
  /**
   * How long the job's result is kept for its caller after its end; `false`: not at all. Default: as `queue`, else
   * `'10m'` where the job's definition has a schema for results, else `false`.
   */
  readonly keepResult?: Duration | false;
  /** Travel with the job and reach its handler. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where the options that are not given come from. */
export interface PublishRules {
  readonly handlers: Handlers;
  /** What the configuration of this process says of jobs, by their names; goes before definitions and handlers. */
  readonly configured?: ReadonlyMap<string, Partial<CheckedHandlerOptions>>;
  readonly routes: ReadonlyMap<string, string>;
  /** By the queue's name. */
  readonly limits?: ReadonlyMap<string, QueueLimits>;
  readonly defaults: JobDefaults;
}

/** A message and the queue that it goes to. */
export interface Draft {
  readonly queue: string;
  readonly message: Message;
  readonly unique?: Unique | undefined;
  /** Where its answer belongs; undefined: none is kept. */
  readonly answer: DraftAnswer | undefined;
}

/** Where the answer of a job belongs that is to be published. */
export interface DraftAnswer extends AnswerPlace {
  /** Whether somebody said that it is kept, rather than that its definition has a schema for results. */
  readonly isAsked: boolean;
}

/** How long results are kept where all that says so is that the definition has a schema for them, in milliseconds. */
const SCHEMA_KEEPS_MS = 600_000;

const OPTIONS = new Set([
  'queue',
  'delay',
  'priority',
  'expiration',
  'attempts',
  'backoff',
  'timeout',
  'id',
  'unique',
  'keepResult',
  'headers',
]);

/**
 * What is to be stored for a job. Pure but for the id.
 *
 * @param now milliseconds since 1970
 * @throws TypeError naming the option, what was expected and what was given
 */
export function draftOf(
  name: unknown,
  definition: JobDefinition | undefined,
  payload: unknown,
  options: PublishOptions,
  rules: PublishRules,
  now: number,
): Draft {
  checkName('job name', name);
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options: expected an object, got ${show(options)}`);
  }
  for (const key in options) {
    if (!OPTIONS.has(key)) throw new TypeError(`unknown option ${show(key)}; known are ${[...OPTIONS].join(', ')}`);
  }
  const { defaults, handlers } = rules;
  const handler = handlers.get(name);
  // Who reads goes by the configuration, so who publishes has to: else jobs would lie where nobody looks.
  const configured = rules.configured?.get(name);
  const queue = queueFor(name, definition, options.queue, rules);
  if (options.id !== undefined) checkName('job id', options.id);
  const unique = options.unique === undefined ? undefined : checkedUnique(options.unique);
  const readyAt = options.delay === undefined ? undefined : moment(options.delay, now, 'delay');
  const id = options.id ?? newId();
  const answer = answerFor(id, queue, name, definition, options, rules);
  const message: Message = {
    id,
    freshId: options.id === undefined,
    name,
    body: toJson(payload, 'payload'),
    priority: priority(
      options.priority ??
        configured?.priority ??
        definition?.options.priority ??
        handler?.priority ??
        defaults.priority,
    ),
    publishedAt: now,
    readyAt: readyAt !== undefined && readyAt > now ? readyAt : undefined,
    expiresAt: notAfter(expiration(options.expiration, now, readyAt), now, readyAt, rules.limits?.get(queue)),
    attemptsUsed: 0,
    maxAttempts: options.attempts === undefined ? undefined : count(options.attempts, 'attempts'),
    backoff: options.backoff === undefined ? undefined : travelling(options.backoff),
    timeoutMs: options.timeout === undefined ? undefined : timeoutMs(options.timeout),
    headers: headersOf(options.headers, unique && uniqueHeaders(unique, now)),
  };
  return { queue, message: answer ? withAnswer(message, answer) : message, unique, answer };
}

/**
 * The queue that a job is published to.
 *
 * @throws TypeError where its name is none
 */
export function queueFor(
  name: string,
  definition: JobDefinition | undefined,
  given: string | undefined,
  { configured, defaults, handlers, routes }: PublishRules,
): string {
  const queue =
    given ??
    configured?.get(name)?.queue ??
    definition?.options.queue ??
    handlers.get(name)?.queue ??
    routes.get(name) ??
    defaults.queue;
  checkName('queue name', queue);
  return queue;
}

function answerFor(
  id: string,
  queue: string,
  name: string,
  definition: JobDefinition | undefined,
  options: PublishOptions,
  { configured, defaults, handlers }: PublishRules,
): DraftAnswer | undefined {
  const handler = handlers.get(name);
  const defined = definition?.options.keepResult;
  const asked =
    (options.keepResult === undefined ? undefined : keepResultMs(options.keepResult)) ??
    configured?.get(name)?.keepResultMs ??
    (defined === undefined ? undefined : keepResultMs(defined)) ??
    handler?.keepResultMs ??
    defaults.keepResultMs;
  const hasSchema = (definition ?? handler?.definition)?.result !== undefined;
  const keepMs = asked ?? (hasSchema && SCHEMA_KEEPS_MS);
  if (keepMs === false) return undefined;
  // An id that was made for it belongs to no other job, and so does its answer.
  const stamp = options.id === undefined ? '' : newId();
  return { key: answerKey(queue, id), stamp, keepMs, isAsked: asked !== undefined };
}

/** The same with an answer that is sent to its caller. */
export function answeredTo(draft: Draft, address: string): Draft {
  const { answer, message } = draft;
  if (!answer) return draft;
  const headers = { ...message.headers, [ANSWER_TO]: address };
  return { ...draft, answer: { ...answer, address }, message: { ...message, headers } };
}

function withAnswer(message: Message, answer: DraftAnswer): Message {
  return { ...message, headers: { ...message.headers, ...answerHeaders(answer) } };
}

/** The same, published by an engine that keeps no answers. */
export function withoutAnswer({ queue, message }: Draft): Draft {
  return { queue, message: { ...message, headers: withoutOurs(message.headers) }, answer: undefined };
}

function travelling(value: unknown): Message['backoff'] {
  if (typeof value !== 'function') return backoffPlan(value, 'backoff');
  throw new TypeError(
    'backoff: a function cannot travel with a job; give it to the handler, or pass { kind, base, … }',
  );
}

import { checkedObject, within } from '../core/checked-object.js';
import { durationMs, type Duration } from '../core/duration.js';
import { checkName } from '../core/names.js';
import { count } from '../core/option-checks.js';
import { show } from '../core/show.js';
import { DEFAULT_INSTANCE } from '../nest/own-tokens.js';

/** What `engine` of `JobsHealthIndicator` takes. */
export interface EngineHealthOptions {
  /** Within what time the engine has to answer. Default `'2s'`. */
  readonly timeout?: Duration;
  /** The `name` of the `JobsModule.forRoot({ name })`. Default: the one without a name. */
  readonly instance?: string;
}

/** What `queue` of `JobsHealthIndicator` takes. */
export interface QueueHealthOptions extends EngineHealthOptions {
  readonly queue: string;
  /** For how long, at most, a job may have been waiting. Default: as long as it takes. */
  readonly oldestWaiting?: Duration;
  /** How many jobs may be waiting. Default: as many as come. */
  readonly mostWaiting?: number;
  /** How many jobs may have failed and lie there. Default: as many as there are. */
  readonly mostFailed?: number;
}

/** What `consuming` of `JobsHealthIndicator` takes. */
export interface ConsumingHealthOptions {
  /** For how long, at most, the engine may have failed for this process's consumers. Default `'1m'`. */
  readonly within?: Duration;
  /** Of which queues. Default: all that this process reads. */
  readonly queues?: readonly string[];
  /** The `name` of the `JobsModule.forRoot({ name })`. Default: the one without a name. */
  readonly instance?: string;
}

const ENGINE = ['timeout', 'instance'] as const;
const QUEUE = [...ENGINE, 'queue', 'oldestWaiting', 'mostWaiting', 'mostFailed'] as const;
const CONSUMING = ['within', 'queues', 'instance'] as const;

export interface EngineHealth {
  readonly timeoutMs: number;
  readonly instance: string;
}

export interface QueueHealth extends EngineHealth {
  readonly queue: string;
  readonly oldestWaitingMs: number | undefined;
  readonly mostWaiting: number | undefined;
  readonly mostFailed: number | undefined;
}

export interface ConsumingHealth {
  readonly withinMs: number;
  readonly queues: readonly string[] | undefined;
  readonly instance: string;
}

/** @throws TypeError naming the option, what was expected and what was given */
export function engineHealth(options: unknown, known: readonly string[] = ENGINE): EngineHealth {
  return within('JobsHealthIndicator: ', () => {
    const { timeout = '2s', instance } = checkedObject(options, known, 'options');
    return { timeoutMs: aboveZero(timeout, 'timeout'), instance: instanceName(instance) };
  });
}

/** @throws TypeError */
export function queueHealth(options: unknown): QueueHealth {
  const engine = engineHealth(options, QUEUE);
  return within('JobsHealthIndicator: ', () => {
    const { queue, oldestWaiting, mostWaiting, mostFailed } = options as QueueHealthOptions;
    within('queue: ', () => checkName('queue name', queue));
    if ((oldestWaiting ?? mostWaiting ?? mostFailed) === undefined) {
      throw new TypeError('options: expected a limit: oldestWaiting, mostWaiting or mostFailed; got none');
    }
    return {
      ...engine,
      queue,
      oldestWaitingMs: oldestWaiting === undefined ? undefined : durationMs(oldestWaiting, 'oldestWaiting'),
      mostWaiting: mostWaiting === undefined ? undefined : count(mostWaiting, 'mostWaiting'),
      mostFailed: mostFailed === undefined || mostFailed === 0 ? mostFailed : count(mostFailed, 'mostFailed'),
    };
  });
}

/** @throws TypeError */
export function consumingHealth(options: unknown): ConsumingHealth {
  return within('JobsHealthIndicator: ', () => {
    const given = checkedObject(options, CONSUMING, 'options');
    const { queues } = given;
    if (queues !== undefined && !(Array.isArray(queues) && queues.length > 0)) {
      throw new TypeError(`queues: expected a list of queue names, got ${show(queues)}`);
    }
    for (const queue of (queues ?? []) as unknown[]) within('queues: ', () => checkName('queue name', queue));
    return {
      withinMs: aboveZero(given['within'] ?? '1m', 'within'),
      queues: queues as readonly string[] | undefined,
      instance: instanceName(given['instance']),
    };
  });
}

function aboveZero(value: unknown, what: string): number {
  const ms = durationMs(value, what);
  if (ms > 0) return ms;
  throw new TypeError(`${what}: expected more than 0, got ${show(value)}`);
}

function instanceName(value: unknown = DEFAULT_INSTANCE): string {
  within('instance: ', () => checkName('instance name', value));
  return value as string;
}

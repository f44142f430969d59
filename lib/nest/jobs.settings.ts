import { hostname } from 'node:os';
import type { Backend, BackendDescription } from '../core/backend.js';
import type { ContextCarrier } from '../core/context-carrier.js';
import { durationMs } from '../core/duration.js';
import type { ErrorRules } from '../core/errors.js';
import type { JobDefaults } from '../core/handlers.js';
import { jobDefaults } from '../core/job-defaults.js';
import { checkName } from '../core/names.js';
import { flag } from '../core/option-checks.js';
import { show } from '../core/show.js';
import type { Telemetry } from '../core/telemetry.js';
import { backendFromUrl } from './backend-url.js';
import { checkedObject, within } from '../core/checked-object.js';
import { checkedHandlerOptions, type CheckedHandlerOptions } from '../core/handler-options.js';
import { EngineSubstitute } from './engine-substitute.js';
import type { JobsModuleOptions } from './jobs.options.js';
import { operateSettings, type OperateSettings } from './operate.settings.js';
import { called, DEFAULT_INSTANCE } from './own-tokens.js';
import { queueSettings, type QueueSettings } from './queue.settings.js';

/** The token of {@link JobsSettings}. */
export const JOBS_SETTINGS = 'JOBS_MODULE_SETTINGS';

/** The module's options, checked and complete. */
export interface JobsSettings {
  readonly backend: BackendDescription | Backend;
  readonly consume: boolean | ReadonlySet<string>;
  readonly queues: ReadonlyMap<string, QueueSettings>;
  readonly routes: ReadonlyMap<string, string>;
  /** What goes before that which handlers say of themselves, by the job's name. */
  readonly handlers: ReadonlyMap<string, CheckedHandlerOptions>;
  readonly defaults: JobDefaults;
  readonly errors: ErrorRules;
  readonly unknownJobGraceMs: number;
  readonly blockedForMs: number;
  readonly publishTimeoutMs: number;
  readonly shutdownGraceMs: number;
  readonly globalEnhancers: boolean;
  readonly contextCarrier: ContextCarrier | undefined;
  readonly operate: OperateSettings;
  readonly telemetry: Telemetry | undefined;
  /** Names this process in records of failures. */
  readonly worker: string;
}

const OPTIONS: readonly (keyof JobsModuleOptions)[] = [
  'backend',
  'consume',
  'queues',
  'routes',
  'handlers',
  'defaults',
  'errors',
  'unknownJobGrace',
  'blockedFor',
  'publishTimeout',
  'shutdownGrace',
  'globalEnhancers',
  'contextCarrier',
  'operate',
  'telemetry',
];
const ERROR_KINDS = ['transient', 'fatal', 'blocked'] as const;
const TELEMETRY_VERBS = ['headersFor', 'publishing', 'handling', 'unhandled', 'watch'] as const;
const BACKEND_VERBS = ['publish', 'reserve', 'settle', 'extend', 'close'] as const;

/**
 * Checks the module's options and fills in the defaults.
 *
 * @throws TypeError naming the option, what was expected and what was given
 */
export function jobsSettings(
  options: unknown,
  instance: string = DEFAULT_INSTANCE,
  substitute?: unknown,
): JobsSettings {
  if (options === null) {
    throw new TypeError(
      'JobsModule is imported without options: import JobsModule.forRoot({ backend: … }), and that once',
    );
  }
  if (substitute instanceof EngineSubstitute) {
    // What would be refused without it still is, but for a backend that only the environment of production names.
    const own = { ...checkedOptions(options, instance) };
    jobsSettings({ ...own, backend: own['backend'] ?? 'memory:' }, instance);
    return jobsSettings(substitute.optionsFor(instance, own), instance);
  }
  const given = checkedOptions(options, instance);
  return within(`${called(instance)}: `, () => {
    return {
      backend: backend(given['backend']),
      consume: consume(given['consume'] ?? true),
      queues: queues(given['queues'] ?? {}),
      routes: routes(given['routes'] ?? {}),
      handlers: handlers(given['handlers'] ?? {}),
      defaults: jobDefaults(given['defaults'] ?? {}),
      errors: errors(given['errors'] ?? {}),
      unknownJobGraceMs: durationMs(given['unknownJobGrace'] ?? '5m', 'unknownJobGrace'),
      blockedForMs: durationMs(given['blockedFor'] ?? '7 days', 'blockedFor'),
      publishTimeoutMs: aboveZero(durationMs(given['publishTimeout'] ?? '5s', 'publishTimeout'), 'publishTimeout'),
      shutdownGraceMs: durationMs(given['shutdownGrace'] ?? '30s', 'shutdownGrace'),
      globalEnhancers: flag(given['globalEnhancers'] ?? false, 'globalEnhancers'),
      contextCarrier: carrier(given['contextCarrier']),
      operate: operateSettings(given['operate'] ?? {}),
      telemetry: telemetry(given['telemetry']),
      worker: `${hostname()}:${process.pid}`,
    };
  });
}

function checkedOptions(options: unknown, instance: string): Record<string, unknown> {
  return within(`${called(instance)}: `, () => checkedObject(options, OPTIONS, 'options'));
}

export function isDescription(value: BackendDescription | Backend): value is BackendDescription {
  return 'open' in value && typeof value.open === 'function';
}

/**
 * Checks that an object has all parts of the contract.
 *
 * @throws TypeError naming those that it lacks
 */
export function checkBackend(value: unknown, what: string): asserts value is Backend {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${what}: expected an object that keeps the contract Backend, got ${show(value)}`);
  }
  const parts = value as Partial<Record<string, unknown>>;
  const lacking: string[] = BACKEND_VERBS.filter((verb) => typeof parts[verb] !== 'function');
  if (typeof parts['traits'] !== 'object' || parts['traits'] === null) lacking.push('traits');
  if (lacking.length === 0) return;
  throw new TypeError(
    `${what}: expected an object that keeps the contract Backend, got one without ${lacking.join(', ')}`,
  );
}

function backend(value: unknown): BackendDescription | Backend {
  if (typeof value === 'string') return within('backend: ', () => backendFromUrl(value));
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(
      "backend: expected what a factory such as filer({ directory: 'var/jobs' }) gives, an object that keeps the " +
        `contract Backend, or a URL such as 'filer:var/jobs', got ${show(value)}`,
    );
  }
  const object = value as BackendDescription | Backend;
  if (!isDescription(object)) checkBackend(object, 'backend');
  else if (typeof object.name !== 'string')
    throw new TypeError(`backend.name: expected a text, got ${show(object.name)}`);
  return object;
}

function consume(value: unknown): boolean | ReadonlySet<string> {
  if (typeof value === 'boolean') return value;
  if (!Array.isArray(value)) {
    throw new TypeError(`consume: expected true, false or a list of queue names, got ${show(value)}`);
  }
  return new Set((value as unknown[]).map((name, index) => queueName(name, `consume[${index}]: `)));
}

function queues(value: unknown): ReadonlyMap<string, QueueSettings> {
  return new Map(
    entries(value, 'queues').map(([name, options]) => [
      queueName(name, 'queues: '),
      queueSettings(options, `queues.${name}`),
    ]),
  );
}

function routes(value: unknown): ReadonlyMap<string, string> {
  return new Map(
    entries(value, 'routes').map(([name, queue]) => [jobName(name, 'routes: '), queueName(queue, `routes.${name}: `)]),
  );
}

function handlers(value: unknown): ReadonlyMap<string, CheckedHandlerOptions> {
  return new Map(
    entries(value, 'handlers').map(([name, options]) => [
      jobName(name, 'handlers: '),
      checkedHandlerOptions(options, `handlers.${name}`),
    ]),
  );
}

function errors(value: unknown): ErrorRules {
  const given = checkedObject(value, ERROR_KINDS, 'errors');
  for (const kind of ERROR_KINDS) {
    const list = given[kind] ?? [];
    if (Array.isArray(list) && list.every((one) => typeof one === 'function')) continue;
    throw new TypeError(`errors.${kind}: expected a list of error classes and predicates, got ${show(list)}`);
  }
  return given;
}

function carrier(value: unknown): ContextCarrier | undefined {
  if (value === undefined) return undefined;
  const { capture, restore } = (value ?? {}) as Partial<ContextCarrier>;
  if (typeof capture === 'function' && typeof restore === 'function') return value as ContextCarrier;
  throw new TypeError(`contextCarrier: expected an object with capture and restore, got ${show(value)}`);
}

function telemetry(value: unknown): Telemetry | undefined {
  if (value === undefined) return undefined;
  const verbs = (value ?? {}) as Partial<Telemetry>;
  if (TELEMETRY_VERBS.every((verb) => typeof verbs[verb] === 'function')) return value as Telemetry;
  throw new TypeError(`telemetry: expected what a factory such as openTelemetry() gives, got ${show(value)}`);
}

function entries(value: unknown, what: string): [string, unknown][] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object.entries(value);
  throw new TypeError(`${what}: expected an object, got ${show(value)}`);
}

function queueName(value: unknown, place: string): string {
  within(place, () => checkName('queue name', value));
  return value as string;
}

function jobName(value: unknown, place: string): string {
  within(place, () => checkName('job name', value));
  return value as string;
}

function aboveZero(ms: number, what: string): number {
  if (ms > 0) return ms;
  throw new TypeError(`${what}: expected more than 0, got 0`);
}

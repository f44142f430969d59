import type { MeterProvider, TracerProvider } from '@opentelemetry/api';
import { checkedObject, within } from '../core/checked-object.js';
import { flag } from '../core/option-checks.js';
import { show } from '../core/show.js';

/** What `openTelemetry` takes. */
export interface OpenTelemetryOptions {
  /** Where spans go. Default: the one that is registered globally. */
  readonly tracerProvider?: TracerProvider;
  /** Where metrics go. Default: the one that is registered globally when the application starts. */
  readonly meterProvider?: MeterProvider;
  /**
   * How the span of a run belongs to that of its publishing. `'parent'`: it is a child of it, so that a request and all
   * jobs that it causes are one trace; `'link'`: it begins a trace of its own, for jobs that run long after. Either way it
   * has a link to it. Default `'parent'`.
   */
  readonly relation?: 'parent' | 'link';
  /**
   * Whether the messages and stacks of errors are recorded in spans; without, their names alone are. Payloads never are.
   * Default `true`.
   */
  readonly exceptions?: boolean;
  /** Whether the depth of queues and the age of their oldest jobs are measured: each process asks its engine. Default `true`. */
  readonly queues?: boolean;
}

/** The options, checked and complete. */
export interface OpenTelemetrySettings {
  readonly tracerProvider: TracerProvider | undefined;
  readonly meterProvider: MeterProvider | undefined;
  readonly relation: 'parent' | 'link';
  readonly exceptions: boolean;
  readonly queues: boolean;
}

const OPTIONS: readonly (keyof OpenTelemetryOptions)[] = [
  'tracerProvider',
  'meterProvider',
  'relation',
  'exceptions',
  'queues',
];

/** @throws TypeError naming the option, what was expected and what was given */
export function openTelemetrySettings(options: unknown): OpenTelemetrySettings {
  return within('openTelemetry: ', () => {
    const given = checkedObject(options, OPTIONS, 'options');
    return {
      tracerProvider: provider<TracerProvider>(given['tracerProvider'], 'tracerProvider', 'getTracer'),
      meterProvider: provider<MeterProvider>(given['meterProvider'], 'meterProvider', 'getMeter'),
      relation: relation(given['relation'] ?? 'parent'),
      exceptions: flag(given['exceptions'] ?? true, 'exceptions'),
      queues: flag(given['queues'] ?? true, 'queues'),
    };
  });
}

function provider<T extends object>(value: unknown, what: string, verb: keyof T & string): T | undefined {
  if (value === undefined) return undefined;
  if (typeof (value as Record<string, unknown> | null)?.[verb] === 'function') return value as T;
  throw new TypeError(`${what}: expected an object with ${verb}, got ${show(value)}`);
}

function relation(value: unknown): 'parent' | 'link' {
  if (value === 'parent' || value === 'link') return value;
  throw new TypeError(`relation: expected 'parent' or 'link', got ${show(value)}`);
}

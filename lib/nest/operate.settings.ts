import { checkedObject } from '../core/checked-object.js';
import { durationMs } from '../core/duration.js';
import { show } from '../core/show.js';
import type { Redact } from '../operating/job-view.js';
import type { OperateOptions } from './jobs.options.js';

/** The option `operate`, checked and complete. */
export interface OperateSettings {
  readonly trace: boolean;
  readonly redact: Redact | undefined;
  readonly deadlineMs: number;
}

const OPTIONS: readonly (keyof OperateOptions)[] = ['trace', 'redact', 'deadline'];

/** @throws TypeError naming the option, what was expected and what was given */
export function operateSettings(options: unknown): OperateSettings {
  const { trace = false, redact, deadline } = checkedObject(options, OPTIONS, 'operate') as OperateOptions;
  if (typeof trace !== 'boolean') throw new TypeError(`operate.trace: expected true or false, got ${show(trace)}`);
  if (redact !== undefined && typeof redact !== 'function') {
    throw new TypeError(`operate.redact: expected a function, got ${show(redact)}`);
  }
  const deadlineMs = durationMs(deadline ?? '5s', 'operate.deadline');
  if (deadlineMs === 0) throw new TypeError('operate.deadline: expected more than 0, got 0');
  return { trace, redact, deadlineMs };
}

import { JOB_STATES, type JobState } from '../core/inspector.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import { BulkAction, type BulkOptions, type BulkReport } from './bulk-action.js';
import type { Engine } from './engine.js';
import { checkedFilter, checkedOptions, checkState, FILTER_FIELDS, type JobFilter } from './job-filter.js';
import type { Redact } from './job-view.js';

/** Which jobs a bulk action means. */
export interface BulkFilter extends JobFilter {
  /** Default: all queues. */
  readonly queue?: string;
}

/** What `removeAll` means: of one state, failed ones by default. */
export interface RemoveFilter extends BulkFilter {
  /** Default `'failed'`; not `'active'`. */
  readonly state?: JobState;
}

export async function retryAllJobs(
  engine: Engine,
  filter: BulkFilter,
  options: BulkOptions,
  redact: Redact | undefined,
): Promise<BulkReport> {
  const action = 'retry failed jobs';
  checkedOptions(filter, ['queue', ...FILTER_FIELDS], 'retryAll');
  const checked = checkedFilter(filter, engine.now, 'retryAll');
  engine.check(action, engine.inspector(action).abilities.retry);
  const bulk = new BulkAction(engine, action, { kind: 'retry' }, checked, redact, checkedBulk(options, 'retryAll'));
  return bulk.run(await placesOf(engine, filter.queue, ['failed']));
}

export async function removeAllJobs(
  engine: Engine,
  filter: RemoveFilter,
  options: BulkOptions,
  redact: Redact | undefined,
): Promise<BulkReport> {
  const { state = 'failed', queue } = checkedOptions(filter, ['queue', 'state', ...FILTER_FIELDS], 'removeAll');
  checkState(state, 'removeAll: state');
  checkRemovable(engine, state);
  const checked = checkedFilter(filter, engine.now, 'removeAll');
  const action = `remove ${state} jobs`;
  const bulk = new BulkAction(engine, action, { kind: 'remove' }, checked, redact, checkedBulk(options, 'removeAll'));
  return bulk.run(await placesOf(engine, queue, [state]));
}

/** @param states default: all that the engine can remove */
export async function clearQueue(
  engine: Engine,
  queue: string,
  states: readonly JobState[] | undefined,
  options: BulkOptions,
): Promise<BulkReport> {
  checkName('queue name', queue);
  const inspector = engine.inspector('clear a queue');
  for (const state of states ?? []) {
    checkState(state, 'clear: states');
    checkRemovable(engine, state);
  }
  const { list, remove } = inspector.abilities;
  const can = (state: JobState): boolean =>
    state !== 'active' && typeof list[state] === 'string' && typeof remove[state] === 'string';
  const all = checkedFilter({}, engine.now, 'clear');
  const bulk = new BulkAction(
    engine,
    'clear a queue',
    { kind: 'remove' },
    all,
    undefined,
    checkedBulk(options, 'clear'),
  );
  return bulk.run((states ?? JOB_STATES.filter(can)).map((state) => [queue, state] as const));
}

/** @throws UnsupportedActionError */
function checkRemovable(engine: Engine, state: JobState): void {
  const action = `remove ${state} jobs`;
  const { list, remove } = engine.inspector(action).abilities;
  if (state === 'active') throw engine.refusal(action, 'their workers have them; cancel them, or wait for their end');
  engine.check(action, list[state]);
  engine.check(action, remove[state]);
}

async function placesOf(
  engine: Engine,
  queue: string | undefined,
  states: readonly JobState[],
): Promise<readonly (readonly [string, JobState])[]> {
  if (queue !== undefined) checkName('queue name', queue);
  const action = 'tell its queues';
  const queues = queue === undefined ? await engine.ask(action, engine.inspector(action).queues()) : [queue];
  return queues.flatMap((name) => states.map((state) => [name, state] as const));
}

/** @throws TypeError */
function checkedBulk(options: BulkOptions, what: string): BulkOptions {
  const { onProgress, signal } = checkedOptions(options, ['onProgress', 'signal'], what);
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`${what}: onProgress: expected a function, got ${show(onProgress)}`);
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`${what}: signal: expected an AbortSignal, got ${show(signal)}`);
  }
  return options;
}

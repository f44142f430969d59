import { orderCancel } from '../core/fleet-cancels.js';
import type { JobState } from '../core/inspector.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import type { Engine } from './engine.js';
import { checkId, type ActionResult } from './one-job.js';
import { JobNotFoundError, JobStateError, OperatorTimeoutError } from './operating-errors.js';

/** Ends a job in whichever process it runs, and waits until that process says so. */
export async function cancelJob(engine: Engine, queue: string, id: string): Promise<ActionResult> {
  checkName('queue name', queue);
  checkId(id);
  const action = `cancel job ${show(id)}`;
  const records = engine.recordsFor('cancel a job');
  const state = await stateOf(engine, queue, id);
  if (state === 'gone') throw new JobNotFoundError(queue, id);
  if (state === 'waiting' || state === 'delayed') {
    throw new JobStateError(queue, id, state, 'nobody handles it; remove it instead');
  }
  if (state !== undefined && state !== 'active') return 'changed';
  // The rest of the deadline is for what comes before and after.
  const waitMs = engine.deadlineMs / 2;
  const ordering = orderCancel(records, { queue, id }, () => engine.now, waitMs);
  if (await engine.ask(action, ordering, 2 * engine.deadlineMs)) return 'done';
  const since = await stateOf(engine, queue, id);
  if (since !== undefined && since !== 'active') return 'changed';
  const why =
    state === 'active' ? 'its process hangs, or can’t reach the engine' : 'it is not running, or its process hangs';
  throw new OperatorTimeoutError('any process', `${action} of queue ${show(queue)}: ${why}`, waitMs);
}

/** Where a job stands; undefined: the engine can't tell. */
async function stateOf(engine: Engine, queue: string, id: string): Promise<JobState | 'gone' | undefined> {
  const { anInspector: inspector } = engine;
  if (!inspector || typeof inspector.abilities.get === 'object') return undefined;
  const jobs = await engine.ask(`find job ${show(id)}`, inspector.get(queue, id));
  if (jobs.some(({ state }) => state === 'active')) return 'active';
  const [first] = jobs;
  if (first) return first.state;
  return inspector.abilities.list.active === 'all' ? 'gone' : undefined;
}

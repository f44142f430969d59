import { systemClock } from '../core/clock.js';
import { countsOverTime } from '../core/fleet-counts.js';
import { pausedQueues, type PausedQueue } from '../core/fleet-orders.js';
import { isStale, knownWorkers, type WorkerRecord } from '../core/fleet-workers.js';
import type { StateCounts } from '../core/inspector.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import type { Engine } from './engine.js';
import { queueView, type QueueView } from './queue-view.js';

/** How many queues are asked for their counts at a time. */
const AT_A_TIME = 32;

/** What is known of all queues at once. */
interface FleetState {
  readonly paused: ReadonlyMap<string, PausedQueue>;
  readonly workers: readonly WorkerRecord[];
}

const NO_FLEET: FleetState = { paused: new Map(), workers: [] };

/** All queues that are known, sorted; one that doesn't answer within the deadline says why, and the others are shown. */
export async function allQueues(engine: Engine): Promise<readonly QueueView[]> {
  const inspector = engine.inspector('tell its queues');
  const endAt = systemClock.monotonic() + engine.deadlineMs;
  const [found, fleet] = await Promise.all([engine.ask('tell its queues', inspector.queues()), fleetState(engine)]);
  const read = fleet.workers.flatMap(({ queues }) => queues);
  const names = [...new Set([...found, ...fleet.paused.keys(), ...read])].sort();
  const views: QueueView[] = [];
  const left = names.entries();
  const askOn = async (): Promise<void> => {
    for (const [index, name] of left) views[index] = await viewOf(engine, name, fleet, endAt);
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, askOn));
  return views;
}

/** @throws TypeError where it is no name of a queue */
export async function oneQueue(engine: Engine, name: string): Promise<QueueView> {
  checkName('queue name', name);
  engine.inspector('count jobs');
  const endAt = systemClock.monotonic() + engine.deadlineMs;
  const view = await viewOf(engine, name, await fleetState(engine), endAt);
  return view;
}

async function fleetState(engine: Engine): Promise<FleetState> {
  const { records } = engine;
  if (!records) return NO_FLEET;
  const asking = Promise.all([pausedQueues(records), knownWorkers(records)]);
  const [paused, workers] = await engine.ask('tell what is paused, and who works', asking);
  return { paused: new Map(paused.map((one) => [one.queue, one])), workers };
}

async function viewOf(engine: Engine, name: string, fleet: FleetState, endAt: number): Promise<QueueView> {
  const { records, now } = engine;
  const workers = fleet.workers.filter((worker) => worker.queues.includes(name) && !isStale(worker, now)).length;
  const known = { paused: fleet.paused.get(name), workers };
  try {
    const asking = Promise.all([counts(engine, name), records && countsOverTime(records, name, now)]);
    const leftMs = Math.max(endAt - systemClock.monotonic(), 1);
    const [states, overTime] = await engine.ask(`count the jobs of queue ${show(name)}`, asking, leftMs);
    return queueView(name, now, { ...known, counts: states, overTime, error: undefined });
  } catch (error) {
    return queueView(name, now, { ...known, counts: undefined, overTime: undefined, error });
  }
}

function counts(engine: Engine, name: string): Promise<StateCounts> {
  return engine.inspector('count jobs').counts(name);
}

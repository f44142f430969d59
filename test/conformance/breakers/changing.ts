import type { Inspector, JobPlace, StoredState } from '../../../lib/core/inspector.js';
import type { Breaker, Store } from '../honest.js';
import { both, note, reading, publishing, turns } from '../changes.js';
import { inspecting, jobAt, STATES, storedState } from '../inspectors.js';
import { alias } from './ids.js';

/** Removes a job and stores it anew instead of changing it in its place. */
async function storeAnew(
  honest: Inspector,
  queue: string,
  place: JobPlace,
  how: (job: StoredState) => StoredState,
): Promise<'done' | 'changed'> {
  const job = await jobAt(honest, queue, place);
  const [removed] = await honest.change(queue, [place], { kind: 'remove' });
  if (!job || removed !== 'done') return 'changed';
  await honest.store(queue, [how(storedState(job, 'waiting'))]);
  return 'done';
}

async function inTurn<T, R>(all: readonly T[], act: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const one of all) results.push(await act(one));
  return results;
}

function retryingBy(how: (job: StoredState) => StoredState): Breaker {
  return inspecting((honest) => ({
    change: (queue, jobs, change) =>
      change.kind === 'retry'
        ? inTurn(jobs, (place) => storeAnew(honest, queue, place, how))
        : honest.change(queue, jobs, change),
  }));
}

function changingNothing(kind: string): Breaker {
  return inspecting((honest) => ({
    change: (queue, jobs, change) =>
      change.kind === kind ? Promise.resolve(jobs.map(() => 'done')) : honest.change(queue, jobs, change),
  }));
}

function onMessage(change: (message: Extract<StoredState['content'], { body: string }>) => object) {
  return (job: StoredState): StoredState => ({
    ...job,
    attempts: 0,
    content: 'body' in job.content ? { ...job.content, ...change(job.content) } : job.content,
  });
}

const delays = (store: Store): Map<string, number | undefined> =>
  note(store, 'delays', () => new Map<string, number | undefined>());

/** What backends do wrong when an operator changes jobs. */
export const changingBreakers: Readonly<Record<string, Breaker>> = {
  'counts attempts on when it retries': retryingBy((job) => job),
  'drops the headers of what it retries': retryingBy(onMessage(() => ({ headers: {} }))),
  'puts what it retries before its equals': retryingBy(onMessage(({ priority }) => ({ priority: priority - 1 }))),
  'retries under another id': retryingBy(onMessage(({ id }) => ({ id: alias(id) }))),
  'retries nothing': changingNothing('retry'),
  'removes nothing': changingNothing('remove'),
  'reschedules nothing': changingNothing('reschedule'),
  'says that every change is done': inspecting((honest) => ({
    change: async (queue, jobs, change) => {
      await honest.change(queue, jobs, change);
      return jobs.map(() => 'done');
    },
  })),
  'does not look in which state a job is': inspecting((honest) => ({
    change: (queue, jobs, change) =>
      inTurn(jobs, async ({ key }) => {
        for (const state of STATES) {
          const [result] = await honest.change(queue, [{ key, state }], change);
          if (result === 'done') return 'done';
        }
        return 'changed';
      }),
  })),
  'changes jobs of other queues': inspecting((honest) => ({
    change: async (queue, jobs, change) => {
      const queues = [queue, ...(await honest.queues())];
      return inTurn(jobs, async (place) => {
        for (const name of queues) if ((await honest.change(name, [place], change))[0] === 'done') return 'done';
        return 'changed';
      });
    },
  })),
  'changes a hundred at a time': inspecting((honest) => ({
    change: async (queue, jobs, change) => [
      ...(await honest.change(queue, jobs.slice(0, 100), change)),
      ...jobs.slice(100).map(() => 'changed' as const),
    ],
  })),
  'answers changes in another order': inspecting((honest) => ({
    change: async (queue, jobs, change) => [...(await honest.change(queue, jobs, change))].reverse(),
  })),
  'looks at a job and changes it in two steps': inspecting((honest) => ({
    change: async (queue, jobs, change) => {
      const there = await Promise.all(jobs.map((place) => jobAt(honest, queue, place)));
      await turns(1);
      await honest.change(queue, jobs, change);
      return there.map((job) => (job ? 'done' : 'changed'));
    },
  })),
  'removes a while after it says so': inspecting((honest) => ({
    change: (queue, jobs, change) => {
      if (change.kind !== 'remove') return honest.change(queue, jobs, change);
      void turns(3).then(() => honest.change(queue, jobs, change));
      return Promise.resolve(jobs.map(() => 'done'));
    },
  })),

  'hands out the delay that was changed': both(
    publishing((message, store) => {
      delays(store).set(message.id, message.readyAt);
      return message;
    }),
    reading(({ id, readyAt }, _, store) => ({ readyAt: delays(store).get(id) ?? readyAt })),
  ),
  'reschedules to now': inspecting((honest) => ({
    change: (queue, jobs, change) =>
      honest.change(queue, jobs, change.kind === 'reschedule' ? { ...change, at: 0 } : change),
  })),
  'starts afresh what it reschedules': inspecting((honest, { clock }) => ({
    change: (queue, jobs, change) => {
      if (change.kind !== 'reschedule') return honest.change(queue, jobs, change);
      const { at } = change;
      const state = at > clock.now() ? 'delayed' : 'waiting';
      return inTurn(jobs, (place) =>
        storeAnew(honest, queue, place, (job) => ({ ...job, state, readyAt: at, attempts: 0, failures: [] })),
      );
    },
  })),
  'leaves the old one when it reschedules': inspecting((honest) => ({
    change: async (queue, jobs, change) => {
      if (change.kind !== 'reschedule') return honest.change(queue, jobs, change);
      const old = await Promise.all(jobs.map((place) => jobAt(honest, queue, place)));
      const results = await honest.change(queue, jobs, change);
      for (const job of old) {
        if (!job) continue;
        const { content, ...rest } = storedState(job, 'delayed');
        await honest.store(queue, [{ ...rest, content: { ...content, id: alias(content.id) }, readyAt: job.readyAt }]);
      }
      return results;
    },
  })),
};

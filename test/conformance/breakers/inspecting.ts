import { isUnreadable } from '../../../lib/core/message.js';
import type { Inspector, InspectorAbilities, JobState, StateCounts } from '../../../lib/core/inspector.js';
import type { Breaker } from '../honest.js';
import { note } from '../changes.js';
import { allIn, inspecting, showing, showingMessages, STATES } from '../inspectors.js';

function counting(change: (counts: StateCounts, now: number) => Partial<StateCounts>): Breaker {
  return inspecting((honest, { clock }) => ({
    counts: async (queue) => {
      const counts = await honest.counts(queue);
      return { ...counts, ...change(counts, clock.now()) };
    },
  }));
}

function each<T>(value: T): Record<JobState, T> {
  return { waiting: value, delayed: value, active: value, completed: value, failed: value, expired: value };
}

const CANNOT = { cannot: 'it has no list' };
const HEADS = each('head' as const);

function heads(take: (jobs: Awaited<ReturnType<typeof allIn>>) => Awaited<ReturnType<typeof allIn>>): Breaker {
  return inspecting((honest) => ({
    abilities: { ...honest.abilities, list: HEADS },
    list: async (queue, state) => ({ jobs: take(await allIn(honest, queue, state)), cursor: undefined }),
  }));
}

/** What backends do wrong when they show their jobs. */
export const inspectingBreakers: Readonly<Record<string, Breaker>> = {
  'names queues in no order': inspecting((honest) => ({ queues: async () => [...(await honest.queues())].reverse() })),
  'names no queues': inspecting(() => ({ queues: () => Promise.resolve([]) })),
  'names queues that were asked for': inspecting((honest, store) => {
    const asked = note(store, 'asked', () => new Set<string>());
    return {
      counts: (queue) => (asked.add(queue), honest.counts(queue)),
      queues: async () => [...new Set([...(await honest.queues()), ...asked])].sort(),
    };
  }),
  'counts no jobs': counting(() => each(0)),
  'counts a job in two states': counting((counts) => ({
    waiting:
      (counts.waiting ?? 0) +
      (counts.delayed ?? 0) +
      (counts.failed ?? 0) +
      (counts.expired ?? 0) +
      (counts.active ?? 0),
    active: (counts.active ?? 0) + (counts.waiting ?? 0) + (counts.completed ?? 0),
  })),
  'counts the jobs of all queues': inspecting((honest) => ({
    counts: async (queue) => {
      const all = await Promise.all((await honest.queues()).map((name) => honest.counts(name)));
      const sum = (state: JobState): number => all.reduce((total, counts) => total + (counts[state] ?? 0), 0);
      return { ...(await honest.counts(queue)), ...Object.fromEntries(STATES.map((state) => [state, sum(state)])) };
    },
  })),
  'says that the oldest came just now': counting(({ oldestWaitingAt }, now) => ({
    oldestWaitingAt: oldestWaitingAt && now,
  })),
  'says that delayed jobs wait': counting(({ oldestWaitingAt, delayed }, now) => ({
    oldestWaitingAt: oldestWaitingAt ?? (delayed ? now : undefined),
  })),
  'shows jobs without their payload': inspecting((honest) =>
    showingMessages(honest, (content) => ({ ...content, payload: null })),
  ),
  'shows jobs in other states too': inspecting((honest) => ({
    list: async (queue, _, page) => {
      const lists = await Promise.all(STATES.map((state) => honest.list(queue, state, page)));
      return { jobs: lists.flatMap(({ jobs }) => jobs), cursor: undefined };
    },
  })),
  'forgets why jobs failed': inspecting((honest) =>
    showing(honest, ({ reason: _, failures: __, ...job }) => ({ ...job, failures: [] })),
  ),
  'shows no attempts': inspecting((honest) => showing(honest, (job) => ({ ...job, attempts: 0 }))),
  'loses sight of jobs whose lease has lapsed': inspecting((honest) => ({
    list: async (queue, state, page) => {
      const { jobs, cursor } = await honest.list(queue, state, page);
      return { jobs: jobs.filter(({ attempts }) => state !== 'waiting' || attempts === 0), cursor };
    },
  })),
  'shows two where it says one': heads((jobs) => jobs.slice(0, 2)),
  'shows the last where it says the next': heads((jobs) => jobs.slice(-1)),
  'does what it says it can’t': inspecting((honest) => ({
    abilities: Object.fromEntries(
      Object.entries(honest.abilities).map(([verb, ability]) => [
        verb,
        typeof ability === 'string' ? CANNOT : each(CANNOT),
      ]),
    ) as unknown as InspectorAbilities,
  })),

  'lists backwards': inspecting((honest) => ({
    list: async (queue, state, page) => {
      const { jobs, cursor } = await honest.list(queue, state, page);
      return { jobs: [...jobs].reverse(), cursor };
    },
  })),
  'forgets the last of each page': inspecting((honest) => ({
    list: async (queue, state, page) => {
      const { jobs, cursor } = await honest.list(queue, state, page);
      return { jobs: cursor === undefined ? jobs : jobs.slice(0, -1), cursor };
    },
  })),
  'keeps its cursors to itself': inspecting((honest) => {
    const cursors = new Map<string, string>();
    return {
      list: async (queue, state, { limit, cursor }) => {
        const page = await honest.list(queue, state, { limit, cursor: cursor && cursors.get(cursor) });
        if (page.cursor === undefined) return page;
        const own = String(cursors.size);
        cursors.set(own, page.cursor);
        return { ...page, cursor: own };
      },
    };
  }),
  'counts places for a cursor': inspecting((honest) => ({
    list: async (queue, state, { limit, cursor = '0' }) => {
      const all = await allIn(honest, queue, state);
      const end = Number(cursor) + limit;
      return { jobs: all.slice(Number(cursor), end), cursor: end < all.length ? String(end) : undefined };
    },
  })),

  'finds no job by its id': inspecting(() => ({ get: () => Promise.resolve([]) })),
  'finds no failed job by its id': inspecting((honest) => ({
    get: async (queue, id) => (await honest.get(queue, id)).filter(({ state }) => state !== 'failed'),
  })),
  'finds jobs of other queues': inspecting((honest) => ({ get: async (_, id) => found(honest, id) })),
  'finds ids without their case': inspecting((honest) => ({
    get: async (queue, id) => {
      const lists = await Promise.all(STATES.map((state) => allIn(honest, queue, state)));
      return lists.flat().filter(({ content }) => content.id.toLowerCase() === id.toLowerCase());
    },
  })),
  'shows nothing that can’t be read': inspecting((honest) => ({
    list: async (queue, state, page) => {
      const { jobs, cursor } = await honest.list(queue, state, page);
      return { jobs: jobs.filter(({ content }) => !isUnreadable(content)), cursor };
    },
  })),
};

async function found(honest: Inspector, id: string): ReturnType<Inspector['get']> {
  const queues = await honest.queues();
  return (await Promise.all(queues.map((queue) => honest.get(queue, id)))).flat();
}

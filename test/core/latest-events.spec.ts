import { expect, test } from 'vitest';
import type { JobEventName } from '../../lib/core/events.js';
import { LatestEvents } from '../../lib/core/latest-events.js';

function filled(...names: readonly JobEventName[]): LatestEvents {
  const latest = new LatestEvents();
  for (const [at, name] of names.entries()) latest.push(name, at, { job: { id: 'x' } });
  return latest;
}

/** The names and times of those that are kept. */
function kept(latest: LatestEvents, mostBytes = Infinity): [string, number][] {
  return latest.texts(mostBytes).map((text) => {
    const { event, happenedAt } = JSON.parse(text) as { event: string; happenedAt: number };
    return [event, happenedAt];
  });
}

test('events are kept in the order in which they came', () => {
  expect(kept(filled('started', 'completed', 'started'))).toEqual([
    ['started', 0],
    ['completed', 1],
    ['started', 2],
  ]);
});

test('the latest 200 are kept; what is rare is not pushed out by what is frequent', () => {
  const many = Array.from({ length: 1_000 }, () => 'completed' as const);
  const events = kept(filled('failed', ...many, 'started'));
  expect(events).toHaveLength(200);
  expect([events[0], events[1], events.at(-1)]).toEqual([
    ['failed', 0],
    ['completed', 803],
    ['started', 1_001],
  ]);
});

test('where there is no room for the bytes of all, the oldest of what takes most go, and don’t come back', () => {
  const latest = filled('failed', 'completed', 'completed', 'completed', 'started');
  const whole = latest.texts(Infinity).join(',').length;
  const fewer = kept(latest, whole - 1);
  expect(fewer).toEqual([
    ['failed', 0],
    ['completed', 2],
    ['completed', 3],
    ['started', 4],
  ]);
  expect(kept(latest)).toEqual(fewer);
  expect(kept(latest, 0)).toEqual([]);
  latest.push('started', 9, {});
  expect(kept(latest)).toEqual([['started', 9]]);
});

test('what was cleared is gone', () => {
  const latest = filled('started', 'started');
  latest.clear();
  expect(kept(latest)).toEqual([]);
  latest.push('started', 7, {});
  expect(kept(latest)).toEqual([['started', 7]]);
});

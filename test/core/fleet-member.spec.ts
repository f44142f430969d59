import { expect, test } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { JobEvents } from '../../lib/core/events.js';
import { FleetMember } from '../../lib/core/fleet-member.js';
import type { Records } from '../../lib/core/records.js';
import { Outage } from '../../lib/core/outage.js';
import { Lines } from './engine.js';
import { Hearer, jobOf } from './fleet/teller.js';
import { onMemory } from './fleet/on-memory.js';

const PATIENT = { timeout: 30_000, interval: 5 };

let records: Records;

onMemory((given) => (records = given));

test('an engine that hangs keeps a process from its end for a moment only, whoever follows', async () => {
  let hangs = false;
  const told: string[] = [];
  const hanging: Records = {
    set: (...args) => (hangs ? new Promise(() => undefined) : records.set(...args)),
    claim: (...args) => records.claim(...args),
    swap: (...args) => records.swap(...args),
    get: (key) => records.get(key),
    delete: (...args) => records.delete(...args),
    watch: (...args) => records.watch(...args),
  };
  const events = new JobEvents();
  const member = new FleetMember({
    records: hanging,
    clock: systemClock,
    outage: new Outage('memory', systemClock, new Lines()),
    events,
    worker: 'here:7',
    plan: {
      identity: {
        host: 'here',
        pid: 7,
        version: '1.2.3',
        instance: 'default',
        watchdog: {
          start: async () => void told.push('start'),
          blocked: [],
          giveSign: () => undefined,
          close: async () => void told.push('close'),
        },
      },
    },
    queues: () => [],
  });
  member.start();
  const hearer = await new Hearer(records, ['completed']).begin();
  const completed = { job: jobOf(1), result: undefined, durationMs: 1 };
  events.emit('completed', completed);
  await expect.poll(() => hearer.told, PATIENT).toEqual(['completed 1']);
  hangs = true;
  events.emit('completed', completed);
  await member.close();
  expect(told).toEqual(['start', 'close']);
  // Who follows sees that it is gone.
  await expect.poll(async () => (await records.get('fleet:workers'))?.text, PATIENT).toBe('[]');
  await hearer.following.end();
});

import type { Breaker } from '../honest.js';
import { inspecting, storing, storingMessages } from '../inspectors.js';
import { alias } from './ids.js';

/** What backends do wrong when they store jobs as they stood elsewhere. */
export const restoringBreakers: Readonly<Record<string, Breaker>> = {
  'stores jobs without their attempts': inspecting((honest) => storing(honest, (job) => ({ ...job, attempts: 0 }))),
  'stores jobs without their failures': inspecting((honest) => storing(honest, (job) => ({ ...job, failures: [] }))),
  'stores what a message says of its delay': inspecting((honest, { clock }) =>
    storing(honest, (job) => {
      const said = 'readyAt' in job.content ? (job.content.readyAt ?? 0) : 0;
      return said > clock.now() ? { ...job, state: 'delayed', readyAt: said } : job;
    }),
  ),
  'stores delayed jobs as waiting': inspecting((honest) =>
    storing(honest, (job) => (job.state === 'delayed' ? { ...job, state: 'waiting' } : job)),
  ),
  'stores failed jobs as waiting': inspecting((honest) =>
    storing(honest, (job) => (job.state === 'failed' ? { ...job, state: 'waiting' } : job)),
  ),
  'stores what has ended as failed': inspecting((honest) =>
    storing(honest, (job) =>
      job.state === 'completed' || job.state === 'expired' ? { ...job, state: 'failed' } : job,
    ),
  ),
  'stores the last first': inspecting((honest) => ({
    store: async (queue, jobs) => [...(await honest.store(queue, [...jobs].reverse()))].reverse(),
  })),
  'stores nothing': inspecting(() => ({ store: (_, jobs) => Promise.resolve(jobs.map(() => 'stored')) })),
  'says that all was stored': inspecting((honest) => ({
    store: async (queue, jobs) => {
      await honest.store(queue, jobs);
      return jobs.map(() => 'stored');
    },
  })),
  'stores over what is there': inspecting((honest) => ({
    store: async (queue, jobs) => {
      for (const { content } of jobs)
        await honest.change(queue, await honest.get(queue, content.id), { kind: 'remove' });
      return honest.store(queue, jobs);
    },
  })),
  'stores under other ids': inspecting((honest) =>
    storingMessages(honest, (message) => ({ ...message, id: alias(message.id) })),
  ),
  'stores ids without their case': inspecting((honest) =>
    storingMessages(honest, (message) => ({ ...message, id: message.id.toLowerCase() })),
  ),
  'stores bytes as a text': inspecting((honest) =>
    storing(honest, (job) => {
      if (!('unreadable' in job.content)) return job;
      return { ...job, content: { ...job.content, bytes: Buffer.from(Buffer.from(job.content.bytes).toString()) } };
    }),
  ),
  'stores what is too large': { traits: { maxBytes: 65_536 } },
  'stores a hundred at a time': inspecting((honest) => ({
    store: async (queue, jobs) => [
      ...(await honest.store(queue, jobs.slice(0, 100))),
      ...jobs.slice(100).map(() => 'stored' as const),
    ],
  })),
};

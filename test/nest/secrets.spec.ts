import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { BlockedError, defineJob, FatalError, forward, JobHandler, TransientError, type Job } from 'nestjs-jobs';
import { filer } from 'nestjs-jobs/filer';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { temporaryFolder } from '../backends/filer/support/temporary.js';
import { startJobs, until } from './application.js';

const SECRET = 'hunter2';

const Checked = defineJob('checked', { payload: z.object({ password: z.number() }) });

interface Payload {
  readonly does: keyof typeof ENDS;
  readonly password: string;
}

/** What a handler does, and the event that tells of its end. */
const ENDS = {
  return: 'completed',
  retry: 'retried',
  unmarked: 'failed',
  fatal: 'failed',
  block: 'blocked',
  returnMap: 'failed',
  returnCycle: 'failed',
  forwardNowhere: 'failed',
  timeOut: 'failed',
  progressMap: 'completed',
  log: 'completed',
} as const;

class Handles {
  @JobHandler('work', { attempts: 1, timeout: '1s', backoff: { kind: 'fixed', base: 1 } })
  async work(payload: Payload, job: Job): Promise<unknown> {
    switch (payload.does) {
      case 'retry':
        throw new TransientError('try later', { retryIn: '1h' });
      case 'unmarked':
        throw new Error('no reason');
      case 'fatal':
        throw new FatalError('never');
      case 'block':
        throw new BlockedError('not yet', { retryIn: '1h' });
      case 'returnMap':
        return new Map([[payload.password, payload]]);
      case 'returnCycle':
        return cycleOf(payload);
      case 'forwardNowhere':
        return forward('work', { at: new Date(), payload });
      case 'timeOut':
        return new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(new Error('late'))));
      case 'progressMap':
        job.progress(new Map([[payload.password, payload]]));
        return payload;
      case 'log':
        job.log(payload.password);
        job.progress(payload);
        return payload;
      case 'return':
        return payload;
    }
  }

  @JobHandler(Checked)
  checked(): void {}
}

function cycleOf(payload: Payload): object {
  const cycle: { payload: Payload; self?: unknown } = { payload };
  cycle.self = cycle;
  return cycle;
}

test('whatever becomes of a job, no line of ours quotes its payload, its result or its message', async () => {
  const directory = join(await temporaryFolder(), 'jobs');
  const { events, lines, publisher } = await startJobs(
    { providers: [Handles] },
    { backend: filer({ directory }), unknownJobGrace: 0 },
  );
  const ended: string[] = [];
  for (const name of ['completed', 'retried', 'blocked', 'failed', 'expired'] as const) {
    events.on(name, ({ job }) => ended.push(`${job.id} ${name}`));
  }
  const does = Object.keys(ENDS) as (keyof typeof ENDS)[];
  await publisher.publishMany(
    does.map((one) => ({
      name: 'work',
      payload: { does: one, password: SECRET },
      options: { id: one, keepResult: '1m', ...(one === 'retry' ? { attempts: 2 } : {}) },
    })),
  );
  await publisher.publish('nobodys', { password: SECRET }, { id: 'unknown' });
  await expect(publisher.publish(Checked, { password: SECRET as never })).rejects.toThrow('not published');
  const foreign = {
    text: `${SECRET} is no JSON`,
    half: `{ "header": { "request_type": "work" }, "body": "${SECRET}`,
    damaged: JSON.stringify({ header: { request_type: 'work', priority: 'high' }, body: { password: SECRET } }),
    schema: JSON.stringify({ header: { request_type: 'checked' }, body: { password: SECRET } }),
    late: JSON.stringify({ header: { request_type: 'work', expiration: '2020-01-01' }, body: { password: SECRET } }),
  };
  for (const [name, text] of Object.entries(foreign)) {
    writeFileSync(join(directory, 'default/tmp', name), text);
    renameSync(join(directory, 'default/tmp', name), join(directory, 'default/incoming', name));
  }
  const expected = [
    ...does.map((one) => `${one} ${ENDS[one]}`),
    'unknown failed',
    'text failed',
    'half failed',
    'damaged failed',
    'schema failed',
    'late expired',
  ];
  await until(() => ended.length >= expected.length, 'all have ended');
  expect(ended.toSorted()).toEqual(expected.toSorted());
  // As many as there are, so that what is looked through is known to be all of them.
  expect(lines.ofJobs('error').filter((line) => line.includes(' failed: '))).toHaveLength(
    expected.filter((one) => one.endsWith('failed')).length,
  );
  expect(inspect(lines.all, { depth: Infinity, maxStringLength: Infinity })).not.toContain(SECRET);
});

import { Blocked, Fatal, JobHandler, Transient, type Backend, type BackendContext } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { startJobs, turns, until } from './application.js';

@Transient({ retryIn: 0 })
class Busy extends Error {}

@Transient({ retryIn: '1h' })
class BusyForLong extends Error {}

@Fatal()
class Gone extends Error {}

@Blocked()
class NotYet extends Error {}

@JobHandler('work', { attempts: 3 })
class Work {
  handle(payload: 'ok' | 'busy' | 'late' | 'gone' | 'not yet'): void {
    if (payload === 'busy') throw new Busy('try later', { cause: new Error('the real reason') });
    if (payload === 'late') throw new BusyForLong('no place');
    if (payload === 'gone') throw new Gone('no such mailbox');
    if (payload === 'not yet') throw new NotYet('waiting');
  }
}

const place = (attempt: string): string => `Job "work" with id "x" of queue "default", attempt ${attempt},`;

test('jobs that go well, and blocked ones, are not logged', async () => {
  const { events, lines, publisher } = await startJobs({ providers: [Work] });
  const ended: string[] = [];
  events.on('completed', () => ended.push('completed'));
  events.on('blocked', () => ended.push('blocked'));
  await publisher.publish('work', 'ok');
  await publisher.publish('work', 'not yet');
  await until(() => ended.length === 2, 'both have run');
  expect(lines.ofJobs()).toEqual(['Mapped {work} to Work, queue "default"']);
});

test('retries are logged at warn, and the last failure at error with the stack', async () => {
  const { lines, publisher } = await startJobs({ providers: [Work] });
  await publisher.publish('work', 'busy', { id: 'x' });
  await until(() => lines.ofJobs('error').length > 0, 'the job has failed');
  expect(lines.ofJobs('warn', 'error')).toEqual([
    expect.stringMatching(/attempt 1 of 3, failed, and is tried again at 20\S+Z: Busy: try later$/),
    expect.stringMatching(/attempt 2 of 3, failed, and is tried again at 20\S+Z: Busy: try later$/),
    `${place('3 of 3')} failed: all 3 attempts have failed: Busy: try later`,
  ]);
  const stack = String(lines.all.find((line) => line.level === 'error')?.rest[0]);
  expect(stack).toMatch(/^Error: try later\n {4}at Work\.handle/);
  expect(stack).toMatch(/\nCaused by: Error: the real reason\n {4}at /);
});

test('fatal errors are logged at error, expiries at warn', async () => {
  const { lines, publisher } = await startJobs({ providers: [Work] });
  await publisher.publish('work', 'gone', { id: 'x' });
  await until(() => lines.ofJobs('error').length > 0, 'the job has failed');
  expect(lines.ofJobs('error')).toEqual([`${place('1 of 3')} failed: a fatal error: Gone: no such mailbox`]);
  await publisher.publish('work', 'late', { id: 'y', expiration: '1 min' });
  await until(() => lines.ofJobs('warn').length > 0, 'the job has expired');
  expect(lines.ofJobs('warn')[0]).toMatch(
    /^Job "work" with id "y" .* expired: its next attempt would start after its expiration; its last error: BusyForLong: no place$/,
  );
});

test('a job that was never handled says its reason once', async () => {
  const { lines, publisher } = await startJobs({ providers: [Work] }, { unknownJobGrace: 0 });
  await publisher.publish('strange', null, { id: 'x' });
  await until(() => lines.ofJobs('error').length > 0, 'the job has failed');
  expect(lines.ofJobs('error')).toEqual([
    'Job "strange" with id "x" of queue "default", attempt 1 of 20, failed: ' +
      'no handler is named "strange" among those that read queue "default"',
  ]);
});

test('a lost lease is logged at warn', async () => {
  const description = memory();
  const open = async (context: BackendContext): Promise<Backend> => {
    const backend = await description.open(context);
    backend.settle = () => Promise.resolve(false);
    return backend;
  };
  const { lines, publisher } = await startJobs({ providers: [Work] }, { backend: { name: 'odd', open } });
  await publisher.publish('work', 'ok', { id: 'x' });
  await until(() => lines.ofJobs('warn').length > 0, 'the loss is logged');
  expect(lines.ofJobs('warn')[0]).toBe(
    `${place('1 of 3')} lost its lease: another worker may run it, and what became of this run is ignored`,
  );
});

test('an error that throws when it is read is logged all the same', async () => {
  @JobHandler('work', { attempts: 1 })
  class Nasty {
    handle(): never {
      const throws = {
        get(): never {
          throw new Error('not for you');
        },
      };
      throw Object.create(Error.prototype, { name: throws, message: throws, stack: throws, cause: throws });
    }
  }
  const { lines, publisher } = await startJobs({ providers: [Nasty] });
  await publisher.publish('work', null, { id: 'x' });
  await until(() => lines.ofJobs('error').length > 0, 'the job has failed');
  expect(lines.ofJobs('error')).toEqual([`${place('1 of 1')} failed: its only attempt has failed: Error: `]);
});

test('a listener that fails is logged and harms nobody', async () => {
  const { events, lines, publisher } = await startJobs({ providers: [Work] });
  events.on('published', () => {
    throw new Error('oops');
  });
  events.on('completed', () => Promise.reject(new Error('later')));
  await publisher.publish('work', 'ok');
  await until(() => lines.ofJobs('error').length === 2, 'both are logged');
  await turns();
  expect(lines.ofJobs('error')).toEqual([
    'a listener of job event "published" failed: oops',
    'a listener of job event "completed" failed: later',
  ]);
});

test('what is mapped is said once for each handler that this process runs', async () => {
  @JobHandler('mail', { queue: 'mail' })
  class Mail {
    handle(): void {}
  }
  const reader = await startJobs({ providers: [Work, Mail] }, { consume: ['mail'] });
  expect(reader.lines.ofJobs('log')).toEqual([
    'Mapped {work} to Work, queue "default", which this process does not read',
    'Mapped {mail} to Mail, queue "mail"',
  ]);
  const web = await startJobs({ providers: [Work, Mail] }, { consume: false });
  expect(web.lines.ofJobs('log')).toEqual([]);
});

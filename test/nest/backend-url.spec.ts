import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { backendFromUrl } from '../../lib/nest/backend-url.js';
import { JobHandler } from 'nestjs-jobs';
import { startJobs, until } from './application.js';

const folder = await mkdtemp(join(tmpdir(), 'nestjs-jobs-url-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

@JobHandler('note')
class Note {
  readonly payloads: unknown[] = [];

  handle(payload: unknown): void {
    this.payloads.push(payload);
  }
}

for (const [url, directory] of [
  ['memory:', undefined],
  ['memory:?lease=10s', undefined],
  [`filer:${folder}/jobs`, 'jobs'],
  [`filer://${folder}/more%20jobs?durable=false&lease=10s&sweep=100ms`, 'more jobs'],
] as const) {
  test(`an application works with ${url.replace(folder, '/…')}`, async () => {
    const { app, publisher } = await startJobs({ providers: [Note] }, { backend: url });
    await publisher.publish('note', 'x');
    const { payloads } = app.get(Note);
    await until(() => payloads.length > 0, 'the job is handled');
    if (!directory) return;
    const names = await readdir(join(folder, directory));
    expect(names.filter((name) => !name.startsWith('.'))).toEqual(['default']);
  });
}

const refused: [url: string, message: string][] = [
  ['var/jobs', 'expected a URL that starts with filer: or memory: or redis: or rediss: or beanstalkd:, got no URL'],
  ['', 'expected a URL that starts with filer: or memory: or redis: or rediss: or beanstalkd:, got no URL'],
  [
    'amqp://ada:secret@host:5672',
    'expected a URL that starts with filer: or memory: or redis: or rediss: or beanstalkd:, got "amqp:"',
  ],
  ['redis://ada:secret@host:6379?db=1', 'expected parameters of prefix, lease, got the unknown "db"'],
  ['beanstalkd://host:11300/mail', 'expected beanstalkd://host:port, got "/mail" behind it'],
  ['filer:', 'expected a directory behind filer:, such as filer:var/jobs'],
  ['filer://var/jobs', 'expected filer:var… (relative) or filer:/var… (absolute), got two slashes'],
  ['filer:var/jobs#1', 'expected a URL without #; write %23 in a path'],
  ['filer:var/jobs?durable=no', 'durable: expected true or false, got "no"'],
  ['filer:var/jobs?durabel=false', 'expected parameters of durable, lease, sweep, got the unknown "durabel"'],
  ['memory:jobs', 'expected memory: alone, got something behind it'],
  ['memory:?durable=true', 'expected parameters of lease, got the unknown "durable"'],
];

for (const [url, message] of refused) {
  test(`refused: ${url || 'an empty text'}`, () => {
    let said: unknown;
    try {
      backendFromUrl(url);
    } catch (error) {
      said = error;
    }
    expect(said).toBeInstanceOf(TypeError);
    expect((said as Error).message).toBe(message);
  });
}

test('what the backend itself refuses stops the application', async () => {
  await expect(startJobs({}, { backend: 'memory:?lease=soon' })).rejects.toThrow(
    /^The backend memory could not be opened: memory: lease: expected milliseconds/,
  );
});

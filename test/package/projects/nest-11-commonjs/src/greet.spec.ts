import { Test } from '@nestjs/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { PublisherService, type JobsModuleOptions } from 'nestjs-jobs';
import { filer } from 'nestjs-jobs/filer';
import { memory } from 'nestjs-jobs/memory';
import { jobMatchers, JobsTesting, JobsTestingModule } from 'nestjs-jobs/testing';
import { AppModule, Ledger } from './app.module';

expect.extend(jobMatchers);

describe('greet', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'greet-'));
  });

  afterAll(() => rm(directory, { recursive: true }));

  async function greet(backend: JobsModuleOptions['backend']): Promise<string[]> {
    const app = await Test.createTestingModule({ imports: [AppModule.with(backend)] }).compile();
    await app.init();
    await app.get(PublisherService).publish('greet', { name: 'Ada' });
    const { lines } = app.get(Ledger);
    while (lines.length === 0) await setTimeout(5);
    await app.close();
    return lines;
  }

  it('is handled on memory', async () => {
    expect(await greet(memory())).toEqual(['Ada, attempt 2']);
  });

  it('is handled on filer', async () => {
    expect(await greet(filer({ directory }))).toEqual(['Ada, attempt 2']);
  });

  it('is tested without any backend', async () => {
    const app = await Test.createTestingModule({ imports: [AppModule.with(undefined), JobsTestingModule] }).compile();
    await app.init();
    await app.get(PublisherService).publish('greet', { name: 'Ada', at: 'noon' }, { delay: '1h' });
    const jobs = app.get(JobsTesting);
    expect(jobs).toHavePublished('greet', { name: expect.stringMatching('^A') });
    expect(jobs).not.toHavePublished('greet', { name: 'Bob' });
    expect(jobs).toHavePublishedTimes('greet', 1);
    expect(() => expect(jobs).toHavePublished('leave')).toThrow("{ name: 'Ada', at: 'noon' }");
    jest.useFakeTimers();
    expect(await jobs.advance('2h')).toMatchObject({ retried: 1, completed: 1 });
    jest.useRealTimers();
    expect(app.get(Ledger).lines).toEqual(['Ada, attempt 2']);
    await app.close();
  });

  it('is handled on a backend named by its URL', async () => {
    expect(await greet(`filer:${directory}`)).toEqual(['Ada, attempt 2']);
  });
});

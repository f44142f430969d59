import { Test } from '@nestjs/testing';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { PublisherService, type JobsModuleOptions } from 'nestjs-jobs';
import { filer } from 'nestjs-jobs/filer';
import { memory } from 'nestjs-jobs/memory';
import { AppModule, Ledger } from './app.module';

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

  it('is handled on a backend named by its URL', async () => {
    expect(await greet(`filer:${directory}`)).toEqual(['Ada, attempt 2']);
  });
});

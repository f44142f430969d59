import { NestFactory } from '@nestjs/core';
import { setTimeout as sleep } from 'node:timers/promises';
import { PublisherService, type JobsModuleOptions } from 'nestjs-jobs';
import { filer } from 'nestjs-jobs/filer';
import { memory } from 'nestjs-jobs/memory';
import { AppModule, Ledger } from './app.module';

const backends: Record<string, JobsModuleOptions['backend']> = {
  memory: memory(),
  filer: filer({ directory: 'var/jobs' }),
  'a URL': 'filer:var/others',
};

async function main(): Promise<void> {
  for (const [name, backend] of Object.entries(backends)) {
    const app = await NestFactory.createApplicationContext(AppModule.with(backend), { logger: ['error', 'fatal'] });
    await app.get(PublisherService).publish('greet', { name: 'Ada' });
    const { lines } = app.get(Ledger);
    while (lines.length === 0) await sleep(5);
    await app.close();
    console.log(`${name}: ${lines.join('; ')}`);
  }
  console.log('closed');

  // Nothing of a closed application may keep its process alive; this timer does not either.
  setTimeout(() => {
    console.log('still alive a second later');
    process.exit(1);
  }, 1000).unref();
}

void main();

import { Inject, Injectable, Module } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  JobEvents,
  JobHandler,
  JobsModule,
  PublisherService,
  type JobsModuleOptions,
  type JobsOptionsFactory,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { moduleOf, start, startJobs, until } from './application.js';

@Injectable()
@JobHandler('greet')
class Greet {
  readonly greeted: unknown[] = [];

  handle(payload: { name: string }): void {
    this.greeted.push(payload.name);
  }
}

@Injectable()
class Settings {
  readonly backend = memory();
}

@Module({ providers: [Settings], exports: [Settings] })
class SettingsModule {}

@Injectable()
class OptionsOfSettings implements JobsOptionsFactory {
  constructor(@Inject(Settings) private readonly settings: Settings) {}

  createJobsOptions(): JobsModuleOptions {
    return { backend: this.settings.backend };
  }
}

@Module({ imports: [SettingsModule], providers: [OptionsOfSettings], exports: [OptionsOfSettings] })
class OptionsModule {}

const ways = {
  forRoot: JobsModule.forRoot({ backend: memory() }),
  'forRootAsync with useFactory': JobsModule.forRootAsync({
    imports: [SettingsModule],
    inject: [Settings],
    useFactory: (settings: Settings) => ({ backend: settings.backend }),
  }),
  'forRootAsync with an asynchronous useFactory': JobsModule.forRootAsync({
    useFactory: () => Promise.resolve({ backend: 'memory:' }),
  }),
  'forRootAsync with useClass': JobsModule.forRootAsync({ imports: [SettingsModule], useClass: OptionsOfSettings }),
  'forRootAsync with useExisting': JobsModule.forRootAsync({
    imports: [OptionsModule],
    useExisting: OptionsOfSettings,
  }),
};

for (const [way, jobs] of Object.entries(ways)) {
  test(`a job is published and handled: ${way}`, async () => {
    const { app, publisher } = await start(moduleOf({ imports: [jobs], providers: [Greet] }));
    const job = await publisher.publish('greet', { name: 'Ada' });
    expect(job).toMatchObject({ name: 'greet', queue: 'default', priority: 1024, duplicate: false });
    const { greeted } = app.get(Greet);
    await until(() => greeted.length > 0, 'the job is handled');
    expect(greeted).toEqual(['Ada']);
  });
}

@Injectable()
class Orders {
  constructor(
    readonly publisher: PublisherService,
    readonly events: JobEvents,
  ) {}
}

test('any module injects the publisher and the events without importing anything', async () => {
  const { app, publisher, events } = await startJobs({ imports: [moduleOf({ providers: [Orders] }, 'OrdersModule')] });
  expect(app.get(Orders).publisher).toBe(publisher);
  expect(app.get(Orders).events).toBe(events);
});

for (const isGlobal of [false, undefined]) {
  test(`isGlobal: ${isGlobal}: modules that do not import it ${isGlobal === false ? 'do not see it' : 'see it'}`, async () => {
    const jobs = JobsModule.forRootAsync({ isGlobal, useFactory: () => ({ backend: memory() }) });
    const root = moduleOf({ imports: [jobs, moduleOf({ providers: [Orders] }, 'OrdersModule')] });
    if (isGlobal === false) await expect(start(root)).rejects.toThrow(/can't resolve dependencies of the Orders/);
    else await expect(start(root)).resolves.toBeDefined();
  });
}

test('isGlobal: false: a module that imports it sees it', async () => {
  const jobs = JobsModule.forRoot({ backend: memory(), isGlobal: false });
  const orders = moduleOf({ imports: [jobs], providers: [Orders] }, 'OrdersModule');
  const { app, publisher } = await start(moduleOf({ imports: [jobs, orders] }));
  expect(app.get(Orders).publisher).toBe(publisher);
});

const refused: Record<string, [() => unknown, RegExp]> = {
  'bad options': [
    () => start(moduleOf({ imports: [JobsModule.forRoot({ backend: memory(), consume: 'mail' as never })] })),
    /^JobsModule: consume: expected true, false or a list of queue names, got "mail"$/,
  ],
  'bad options of a factory': [
    () => start(moduleOf({ imports: [JobsModule.forRootAsync({ useFactory: () => ({ backend: undefined }) })] })),
    /^JobsModule: backend: expected what a factory such as filer/,
  ],
  'a factory that throws': [
    () => {
      const useFactory = (): JobsModuleOptions => {
        throw new Error('no such setting');
      };
      return start(moduleOf({ imports: [JobsModule.forRootAsync({ useFactory })] }));
    },
    /^no such setting$/,
  ],
  'no options': [
    () => start(moduleOf({ imports: [JobsModule.forRoot(undefined as never)] })),
    /^JobsModule: backend: expected .* got undefined$/,
  ],
  'the class alone': [
    () => start(moduleOf({ imports: [JobsModule] })),
    /import JobsModule\.forRoot\(\{ backend: … \}\)/,
  ],
  'forRootAsync without a way': [
    () => Promise.resolve().then(() => JobsModule.forRootAsync({})),
    /expected useFactory/,
  ],
  'isGlobal that is no boolean': [
    () => Promise.resolve().then(() => JobsModule.forRoot({ backend: memory(), isGlobal: 'no' as never })),
    /^JobsModule: isGlobal: expected true or false, got "no"$/,
  ],
  'two imports of forRoot': [
    () => {
      const second = moduleOf({ imports: [JobsModule.forRoot({ backend: memory() })] }, 'OrdersModule');
      return startJobs({ imports: [second] });
    },
    /^JobsModule is imported twice in one application/,
  ],
};

for (const [what, [boot, message]] of Object.entries(refused)) {
  test(`the application does not start: ${what}`, async () => {
    await expect(boot()).rejects.toThrow(message);
  });
}

test('two applications in one process do not disturb each other', async () => {
  const one = await startJobs({ providers: [Greet] });
  const other = await startJobs({ providers: [Greet] });
  const heard: string[] = [];
  one.events.on('completed', () => heard.push('one'));
  other.events.on('completed', () => heard.push('other'));

  await one.publisher.publish('greet', { name: 'Ada' });
  await until(() => heard.length > 0, 'the first application handles its job');
  await one.app.close();
  await other.publisher.publish('greet', { name: 'Grace' });
  await until(() => heard.length > 1, 'the second goes on');
  expect(heard).toEqual(['one', 'other']);
  expect(one.app.get(Greet).greeted).toEqual(['Ada']);
  expect(other.app.get(Greet).greeted).toEqual(['Grace']);
});

test('two applications that are given the same memory share its jobs', async () => {
  const backend = memory();
  const web = await startJobs({ providers: [Greet] }, { backend, consume: false });
  const worker = await startJobs({ providers: [Greet] }, { backend });
  await web.publisher.publish('greet', { name: 'Ada' });
  await until(() => worker.app.get(Greet).greeted.length > 0, 'the worker handles the job');
  expect(web.app.get(Greet).greeted).toEqual([]);
});

test('a testing module that is never initialized publishes and closes', async () => {
  const backend = memory();
  const compiled = await Test.createTestingModule({
    imports: [JobsModule.forRoot({ backend })],
    providers: [Greet],
  }).compile();
  await compiled.get(PublisherService).publish('greet', { name: 'Ada' });
  await compiled.close();
  expect(compiled.get(Greet).greeted).toEqual([]);

  const { app } = await startJobs({ providers: [Greet] }, { backend });
  await until(() => app.get(Greet).greeted.length > 0, 'the next application handles the job');
});

test('a testing module that is neither initialized nor used closes', async () => {
  const compiled = await Test.createTestingModule({ imports: [JobsModule.forRoot({ backend: memory() })] }).compile();
  await compiled.close();
});

import { Inject, Injectable, Module, type OnModuleDestroy } from '@nestjs/common';
import {
  getJobEventsToken,
  getJobsToken,
  getPublisherToken,
  InjectJobEvents,
  InjectJobs,
  InjectPublisher,
  JobEvents,
  JobHandler,
  JobsModule,
  JobsService,
  PublisherService,
  type JobsModuleOptions,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { gate, moduleOf, start, turns, until } from './application.js';

@JobHandler('send')
class Send {
  readonly payloads: unknown[] = [];

  handle(payload: unknown): void {
    this.payloads.push(payload);
  }
}

/** Handles the same name, of another instance. */
@JobHandler('send', { instance: 'reports', queue: 'reports' })
class SendReport {
  readonly payloads: unknown[] = [];

  handle(payload: unknown): void {
    this.payloads.push(payload);
  }
}

@Injectable()
class Orders {
  constructor(
    readonly publisher: PublisherService,
    readonly jobs: JobsService,
    readonly events: JobEvents,
    @InjectPublisher('reports') readonly reports: PublisherService,
    @InjectJobs('reports') readonly reportJobs: JobsService,
    @InjectJobEvents('reports') readonly reportEvents: JobEvents,
    @InjectPublisher() readonly unnamed: PublisherService,
  ) {}
}

@Module({ providers: [{ provide: 'SETTINGS', useValue: { reports: 'memory:' } }], exports: ['SETTINGS'] })
class SettingsModule {}

const ways = {
  forRoot: () => JobsModule.forRoot({ name: 'reports', backend: memory() }),
  forRootAsync: () =>
    JobsModule.forRootAsync({
      name: 'reports',
      imports: [SettingsModule],
      inject: ['SETTINGS'],
      useFactory: (settings: { reports: string }): JobsModuleOptions => ({ backend: settings.reports }),
    }),
};

for (const [way, reports] of Object.entries(ways)) {
  for (const order of ['before', 'behind'] as const) {
    test(`${way}: a named instance ${order} the default one has a backend, handlers and events of its own`, async () => {
      const both = [JobsModule.forRoot({ backend: memory() }), reports()];
      const orders = moduleOf({ providers: [Orders] }, 'OrdersModule');
      const imports = [...(order === 'before' ? both.reverse() : both), orders];
      const { app, publisher } = await start(moduleOf({ imports, providers: [Send, SendReport] }));
      const injected = app.get(Orders);
      expect(injected.publisher).toBe(publisher);
      expect(injected.unnamed).toBe(publisher);
      expect(injected.reports).toBe(app.get(getPublisherToken('reports')));
      expect(injected.reports).not.toBe(publisher);
      expect(app.get(getPublisherToken())).toBe(publisher);
      expect(app.get(getJobsToken('reports'))).toBe(injected.reportJobs);
      expect(app.get(getJobEventsToken('reports'))).toBe(injected.reportEvents);

      const heard: unknown[] = [];
      injected.events.on('completed', ({ job }) => heard.push(`default ${job.queue}`));
      injected.reportEvents.on('completed', ({ job }) => heard.push(`reports ${job.queue}`));
      await publisher.publish('send', 1);
      await until(() => heard.length === 1, 'the default instance handles its job');
      await injected.reports.publish('send', 2);
      await until(() => heard.length === 2, 'the other handles its own');
      expect(heard).toEqual(['default default', 'reports reports']);
      expect(app.get(Send).payloads).toEqual([1]);
      expect(app.get(SendReport).payloads).toEqual([2]);
    });
  }
}

test('each instance drains its own queues', async () => {
  const options = { consume: false, backend: 'memory:' };
  const imports = [JobsModule.forRoot(options), JobsModule.forRoot({ ...options, name: 'reports' })];
  const { app, publisher } = await start(moduleOf({ imports, providers: [Orders, Send, SendReport] }));
  const { reports, jobs, reportJobs } = app.get(Orders);
  await publisher.publish('send', 1);
  await reports.publish('send', 2);
  expect(await jobs.drain({ idle: 50 })).toMatchObject({ completed: 1 });
  expect(app.get(SendReport).payloads).toEqual([]);
  expect(await reportJobs.drain({ idle: 50 })).toMatchObject({ completed: 1 });
  await expect(jobs.drain({ queues: ['reports'] })).rejects.toThrow(/\(default\), got the unknown queue "reports"/);
});

test('an application may have named instances alone', async () => {
  const imports = [JobsModule.forRoot({ name: 'reports', backend: memory() })];
  const { app } = await start(moduleOf({ imports, providers: [SendReport] }), undefined, 'reports');
  await app.get<PublisherService>(getPublisherToken('reports')).publish('send', 1);
  await until(() => app.get(SendReport).payloads.length === 1, 'it is handled');
});

test('what is logged names the instance', async () => {
  const imports = [
    JobsModule.forRoot({ backend: memory() }),
    JobsModule.forRoot({ name: 'reports', backend: memory() }),
  ];
  @JobHandler('fail', { instance: 'reports', attempts: 1 })
  class Fail {
    handle(): void {
      throw new Error('so it was asked');
    }
  }
  const { app, lines } = await start(moduleOf({ imports, providers: [Fail, Send] }));
  const reports = app.get<PublisherService>(getPublisherToken('reports'));
  await reports.publish('fail', null, { id: 'x' });
  await until(() => lines.ofJobs('error').length > 0, 'the failure is logged');
  expect(lines.ofJobs('log')).toEqual(
    expect.arrayContaining([
      'Mapped {send} to Send, queue "default"',
      'Mapped {fail} to Fail, queue "default" of instance "reports"',
    ]),
  );
  expect(lines.ofJobs('error')).toEqual([
    'Job "fail" with id "x" of queue "default" of instance "reports", attempt 1 of 1, failed: its only attempt has failed: Error: so it was asked',
  ]);
  expect(lines.ofDurability()).toEqual(
    expect.arrayContaining([expect.stringMatching(/^memory keeps jobs .* \(instance "reports"\)$/)]),
  );
});

test('all instances stop taking jobs at once, before any other onModuleDestroy, and publish to the end', async () => {
  const happened: string[] = [];
  const { opened, open } = gate();

  @Injectable()
  class Database implements OnModuleDestroy {
    onModuleDestroy(): void {
      happened.push('the database goes');
    }
  }

  @JobHandler('slow')
  class Slow {
    constructor(@InjectPublisher('reports') private readonly reports: PublisherService) {}

    async handle(): Promise<void> {
      happened.push('slow begins');
      await opened;
      await this.reports.publish('send', 'of a closing handler');
      happened.push('slow ends');
    }
  }

  @JobHandler('slow_report', { instance: 'reports' })
  class SlowReport {
    constructor(@Inject(PublisherService) private readonly publisher: PublisherService) {}

    async handle(): Promise<void> {
      happened.push('slow report begins');
      await opened;
      await this.publisher.publish('send', 'of another');
      happened.push('slow report ends');
    }
  }

  const kept = [memory(), memory()] as const;
  const imports = [
    JobsModule.forRoot({ backend: kept[0] }),
    JobsModule.forRoot({ name: 'reports', backend: kept[1] }),
    { module: moduleOf({}, 'DatabaseModule'), global: true, providers: [Database], exports: [Database] },
  ];
  const { app, publisher } = await start(moduleOf({ imports, providers: [Slow, SlowReport, Send, SendReport] }));
  const reports = app.get<PublisherService>(getPublisherToken('reports'));
  await publisher.publish('slow');
  await reports.publish('slow_report');
  await until(() => happened.length === 2, 'both have begun');
  const closed = app.close();
  await turns();
  // Whichever stops last must not go on taking jobs while the first one's are still running.
  await publisher.publish('send', 'too late');
  await reports.publish('send', 'too late');
  open();
  await closed;
  expect(happened.slice(2, 4).toSorted()).toEqual(['slow ends', 'slow report ends']);
  expect(happened.slice(4)).toEqual(['the database goes']);
  expect(app.get(Send).payloads).toEqual([]);
  expect(app.get(SendReport).payloads).toEqual([]);
  await expect(reports.publish('send')).rejects.toThrow(/the application has closed/);
});

test('two applications with instances of the same names do not disturb each other', async () => {
  const root = (): new () => object =>
    moduleOf({
      imports: [JobsModule.forRoot({ backend: memory() }), JobsModule.forRoot({ name: 'reports', backend: memory() })],
      providers: [Send, SendReport],
    });
  const one = await start(root());
  const other = await start(root());
  await one.app.close();
  await other.app.get<PublisherService>(getPublisherToken('reports')).publish('send', 1);
  await until(() => other.app.get(SendReport).payloads.length === 1, 'the second goes on');
  expect(one.app.get(SendReport).payloads).toEqual([]);
});

const named = (name: string): unknown => JobsModule.forRoot({ name, backend: memory() });
const refused: Record<string, [() => unknown[], RegExp]> = {
  'two instances of one name': [
    () => [named('reports'), named('reports')],
    /^JobsModule "reports" is imported twice in one application\. Import JobsModule\.forRoot\(\{ name: 'reports', … \}\) once/,
  ],
  'the default one and one named default': [
    () => [JobsModule.forRoot({ backend: memory() }), named('default'), named('reports')],
    /^JobsModule is imported twice in one application/,
  ],
  'a handler of an instance that there is not': [
    () => [JobsModule.forRoot({ backend: memory() }), named('mail')],
    /^SendReport in AppModule handles job "send", but this application has no instance "reports" of JobsModule, only the default one, "mail"\. Import JobsModule\.forRoot\(\{ name: 'reports'/,
  ],
  'a handler without an instance where all have names': [
    () => [named('reports'), named('mail')],
    /^Send in AppModule handles job "send", but this application has no default instance of JobsModule, only "reports", "mail"\./,
  ],
  'bad options of a named one': [
    () => [JobsModule.forRoot({ name: 'reports', backend: memory(), consume: 'mail' as never })],
    /^JobsModule "reports": consume: expected true, false or a list of queue names, got "mail"$/,
  ],
  'a name that is none': [() => [named('a b')], /^JobsModule: name: instance name: expected 1 to 100 of .* got "a b"$/],
};

for (const [what, [imports, message]] of Object.entries(refused)) {
  test(`the application does not start: ${what}`, async () => {
    const boot = async (): Promise<unknown> =>
      start(moduleOf({ imports: imports() as never[], providers: [SendReport, Send] }));
    await expect(boot()).rejects.toThrow(message);
  });
}

test('an instance that can’t start closes what the others have opened already', async () => {
  let closed = 0;
  const backend = memory();
  const watched = {
    name: 'watched',
    open: async (context: Parameters<typeof backend.open>[0]) => {
      const opened = await backend.open(context);
      opened.close = () => Promise.resolve(void (closed += 1));
      return opened;
    },
  };
  @Injectable()
  class Early {
    constructor(publisher: PublisherService) {
      void publisher.publish('send', 1);
    }
  }
  const imports = [JobsModule.forRoot({ backend: watched }), named('mail')] as never[];
  await expect(start(moduleOf({ imports, providers: [Early, SendReport] }))).rejects.toThrow(/no instance "reports"/);
  expect(closed).toBe(1);
});

test('a bad instance in a decorator is refused', () => {
  expect(() => JobHandler('x', { instance: 'a b' })(Send)).toThrow(
    /^@JobHandler\("x"\) on Send: options\.instance: instance name: expected 1 to 100/,
  );
});

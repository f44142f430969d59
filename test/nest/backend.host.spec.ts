import { hostname } from 'node:os';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  JobHandler,
  JobsModule,
  PublishError,
  PublisherService,
  type Backend,
  type BackendContext,
  type BackendDescription,
  type BackendTraits,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { moduleOf, startJobs, until } from './application.js';

/** A memory that tells how often it was opened and closed. */
class Watched implements BackendDescription {
  readonly name = 'watched';
  readonly contexts: BackendContext[] = [];
  closed = 0;
  private readonly memory = memory();

  async open(context: BackendContext): Promise<Backend> {
    this.contexts.push(context);
    const backend = await this.memory.open(context);
    const close = backend.close.bind(backend);
    backend.close = () => {
      this.closed += 1;
      return close();
    };
    return backend;
  }
}

@JobHandler('note', { queue: 'notes' })
class Note {
  readonly payloads: unknown[] = [];

  handle(payload: unknown): void {
    this.payloads.push(payload);
  }
}

@Injectable()
class Early implements OnModuleInit {
  constructor(private readonly publisher: PublisherService) {}

  async onModuleInit(): Promise<void> {
    await Promise.all([this.publisher.publish('note', 1), this.publisher.publish('note', 2)]);
  }
}

test('a description is opened once, whoever is first, and closed at the end', async () => {
  const backend = new Watched();
  const { app } = await startJobs({ providers: [Early, Note] }, { backend, queues: { extra: {} } });
  await until(() => app.get(Note).payloads.length === 2, 'both are handled');
  expect(backend.contexts).toMatchObject([{ worker: `${hostname()}:${process.pid}`, queues: ['notes', 'extra'] }]);
  expect(backend.closed).toBe(0);
  await app.close();
  expect(backend.closed).toBe(1);
});

test('it is opened at the start also where this process only publishes', async () => {
  const backend = new Watched();
  const { app } = await startJobs({}, { backend, consume: false });
  expect(backend.contexts).toMatchObject([{ queues: [] }]);
  await app.close();
  expect(backend.closed).toBe(1);
});

test('what a backend warns of is logged', async () => {
  const backend = new Watched();
  const { lines } = await startJobs({}, { backend });
  backend.contexts[0]?.warn('the disk is nearly full');
  expect(lines.ofJobs('warn')).toEqual(['the disk is nearly full']);
});

test('an object that keeps the contract is used as it is and not closed', async () => {
  const watched = new Watched();
  const backend = await watched.open({ worker: 'test', queues: [], warn: () => undefined });
  for (const count of [1, 2]) {
    const { app, publisher } = await startJobs({ providers: [Note] }, { backend });
    await publisher.publish('note', count);
    const { payloads } = app.get(Note);
    await until(() => payloads.length > 0, 'the job is handled');
    expect(payloads).toEqual([count]);
    await app.close();
  }
  expect(watched.closed).toBe(0);
  await backend.close();
});

const safety: [durability: BackendTraits['durability'], line: string][] = [
  ['none', 'memory keeps jobs in memory only: they are gone when it ends'],
  ['process', 'memory keeps jobs when processes end or are killed; a power cut may cost the latest'],
  ['power cut', 'memory keeps jobs even through a power cut'],
];

for (const [durability, line] of safety) {
  test(`the log tells once at the start how safe jobs are: ${durability}`, async () => {
    const backend: BackendDescription = {
      name: 'memory',
      async open(context) {
        const opened = await memory().open(context);
        return Object.assign(Object.create(opened) as Backend, { traits: { ...opened.traits, durability } });
      },
    };
    const { lines, publisher } = await startJobs({}, { backend });
    await publisher.publish('note');
    expect(lines.ofDurability()).toEqual([line]);
  });
}

const failing = (open: () => Promise<unknown>): BackendDescription => ({ name: 'odd', open: open as never });

const unusable: [what: string, BackendDescription, RegExp][] = [
  [
    'can’t be opened',
    failing(() => Promise.reject(new Error('no such host'))),
    /^The backend odd could not be opened: no such host$/,
  ],
  ['throws what is no error', failing(() => Promise.reject('no')), /^The backend odd could not be opened: .*"no"/],
  [
    'throws at once',
    failing(() => {
      throw new Error('broken');
    }),
    /^The backend odd could not be opened: broken$/,
  ],
  [
    'opens as something else',
    failing(() => Promise.resolve({ traits: {} })),
    /^The backend odd could not be opened: open: expected an object that keeps the contract Backend, got one without pub/,
  ],
];

for (const [what, backend, message] of unusable) {
  test(`the application does not start with a backend that ${what}`, async () => {
    await expect(startJobs({}, { backend })).rejects.toThrow(message);
  });
}

test('a publish that finds the backend unusable rejects with a PublishError, and the next tries again', async () => {
  const watched = new Watched();
  let tries = 0;
  const backend: BackendDescription = {
    name: 'odd',
    open: (context) => (++tries === 1 ? Promise.reject(new Error('not yet')) : watched.open(context)),
  };
  const said: unknown[] = [];
  @Injectable()
  class Impatient implements OnModuleInit {
    constructor(private readonly publisher: PublisherService) {}

    async onModuleInit(): Promise<void> {
      await this.publisher.publish('note').catch((error: unknown) => said.push(error));
    }
  }
  await startJobs({ providers: [Impatient] }, { backend });
  expect(said[0]).toBeInstanceOf(PublishError);
  expect(said[0]).toMatchObject({ message: 'not published: The backend odd could not be opened: not yet' });
  expect(tries).toBe(2);
});

test('a backend that was opened before the start failed is closed', async () => {
  const backend = new Watched();
  const eager = {
    provide: 'EAGER',
    inject: [PublisherService],
    useFactory: (publisher: PublisherService) => publisher.publish('note'),
  };
  const twice = { provide: 'AGAIN', useClass: Note };
  await expect(startJobs({ providers: [Note, twice, eager] }, { backend })).rejects.toThrow(/has two handlers/);
  expect(backend.contexts).toHaveLength(1);
  expect(backend.closed).toBe(1);
});

test('closing an application whose start has failed elsewhere closes the backend', async () => {
  const backend = new Watched();
  const broken = { provide: 'BROKEN', useValue: { onApplicationBootstrap: () => Promise.reject(new Error('broken')) } };
  const app = await NestFactory.create(moduleOf({ imports: [JobsModule.forRoot({ backend })], providers: [broken] }), {
    logger: false,
  });
  await expect(app.init()).rejects.toThrow('broken');
  await app.close();
  expect(backend.closed).toBe(1);
});

test('a backend that fails to close is logged, and the application closes', async () => {
  const backend = failing(async () => {
    const opened = await memory().open({ worker: 'test', queues: [], warn: () => undefined });
    opened.close = () => Promise.reject(new Error('stuck'));
    return opened;
  });
  const { app, lines } = await startJobs({}, { backend });
  await app.close();
  expect(lines.ofJobs('error')).toEqual(['memory could not be closed: stuck']);
});

test('a publish on its way is waited for before the backend is closed', async () => {
  const watched = new Watched();
  const order: string[] = [];
  const backend = failing(async () => {
    const opened = await watched.open({ worker: 'test', queues: [], warn: () => undefined });
    const publish = opened.publish.bind(opened);
    opened.publish = async (...args) => {
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      order.push('stored');
      return publish(...args);
    };
    const close = opened.close.bind(opened);
    opened.close = () => {
      order.push('closed');
      return close();
    };
    return opened;
  });
  const { app, publisher } = await startJobs({}, { backend });
  const published = publisher.publish('note');
  await app.close();
  expect(order).toEqual(['stored', 'closed']);
  await expect(published).resolves.toMatchObject({ name: 'note' });
});

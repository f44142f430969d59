import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { JobHandler, JobsModule, PublisherService, type Job } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, onTestFinished, test } from 'vitest';
import { moduleOf, startJobs, until, type Application } from './application.js';
import { InheritedNotes, Journal, Note, Notes, NotesController, Undecorated } from './notes.js';

async function handled({ app, publisher }: Application, name = 'note'): Promise<unknown[]> {
  await publisher.publish(name, 'x');
  const { kept } = app.get(Journal);
  await until(() => kept.length > 0, `${name} is handled`);
  return kept;
}

const journal = new Journal();
const inModule = (metadata: ModuleMetadata): ModuleMetadata => ({
  imports: [moduleOf({ ...metadata, providers: [...(metadata.providers ?? []), Journal] }, 'NotesModule')],
});
const symbol = Symbol('note');

const found: Record<string, ModuleMetadata> = {
  'a class': { providers: [Note, Journal] },
  'a class of another module': inModule({ providers: [Note] }),
  'a class of a dynamic module': {
    imports: [{ module: moduleOf({}, 'NotesModule'), providers: [Note, Journal] }],
  },
  'a class by another token': { providers: [Journal, { provide: 'NOTE', useClass: Note }] },
  'a class that stands in the place of a decorated one': {
    providers: [Journal, { provide: Note, useClass: Undecorated }],
  },
  'a class that stands in the place of a decorated one by an alias': {
    providers: [Journal, Undecorated, { provide: Note, useExisting: Undecorated }],
  },
  'a factory': {
    providers: [Journal, { provide: 'NOTE', inject: [Journal], useFactory: (kept: Journal) => new Note(kept) }],
  },
  'an asynchronous factory': {
    providers: [
      Journal,
      { provide: symbol, inject: [Journal], useFactory: (kept: Journal) => Promise.resolve(new Note(kept)) },
    ],
  },
  'a value': {
    providers: [
      { provide: Journal, useValue: journal },
      { provide: 'NOTE', useValue: new Note(journal) },
    ],
  },
  'an alias beside its class': { providers: [Note, Journal, { provide: 'NOTE', useExisting: Note }] },
  'one instance provided twice': {
    providers: [Note, Journal, { provide: 'NOTE', inject: [Note], useFactory: (note: Note) => note }],
  },
  'a method': { providers: [Notes, Journal] },
  'a method of a value': {
    providers: [
      { provide: Journal, useValue: journal },
      { provide: 'NOTES', useValue: new Notes(journal) },
    ],
  },
  'an inherited method': { providers: [InheritedNotes, Journal] },
  'a method of a controller': { providers: [Journal], controllers: [NotesController] },
  'a method of a controller of another module': inModule({ controllers: [NotesController] }),
  'a factory that provides nothing, beside another': {
    providers: [Notes, Journal, { provide: Note, useFactory: () => null }],
  },
};

for (const [what, metadata] of Object.entries(found)) {
  test(`found: ${what}`, async () => {
    journal.kept.length = 0;
    const application = await startJobs(metadata);
    expect((await handled(application))[0]).toBe('x');
    expect(application.lines.ofJobs('log')).toEqual([
      expect.stringMatching(
        /^Mapped \{note\} to (Note|Notes\.keep|InheritedNotes\.keep|NotesController\.note), queue "default"$/,
      ),
    ]);
  });
}

test('a class may handle jobs of several names, by its own and by its methods', async () => {
  @Injectable()
  @JobHandler('one')
  @JobHandler('two')
  class Several {
    constructor(readonly journal: Journal) {}

    handle(_payload: unknown, job: Job): void {
      this.journal.kept.push(job.name);
    }

    @JobHandler('three')
    @JobHandler('four')
    also(_payload: unknown, job: Job): void {
      this.journal.kept.push(job.name);
    }
  }
  const { app, publisher } = await startJobs({ providers: [Several, Journal] });
  const names = ['one', 'two', 'three', 'four'];
  await publisher.publishMany(names.map((name) => ({ name })));
  const { kept } = app.get(Journal);
  await until(() => kept.length === 4, 'all are handled');
  expect(new Set(kept)).toEqual(new Set(names));
});

test('a class that extends a decorated one, or overrides a decorated method, is no handler', async () => {
  class Overriding extends Notes {
    override keep(): void {}
  }
  const { lines } = await startJobs({ providers: [Journal, Undecorated, Overriding] });
  expect(lines.ofJobs('log')).toEqual([]);
});

test('a decorated class under the token of another handles what it says itself', async () => {
  @JobHandler('memo')
  class Memo {
    handle(): void {}
  }
  const { lines } = await startJobs({ providers: [{ provide: Note, useClass: Memo }] });
  expect(lines.ofJobs('log')).toEqual(['Mapped {memo} to Memo, queue "default"']);
});

test('what a test puts in the place of a handler handles its jobs', async () => {
  const kept: unknown[] = [];
  const app = await Test.createTestingModule({
    imports: [JobsModule.forRoot({ backend: memory() })],
    providers: [Note],
  })
    .useMocker(() => ({}))
    .overrideProvider(Note)
    .useValue({ handle: (payload: unknown) => void kept.push(payload) })
    .compile();
  onTestFinished(() => app.close());
  await app.init();
  await app.get(PublisherService).publish('note', 'x');
  await until(() => kept.length > 0, 'the stand-in handles the job');
  expect(kept).toEqual(['x']);
});

test('it starts with what is no handler at all among the providers', async () => {
  const strange: unknown[] = [
    undefined,
    null,
    0,
    'text',
    Note,
    [new Note(journal)],
    Object.create(null),
    new Proxy({}, {}),
  ];
  const providers = strange.map((useValue, index) => ({ provide: `strange ${index}`, useValue }));
  const { app, lines } = await startJobs({ providers });
  expect(app.get(ModuleRef)).toBeDefined();
  expect(lines.ofJobs()).toEqual([]);
});

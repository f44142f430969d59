import { Controller, Scope, type ModuleMetadata } from '@nestjs/common';
import { JobHandler } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { moduleOf, startJobs } from './application.js';
import { InheritedNotes, Journal, Note, Notes, NotesController } from './notes.js';

@Controller({ scope: Scope.REQUEST })
class RequestController {
  @JobHandler('note')
  note(): void {}
}

class Handleless {}
JobHandler('note')(Handleless as never);

class TwoMethods {
  @JobHandler('note')
  one(): void {}

  @JobHandler('note')
  two(): void {}
}

class Ring {
  @JobHandler('note', { forwardTo: 'copy' })
  note(): void {}

  @JobHandler('copy', { forwardTo: 'note' })
  copy(): void {}
}

const refused: Record<string, [ModuleMetadata, ...RegExp[]]> = {
  'two handlers for one name': [
    { providers: [Note, Notes, Journal] },
    /^Job "note" has two handlers: Note in AppModule and Notes\.keep in AppModule\./,
    /give one of them another name, or remove it\.$/,
  ],
  'a handler and a controller for one name': [
    { providers: [Note, Journal], controllers: [NotesController] },
    /Note in AppModule and NotesController\.note in AppModule/,
  ],
  'two methods for one name': [
    { providers: [TwoMethods] },
    /TwoMethods\.one in AppModule and TwoMethods\.two in AppModule/,
  ],
  'a class in two modules': [
    { imports: [moduleOf({ providers: [Note, Journal] }, 'NotesModule')], providers: [Note, Journal] },
    /^Job "note" has two handlers: Note in (AppModule and Note in NotesModule|NotesModule and Note in AppModule)\./,
    /provide it in one, and export it from there\.$/,
  ],
  'a base class and its inherited method': [
    { providers: [Notes, InheritedNotes, Journal] },
    /Notes\.keep in AppModule and InheritedNotes\.keep in AppModule/,
  ],
  'a class without handle': [
    { providers: [Handleless] },
    /^Handleless in AppModule handles job "note", but has no method handle\(payload, job\)\./,
  ],
  'a stand-in without handle': [
    { providers: [{ provide: Note, useValue: {} }] },
    /^Note in AppModule handles job "note", but has no method handle/,
  ],
  'jobs that forward to each other in a ring': [
    { providers: [Ring] },
    /^Ring\.note: forwardTo: expected jobs that come to an end, got "note" → "copy" → "note"\..* return forward\(…\)/,
  ],
  'a request-scoped controller': [
    { controllers: [RequestController] },
    /^RequestController\.note in AppModule handles job "note", but .* Move it to a provider/,
  ],
};

for (const [what, [metadata, ...messages]] of Object.entries(refused)) {
  test(`the application does not start: ${what}`, async () => {
    const message = await startJobs(metadata).then(
      () => 'it started',
      (error: Error) => error.message,
    );
    for (const expected of messages) expect(message).toMatch(expected);
  });
}

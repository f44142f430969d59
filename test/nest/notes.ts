import { Controller, Injectable } from '@nestjs/common';
import { JobHandler, type Job } from 'nestjs-jobs';

@Injectable()
export class Journal {
  readonly kept: unknown[] = [];
}

@Injectable()
@JobHandler('note')
export class Note {
  constructor(readonly journal: Journal) {}

  handle(payload: unknown): void {
    this.journal.kept.push(payload);
  }
}

@Injectable()
export class Notes {
  constructor(readonly journal: Journal) {}

  @JobHandler('note')
  keep(payload: unknown, job: Job): void {
    this.journal.kept.push(payload, job.name);
  }
}

@Controller()
export class NotesController {
  constructor(readonly journal: Journal) {}

  @JobHandler('note')
  note(payload: unknown): void {
    this.journal.kept.push(payload);
  }
}

export class InheritedNotes extends Notes {}

export class Undecorated extends Note {}

import { join } from 'node:path';
import { Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type Job, JobEvents } from 'nestjs-jobs';
import { BoundedMap } from './bounded-map.js';
import { JsonLines } from './json-lines.js';
import { config } from './shop.config.js';

/** `waiting` is shown as `delayed` while `readyAt` lies ahead. */
interface LedgerEntry {
  id: string;
  name: string;
  state: 'waiting' | 'active' | 'completed' | 'failed' | 'expired';
  readyAt?: number;
}

/**
 * The shop's own memory of its jobs, for customers who ask what became of theirs. It learns of them by the events, which
 * come after the fact: a kill -9 in between keeps one from being heard. So it is also told, by the interceptor `Once`,
 * as soon as a job's work is done. What is completed stays so, even where a crash makes its queue hand the job out again.
 */
@Injectable()
export class JobLedger implements OnModuleInit, OnApplicationShutdown {
  private readonly entries = new BoundedMap<string, LedgerEntry>(100_000);
  /** The key of the last entry of an id. */
  private readonly last = new BoundedMap<string, string>(100_000);
  private file?: JsonLines<LedgerEntry>;
  private subscriptions: (() => void)[] = [];

  constructor(private readonly events: JobEvents) {}

  async onModuleInit(): Promise<void> {
    this.file = new JsonLines(join(config.data, 'jobs.jsonl'));
    for await (const entry of this.file.read()) {
      // What was active when the shop was killed is so no more: it waits to be handed out again.
      this.keep(entry.state === 'active' ? { ...entry, state: 'waiting' } : entry);
    }
    this.subscribe();
  }

  onApplicationShutdown(): void {
    for (const unsubscribe of this.subscriptions) unsubscribe();
    this.file?.close();
  }

  /** Of a job that went on as others, the last of them. */
  find(id: string): { id: string; name: string; state: string } | undefined {
    const entry = this.entries.get(this.last.get(id) ?? '');
    if (!entry) return undefined;
    const { name, state, readyAt = 0 } = entry;
    return { id, name, state: state === 'waiting' && readyAt > Date.now() ? 'delayed' : state };
  }

  isCompleted(job: JobName): boolean {
    return this.entries.get(keyOf(job))?.state === 'completed';
  }

  /** Synchronous: once it returns, it is known even after a kill -9. */
  noteCompleted(job: Job): void {
    this.note(job, 'completed');
  }

  private subscribe(): void {
    const { events } = this;
    this.subscriptions = [
      events.on('published', (job) => {
        // A worker may have been faster than this event.
        if (!this.entries.get(keyOf(job))) this.note(job, 'waiting', job.readyAt);
      }),
      events.on('started', ({ job }) => this.note(job, 'active')),
      events.on('retried', ({ job, at }) => this.note(job, 'waiting', at)),
      events.on('blocked', ({ job, at }) => this.note(job, 'waiting', at)),
      events.on('handedBack', ({ job, at }) => this.note(job, 'waiting', at)),
      events.on('completed', ({ job }) => this.note(job, 'completed')),
      events.on('failed', ({ job }) => this.note(job, 'failed')),
      events.on('expired', ({ job }) => this.note(job, 'expired')),
    ];
  }

  private note(job: JobName, state: LedgerEntry['state'], readyAt?: Date): void {
    if (this.isCompleted(job)) return;
    const entry = { id: job.id, name: job.name ?? 'unknown', state, readyAt: readyAt?.getTime() };
    this.keep(entry);
    this.file?.append(entry);
  }

  private keep(entry: LedgerEntry): void {
    const key = keyOf(entry);
    // The next job is published before its predecessor is told to be completed.
    if (!this.entries.get(key)) this.last.set(entry.id, key);
    this.entries.set(key, entry);
  }
}

/** A job that goes on as another keeps its id. */
interface JobName {
  readonly id: string;
  readonly name: string | undefined;
}

function keyOf({ id, name }: JobName): string {
  return `${id} ${name}`;
}

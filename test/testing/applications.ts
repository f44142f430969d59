import { Injectable, Module, type DynamicModule } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { INestApplication } from '@nestjs/common';
import {
  BlockedError,
  FatalError,
  JobHandler,
  JobsModule,
  PublisherService,
  TransientError,
  type Job,
  type JobsModuleOptions,
} from 'nestjs-jobs';
import { JobsTesting, JobsTestingModule, type JobsTestingOptions } from 'nestjs-jobs/testing';
import { onTestFinished } from 'vitest';

/** What the shop's handlers did. */
@Injectable()
export class Journal {
  readonly lines: string[] = [];
}

@Injectable()
@JobHandler('order', { queue: 'orders' })
export class Order {
  constructor(
    private readonly publisher: PublisherService,
    private readonly journal: Journal,
  ) {}

  async handle({ to }: { to: string }): Promise<void> {
    this.journal.lines.push(`order of ${to}`);
    await this.publisher.publish('mail', { to, subject: 'Thanks' });
    await this.publisher.publish('mail', { to, subject: 'How was it?' }, { delay: '3 days' });
  }
}

@Injectable()
@JobHandler('mail', { queue: 'mail', attempts: 3, backoff: { kind: 'fixed', base: '1m', jitter: 0 } })
export class Mail {
  constructor(private readonly journal: Journal) {}

  handle({ to, subject }: { to: string; subject?: string }, job: Job): { sentAs: string } {
    if (to === 'busy') throw new TransientError('the mailbox is busy', { retryIn: '30s' });
    if (to === 'nobody') throw new FatalError('no such mailbox');
    if (to === 'blocked') throw new BlockedError('no invoice yet', { retryIn: '5m' });
    if (to === 'broken') throw new Error('a fault');
    this.journal.lines.push(`mail to ${to}: ${subject ?? ''}, attempt ${job.attempt}`);
    return { sentAs: job.id };
  }
}

/** Ends only when its signal aborts. */
@JobHandler('endless', { timeout: '1m', attempts: 1 })
export class Endless {
  async handle(_: unknown, job: Job): Promise<void> {
    await new Promise((resolve) => job.signal.addEventListener('abort', resolve, { once: true }));
  }
}

@Module({ providers: [Journal, Order, Mail, Endless], exports: [Journal] })
export class ShopModule {
  /** As in production: on an engine that no test may open. */
  static on(...instances: (Partial<JobsModuleOptions> & { name?: string })[]): DynamicModule {
    const all = instances.length > 0 ? instances : [{}];
    return {
      module: ShopModule,
      imports: all.map((options) => JobsModule.forRoot({ backend: 'redis://127.0.0.1:1', ...options })),
    };
  }
}

export interface Tested {
  readonly app: INestApplication;
  readonly jobs: JobsTesting;
  readonly publisher: PublisherService;
  readonly lines: string[];
}

/** A started shop under test; closed when the test is over. */
export async function shop(options?: JobsTestingOptions, module: DynamicModule = ShopModule.on()): Promise<Tested> {
  const testing = options ? JobsTestingModule.forRoot(options) : JobsTestingModule;
  const compiled = await Test.createTestingModule({ imports: [module, testing] }).compile();
  const app = await compiled.createNestApplication({ logger: false }).init();
  onTestFinished(() => app.close());
  return { app, jobs: app.get(JobsTesting), publisher: app.get(PublisherService), lines: app.get(Journal).lines };
}

import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { Backend } from '../core/backend.js';
import { Consumer } from '../core/consumer.js';
import { JobEvents } from '../core/events.js';
import { drain, type DrainedJobs } from '../core/drain.js';
import type { QueuePlan } from '../core/queue-loop.js';
import { BackendHost } from './backend.host.js';
import { OutermostHooks } from './hook-order.js';
import { JobHandlerExplorer } from './job-handler.explorer.js';
import { logger } from './jobs.logger.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { PublisherService } from './publisher.service.js';
import { drainPlans, queueOf, queuePlans } from './queue-plans.js';

/** When the application's signals are looked at: users hook them before or after `listen`, but not much later. */
const SIGNAL_CHECK_MS = 1_000;

/**
 * The module's life, in the order in which Nest goes through it:
 *
 * 1. before every other `onModuleInit`: find the handlers, since what is published from then on asks for their queues
 * 2. after every other `onModuleInit`: open the backend, unless somebody has published by then
 * 3. after every other `onApplicationBootstrap`: take jobs
 * 4. before every other `onModuleDestroy`: take no more, let the running ones finish or hand them back
 * 5. after every other `onApplicationShutdown`: let the last publishers finish, close the backend
 */
@Injectable()
export class ConsumerHost implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private consumer: Consumer | undefined;
  private signalCheck: NodeJS.Timeout | undefined;
  private started = false;
  private stopping = false;
  private stopped: Promise<void> | undefined;

  constructor(
    @Inject(JOBS_SETTINGS) private readonly settings: JobsSettings,
    @Inject(BackendHost) private readonly backend: BackendHost,
    @Inject(JobHandlerExplorer) private readonly explorer: JobHandlerExplorer,
    @Inject(PublisherService) private readonly publisher: PublisherService,
    @Inject(JobEvents) private readonly events: JobEvents,
    @Inject(OutermostHooks) outermost: OutermostHooks,
  ) {
    outermost.beforeAllOthers(() => this.explore());
    outermost.afterAllOthers(() => this.close());
  }

  async onModuleInit(): Promise<void> {
    // Nest 11 closes an application whose start is still under way without waiting for it.
    if (!this.stopping) await this.backend.open();
  }

  async onApplicationBootstrap(): Promise<void> {
    const queues = queuePlans(this.explorer.handlers.all(), this.settings);
    this.started = true;
    if (queues.length === 0 || this.stopping) return;
    const consumer = this.consumerOn(await this.backend.open());
    if (this.stopping) return;
    this.logHandlers(queues);
    consumer.open(queues);
    this.signalCheck = setTimeout(checkSignals, SIGNAL_CHECK_MS).unref();
  }

  /**
   * Handles what is due in these queues, by default all that this process may read.
   *
   * @throws Error where the application has not started yet or has closed, or a queue is none of this process
   */
  async drain(queues: readonly string[] | undefined, idleMs: number): Promise<DrainedJobs> {
    if (!this.started) throw new Error('drain: the application has not started yet: await app.init() first');
    const plans = drainPlans(this.explorer.handlers.all(), this.settings, queues);
    const backend = await this.backend.open();
    if (this.stopping) throw new Error('drain: the application has closed');
    return drain(this.consumerOn(backend), plans, idleMs);
  }

  async onModuleDestroy(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.signalCheck);
    this.stopped ??= this.consumer?.stop(this.settings.shutdownGraceMs);
    await this.stopped;
  }

  private consumerOn(backend: Backend): Consumer {
    const { settings, events } = this;
    const handlers = this.explorer.handlers.all();
    return (this.consumer ??= new Consumer({ ...settings, backend, handlers, queues: [], events, reporter: logger }));
  }

  private async explore(): Promise<void> {
    try {
      this.explorer.explore();
    } catch (error) {
      // A constructor or a factory may have published already.
      await this.close();
      throw error;
    }
  }

  /** Never rejects. */
  private async close(): Promise<void> {
    await this.publisher.close();
    await this.backend.close();
  }

  private logHandlers(plans: readonly QueuePlan[]): void {
    const read = new Set(plans.map((plan) => plan.name));
    for (const handler of this.explorer.handlers.all()) {
      const queue = queueOf(handler, this.settings);
      const elsewhere = read.has(queue) ? '' : ', which this process does not read';
      logger.log(`Mapped {${handler.name}} to ${handler.origin}, queue "${queue}"${elsewhere}`);
    }
  }
}

function checkSignals(): void {
  if (process.listenerCount('SIGTERM') > 0) return;
  logger.warn(
    'Nothing listens for SIGTERM, so that a deploy would kill running jobs: they run again, at the cost of an attempt. ' +
      'Call app.enableShutdownHooks().',
  );
}

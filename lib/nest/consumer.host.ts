import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { Backend } from '../core/backend.js';
import { Consumer, type RunListener } from '../core/consumer.js';
import type { JobEvents } from '../core/events.js';
import { drain, type DrainedJobs } from '../core/drain.js';
import type { Handler } from '../core/handlers.js';
import type { QueuePlan } from '../core/queue-loop.js';
import type { Reading } from '../core/reading.js';
import { BackendHost } from './backend.host.js';
import { OutermostHooks } from './hook-order.js';
import { JobHandlerExplorer, type NestModule } from './job-handler.explorer.js';
import { logger } from './jobs.logger.js';
import { JobsInstances } from './jobs.instances.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { called, INSTANCE_NAME, OWN_EVENTS, OWN_PUBLISHER, placeOf } from './own-tokens.js';
import type { PublisherService } from './publisher.service.js';
import { drainPlans, queueOf, queuePlans } from './queue-plans.js';

/** When the application's signals are looked at: users hook them before or after `listen`, but not much later. */
const SIGNAL_CHECK_MS = 1_000;

/**
 * The module's life, in the order in which Nest goes through it:
 *
 * 1. before every other `onModuleInit`: find the handlers, since what is published from then on asks for their queues
 * 2. after every other `onModuleInit`: open the backend, unless somebody has published by then
 * 3. after every other `onApplicationBootstrap`: take jobs
 * 4. before every other `onModuleDestroy`, all instances at once: take no more, let the running ones finish or hand them back
 * 5. after every other `onApplicationShutdown`: let the last publishers finish, close the backend
 */
@Injectable()
export class ConsumerHost implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private consumer: Consumer | undefined;
  private signalCheck: NodeJS.Timeout | undefined;
  private readonly reading = new Set<string>();
  private started = false;
  private stopping = false;

  constructor(
    @Inject(JOBS_SETTINGS) readonly settings: JobsSettings,
    @Inject(BackendHost) private readonly backend: BackendHost,
    @Inject(JobHandlerExplorer) readonly explorer: JobHandlerExplorer,
    @Inject(OWN_PUBLISHER) readonly publisher: PublisherService,
    @Inject(OWN_EVENTS) private readonly events: JobEvents,
    @Inject(INSTANCE_NAME) private readonly instance: string,
    @Inject(JobsInstances) instances: JobsInstances<ConsumerHost>,
    @Inject(OutermostHooks) private readonly outermost: OutermostHooks,
  ) {
    instances.add(instance, this);
    outermost.beforeAllOthers(() => this.explore());
    outermost.whenAnyStops(() => this.stop());
    outermost.afterAllOthers(() => this.close());
  }

  async onModuleInit(): Promise<void> {
    // Nest 11 closes an application whose start is still under way without waiting for it.
    if (!this.stopping) await this.backend.open();
  }

  async onApplicationBootstrap(): Promise<void> {
    this.started = true;
    await this.read(this.explorer.handlers.all());
  }

  /**
   * Takes these modules' handlers in, once all that may refuse them has agreed.
   *
   * @returns what makes it so, and gives the new handlers' names
   * @throws Error naming the class where it can't handle, or both where a job has two handlers, or the application has closed
   */
  register(modules: readonly NestModule[]): () => Promise<readonly string[]> {
    if (this.stopping) throw new Error('register: the application has closed');
    const found = this.explorer.look(modules);
    return async () => {
      const handlers = this.explorer.add(found);
      this.consumer?.addHandlers(handlers);
      if (this.started) await this.read(handlers);
      return handlers.map((handler) => handler.name);
    };
  }

  /** Reads all queues of this process that are not read yet, for these handlers. */
  private async read(handlers: readonly Handler[]): Promise<void> {
    const plans = queuePlans(this.explorer.handlers.all(), this.settings);
    if (plans.length === 0 || this.stopping) return;
    const consumer = this.consumerOn(await this.backend.open());
    if (this.stopping) return;
    this.logHandlers(handlers, plans);
    consumer.follow(plans);
    consumer.open(plans.filter((plan) => !this.reading.has(plan.name)));
    for (const plan of plans) this.reading.add(plan.name);
    this.signalCheck ??= setTimeout(checkSignals, SIGNAL_CHECK_MS).unref();
  }

  /**
   * Handles what is due in these queues, by default all that this process may read.
   *
   * @throws Error where the application has not started yet or has closed, or a queue is none of this process
   */
  async drain(queues: readonly string[] | undefined, idleMs: number): Promise<DrainedJobs> {
    this.checkStarted('drain');
    const plans = drainPlans(this.explorer.handlers.all(), this.settings, queues);
    const backend = await this.backend.open();
    this.checkStarted('drain');
    return drain(this.consumerOn(backend), plans, idleMs);
  }

  /**
   * Reads all queues that this process may read, until the reading ends.
   *
   * @throws Error where the application has not started yet or has closed
   */
  async openAll(who: string, listener: RunListener): Promise<Reading> {
    this.checkStarted(who);
    const backend = await this.backend.open();
    this.checkStarted(who);
    return this.consumerOn(backend).open(this.allPlans(), listener);
  }

  /** The queues that this process may read. */
  allPlans(): readonly QueuePlan[] {
    return queuePlans(this.explorer.handlers.all(), { ...this.settings, consume: true });
  }

  /** A consumer of another backend, with the handlers and the rules of this process. */
  newConsumer(backend: Backend): Consumer {
    const { settings, events } = this;
    const handlers = this.explorer.handlers.all();
    return new Consumer({ ...settings, backend, handlers, queues: [], events, reporter: logger });
  }

  get isRunning(): boolean {
    return this.started && !this.stopping;
  }

  /** @throws Error where the application has not started yet or has closed */
  checkStarted(who: string): void {
    if (!this.started) throw new Error(`${who}: the application has not started yet: await app.init() first`);
    if (this.stopping) throw new Error(`${who}: the application has closed`);
  }

  async onModuleDestroy(): Promise<void> {
    await this.outermost.stopAll();
  }

  private consumerOn(backend: Backend): Consumer {
    return (this.consumer ??= this.newConsumer(backend));
  }

  private explore(): void {
    const found = this.explorer.explore();
    const { consume, handlers } = this.settings;
    for (const name of consume === false ? [] : handlers.keys()) {
      if (found.get(name)) continue;
      logger.warn(`${called(this.instance)}: the option handlers names "${name}", but no handler here has that name`);
    }
  }

  /** Never rejects. */
  private async stop(): Promise<void> {
    this.stopping = true;
    clearTimeout(this.signalCheck);
    await this.consumer?.stop(this.settings.shutdownGraceMs);
  }

  /** Never rejects. */
  private async close(): Promise<void> {
    await this.publisher.close();
    await this.backend.close();
  }

  private logHandlers(handlers: readonly Handler[], plans: readonly QueuePlan[]): void {
    const read = new Set(plans.map((plan) => plan.name));
    const place = placeOf(this.instance);
    for (const handler of handlers) {
      const queue = queueOf(handler, this.settings);
      const elsewhere = read.has(queue) ? '' : ', which this process does not read';
      logger.log(`Mapped {${handler.name}} to ${handler.origin}, queue "${queue}"${place}${elsewhere}`);
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

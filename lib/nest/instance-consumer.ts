import { Inject, Injectable } from '@nestjs/common';
import type { Backend } from '../core/backend.js';
import { Consumer, type RunListener } from '../core/consumer.js';
import { drain, type DrainedJobs } from '../core/drain.js';
import type { JobEvents } from '../core/events.js';
import type { Handler } from '../core/handlers.js';
import type { QueueFetching, QueuePlan } from '../core/queue-loop.js';
import type { Reading } from '../core/reading.js';
import { recordsOf } from '../core/scheduler.js';
import { BackendHost } from './backend.host.js';
import { fleetPlan } from './fleet-plan.js';
import type { NestModule } from './found-handlers.js';
import { JobEventExplorer } from './job-event.explorer.js';
import { JobHandlerExplorer } from './job-handler.explorer.js';
import { JobsInstances } from './jobs.instances.js';
import { logger, logHandlers } from './jobs.logger.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { INSTANCE_NAME, OWN_EVENTS, OWN_PUBLISHER } from './own-tokens.js';
import type { PublisherService } from './publisher.service.js';
import { drainPlans, queueOf, queuePlans } from './queue-plans.js';
import { WorkerEventListeners } from './worker-event.listeners.js';

/** What one instance of the module reads, for as long as the application runs or somebody asks for it. */
@Injectable()
export class InstanceConsumer {
  private consumer: Consumer | undefined;
  private readonly reading = new Set<string>();
  /** The handlers whose schedules have begun. */
  private readonly recurring = new Set<string>();
  private started = false;
  private stopping = false;

  constructor(
    @Inject(JOBS_SETTINGS) readonly settings: JobsSettings,
    @Inject(BackendHost) private readonly backend: BackendHost,
    @Inject(JobHandlerExplorer) readonly explorer: JobHandlerExplorer,
    @Inject(OWN_PUBLISHER) readonly publisher: PublisherService,
    @Inject(OWN_EVENTS) private readonly events: JobEvents,
    @Inject(INSTANCE_NAME) private readonly instance: string,
    @Inject(JobEventExplorer) readonly listeners: JobEventExplorer,
    @Inject(WorkerEventListeners) private readonly ofAll: WorkerEventListeners,
    @Inject(JobsInstances) instances: JobsInstances<InstanceConsumer>,
  ) {
    instances.add(instance, this);
  }

  get isRunning(): boolean {
    return this.started && !this.stopping;
  }

  /** Whether the application reads queues all the time. */
  get isReading(): boolean {
    return this.reading.size > 0;
  }

  /** The queues that this process may read. */
  get allPlans(): readonly QueuePlan[] {
    return queuePlans(this.explorer.handlers.all(), { ...this.settings, consume: true });
  }

  /** @throws Error where the application has not started yet or has closed */
  checkStarted(who: string): void {
    if (!this.started) throw new Error(`${who}: the application has not started yet: await app.init() first`);
    if (this.stopping) throw new Error(`${who}: the application has closed`);
  }

  /** Hears of all processes what methods here listen to, and reads the queues that this process is to read. */
  async start(): Promise<void> {
    this.started = true;
    if (!this.stopping) await this.ofAll.follow();
    await this.read(this.explorer.handlers.all());
  }

  /** Whether it is stopped or being stopped. */
  get hasStopped(): boolean {
    return this.stopping;
  }

  /** Takes no more jobs, and waits for the running ones as long as the application's grace lasts. Never rejects. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.publisher.scheduler.stop();
    await this.consumer?.stop(this.settings.shutdownGraceMs);
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
      this.listeners.listen(modules);
      const handlers = this.explorer.add(found);
      this.consumer?.addHandlers(handlers);
      if (this.isRunning) await this.ofAll.follow();
      if (this.started) await this.read(handlers);
      return handlers.map((handler) => handler.name);
    };
  }

  /**
   * Handles what is due in these queues, by default all that this process may read.
   *
   * @throws Error where the application has not started yet or has closed, or a queue is none of this process
   */
  async drain(queues: readonly string[] | undefined, idleMs: number): Promise<DrainedJobs> {
    this.checkStarted('drain');
    const plans = drainPlans(this.explorer.handlers.all(), this.settings, queues);
    return drain(await this.running('drain'), plans, idleMs);
  }

  /**
   * Reads all queues that this process may read, until the reading ends.
   *
   * @throws Error where the application has not started yet or has closed
   */
  async openAll(who: string, listener: RunListener): Promise<Reading> {
    const consumer = await this.running(who);
    return consumer.open(this.allPlans, listener);
  }

  /** Of each queue that this process reads, whether it is really asked for jobs. */
  get fetching(): readonly QueueFetching[] {
    return this.consumer?.fetching ?? [];
  }

  /** The engine, opened at the latest now. */
  engine(): Promise<Backend> {
    return this.backend.open();
  }

  /** Until when a queue that was read takes no jobs, for its rate is used up; milliseconds since 1970. */
  limitedUntil(queue: string): number | undefined {
    return this.consumer?.limitedUntil(queue);
  }

  /** Whether an operator has paused a queue, as far as this process has heard. */
  isPaused(queue: string): boolean {
    return this.consumer?.isPaused(queue) ?? false;
  }

  /**
   * Lets the jobs of all handlers recur, whatever this process reads.
   *
   * @throws Error as `openAll`, and where one can't be kept
   */
  async scheduleAll(who: string): Promise<void> {
    this.checkStarted(who);
    this.schedule(await this.backend.open(), this.explorer.handlers.all());
  }

  /** A consumer of another backend, with the handlers and the rules of this process. */
  newConsumer(backend: Backend): Consumer {
    const { settings, events } = this;
    const handlers = this.explorer.handlers.all();
    const publisher = this.publisher.publisherOn(() => backend, events, this.publisher.limited);
    const fleet = fleetPlan(settings, this.instance);
    return new Consumer({ ...settings, backend, publisher, handlers, queues: [], events, reporter: logger, fleet });
  }

  /** Reads all queues of this process that are not read yet, for these handlers. */
  private async read(handlers: readonly Handler[]): Promise<void> {
    const plans = queuePlans(this.explorer.handlers.all(), this.settings);
    if (plans.length === 0 || this.stopping) return;
    const backend = await this.backend.open();
    if (this.stopping) return;
    this.consumer ??= this.newConsumer(backend);
    logHandlers(handlers, plans, this.settings, this.instance);
    this.consumer.follow(plans);
    this.consumer.open(plans.filter((plan) => !this.reading.has(plan.name)));
    for (const plan of plans) this.reading.add(plan.name);
    this.schedule(
      backend,
      handlers.filter((handler) => this.reading.has(queueOf(handler, this.settings))),
    );
  }

  /** @throws Error where the engine can't tell which ticks were published already, or two schedules have one name */
  private schedule(backend: Backend, handlers: readonly Handler[]): void {
    const schedules = handlers
      .filter((handler) => !this.recurring.has(handler.name))
      .flatMap((handler) => this.explorer.schedulesOf(handler.name));
    if (schedules.length > 0) recordsOf(backend);
    for (const handler of handlers) this.recurring.add(handler.name);
    for (const schedule of schedules) this.publisher.scheduler.add(schedule);
  }

  private async running(who: string): Promise<Consumer> {
    this.checkStarted(who);
    const backend = await this.backend.open();
    this.checkStarted(who);
    return (this.consumer ??= this.newConsumer(backend));
  }
}

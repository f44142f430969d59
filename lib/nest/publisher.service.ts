import { Inject, Injectable } from '@nestjs/common';
import type { Backend } from '../core/backend.js';
import { Answers } from '../core/answers.js';
import { within } from '../core/checked-object.js';
import type { JobEvents } from '../core/events.js';
import { isDefinition, jobNameOf, type JobDefinition } from '../core/definition.js';
import type {
  CheckedRequests,
  JobName,
  NamedPayload,
  NamedResult,
  PublishArguments,
  PublishedJobs,
  PublishRequest,
} from '../core/job-types.js';
import type { PublishOptions } from '../core/publish-options.js';
import type { JobHandle, PublishedJob } from '../core/published-job.js';
import { LimitedQueues } from '../core/limited-queues.js';
import { PublishError } from '../core/publish-error.js';
import type { CallOptions } from '../core/call-options.js';
import { Publisher } from '../core/publisher.js';
import { checkedSchedule } from '../core/schedule.js';
import { Scheduler } from '../core/scheduler.js';
import { show } from '../core/show.js';
import { BackendHost } from './backend.host.js';
import { JobHandlerExplorer } from './job-handler.explorer.js';
import { scheduleRef, type CronScheduleOptions, type JobScheduleRef } from './job-schedule.ref.js';
import { logger } from './jobs.logger.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { OWN_EVENTS } from './own-tokens.js';
import { limitsOf } from './queue.settings.js';

/** Publishes jobs. Works from the creation of the modules on until every `onApplicationShutdown` has run. */
@Injectable()
export class PublisherService {
  private publisher: Publisher | undefined;
  private ownScheduler: Scheduler | undefined;
  private running = 0;
  private idle: () => void = () => undefined;
  private closed = false;
  private readonly answers: Answers;
  /** @internal The queues with limits, for all that publish to them here. */
  readonly limited: LimitedQueues;

  constructor(
    @Inject(JOBS_SETTINGS) private readonly settings: JobsSettings,
    @Inject(BackendHost) private readonly backend: BackendHost,
    @Inject(JobHandlerExplorer) private readonly explorer: JobHandlerExplorer,
    @Inject(OWN_EVENTS) private readonly events: JobEvents,
  ) {
    this.answers = new Answers(() => this.backend.open(), this.backend.clock);
    this.limited = new LimitedQueues(limitsOf(settings.queues), events);
  }

  /**
   * Publishes a job and resolves once the backend has accepted it. Where its result is kept (option `keepResult`, or a
   * definition with a schema for results), `result()` of what this gives waits for it.
   *
   * @param job its definition, or its name, by which its handler is found, here or in another process
   * @param rest the payload, what JSON can keep: null, booleans, texts, finite numbers, arrays and objects; default null.
   * It is checked by the definition's schema; for a plain name by that of its handler's definition, if it is here
   * @throws PublishError where the job is refused (with a `SchemaError` as its cause where its schema does) or, within the option `publishTimeout`, was not accepted;
   * `maybeStored` tells whether it may have been stored all the same
   * @throws QueueFullError where its queue has limits in this process, and no room
   */
  publish<In, Result>(
    job: JobDefinition<string, In, unknown, Result>,
    ...rest: PublishArguments<In>
  ): Promise<PublishedJob<Result>>;
  publish<Name extends JobName>(
    name: Name,
    ...rest: PublishArguments<NamedPayload<Name>>
  ): Promise<PublishedJob<NamedResult<Name>>>;
  publish(job: string | JobDefinition, payload?: unknown, options?: PublishOptions): Promise<PublishedJob> {
    return this.run((publisher) => publisher.publish(job, payload, options));
  }

  /**
   * Publishes jobs in their order, `{ name, payload, options }` or `{ job: definition, payload, options }`, after it has
   * checked them all. Resolves with the same for each as `publish`.
   *
   * @throws PublishError as `publish`; `stored` tells how many were surely stored, the first ones
   */
  publishMany<Jobs extends readonly PublishRequest[] | []>(
    jobs: Jobs & CheckedRequests<Jobs>,
  ): Promise<PublishedJobs<Jobs>> {
    return this.run((publisher) => publisher.publishMany(jobs)) as Promise<PublishedJobs<Jobs>>;
  }

  /**
   * Publishes a job, waits for its end, and gives what its handler returned, from whichever process.
   *
   * @param rest the payload, and the options of `publish`, but that `timeout` says how long the result is waited for:
   * `{ timeout: '10s' }`; default a minute. For how long an attempt may run is then the handler's to say
   * @throws PublishError as `publish`
   * @throws JobFailedError where the job failed, with the name, the message and the stack of the error there
   * @throws JobExpiredError where it expired
   * @throws JobResultTimeoutError where there is no answer in time; the job may still run
   * @throws JobResultClosedError where the application closes meanwhile
   */
  call<In, Result>(
    job: JobDefinition<string, In, unknown, Result>,
    ...rest: PublishArguments<In, CallOptions>
  ): Promise<Result>;
  call<Name extends JobName>(
    name: Name,
    ...rest: PublishArguments<NamedPayload<Name>, CallOptions>
  ): Promise<NamedResult<Name>>;
  call(job: string | JobDefinition, payload?: unknown, options?: CallOptions): Promise<unknown> {
    return this.run((publisher) => publisher.call(job, payload, options));
  }

  /**
   * A job that was published elsewhere or earlier with `keepResult`, to ask for its result, by the queue that it was
   * published to.
   *
   * @param options `queue`: default, that to which `publish` would publish it here
   * @throws TypeError naming what was expected and what was given
   */
  job<Result>(
    job: JobDefinition<string, unknown, unknown, Result>,
    id: string,
    options?: { readonly queue?: string },
  ): JobHandle<Result>;
  job<Name extends JobName>(
    name: Name,
    id: string,
    options?: { readonly queue?: string },
  ): JobHandle<NamedResult<Name>>;
  job(job: string | JobDefinition, id: string, options?: { readonly queue?: string }): JobHandle {
    return (this.publisher ?? this.create()).job(job, id, options);
  }

  /**
   * Ends the waits for results: who waits in a running handler or request would keep the application from closing.
   *
   * @internal
   */
  endWaits(): void {
    this.answers.close();
  }

  /**
   * Lets a job recur from now on, for as long as this application runs: each tick is published once over all processes
   * that have a schedule of this name.
   *
   * @param job its definition, or its name
   * @param payload of each tick's job
   * @param options `cron`: five fields, or six with seconds first; the others say by which clocks it goes, how it is called
   * and how its jobs are published
   * @throws TypeError naming the option, what was expected and what was given
   * @throws Error where there is a schedule of its name already, or the application has closed
   */
  schedule<In>(job: JobDefinition<string, In>, payload: In, options: CronScheduleOptions): JobScheduleRef;
  schedule<Name extends JobName>(job: Name, payload: NamedPayload<Name>, options: CronScheduleOptions): JobScheduleRef;
  schedule(job: string | JobDefinition, payload: unknown, options: CronScheduleOptions): JobScheduleRef {
    if (this.closed) throw new Error('schedule: the application has closed');
    const { schedule, cron } = within('schedule: ', () => {
      const name = jobNameOf(job);
      if (typeof options !== 'object' || options === null) {
        throw new TypeError(`options: expected an object with cron, got ${show(options)}`);
      }
      const { cron, ...others } = options;
      return { cron, schedule: checkedSchedule(cron, isDefinition(job) ? job : name, payload, others) };
    });
    return scheduleRef(schedule.name, cron, this.scheduler.add(schedule));
  }

  /**
   * Publishes the ticks of this application's schedules.
   *
   * @internal
   */
  get scheduler(): Scheduler {
    return (this.ownScheduler ??= new Scheduler({
      backend: () => this.backend.open(),
      publish: (job, payload, options) => this.run((publisher) => publisher.publishTick(job, payload, options)),
      clock: this.backend.clock,
      reporter: logger,
    }));
  }

  /**
   * Refuses what comes from now on, and waits for what is on its way.
   *
   * @internal
   */
  async close(): Promise<void> {
    this.closed = true;
    this.ownScheduler?.stop();
    this.endWaits();
    if (this.running > 0) await new Promise<void>((resolve) => (this.idle = resolve));
  }

  private async run<T>(publish: (publisher: Publisher) => Promise<T>): Promise<T> {
    if (this.closed) throw new PublishError('not published: the application has closed');
    this.running += 1;
    try {
      return await publish(this.publisher ?? this.create());
    } finally {
      this.running -= 1;
      if (this.running === 0) this.idle();
    }
  }

  /**
   * One by the same rules, to another backend.
   *
   * @internal
   */
  publisherOn(
    backend: () => Backend | Promise<Backend>,
    events: JobEvents,
    limited = new LimitedQueues(limitsOf(this.settings.queues), events),
    answers?: Answers,
  ): Publisher {
    const {
      handlers: configured,
      queues,
      routes,
      defaults,
      publishTimeoutMs,
      contextCarrier,
      telemetry,
    } = this.settings;
    const { clock } = this.backend;
    return new Publisher({
      backend,
      clock,
      handlers: this.explorer.handlers,
      configured,
      routes,
      limits: limitsOf(queues),
      limited,
      defaults,
      publishTimeoutMs,
      events,
      answers,
      telemetry,
      captureHeaders: contextCarrier && (() => contextCarrier.capture()),
    });
  }

  private create(): Publisher {
    const publisher = this.publisherOn(() => this.backend.open(), this.events, this.limited, this.answers);
    // Until the handlers are final each call looks at them anew: constructors and factories may publish, too.
    if (this.explorer.complete) this.publisher = publisher;
    return publisher;
  }
}

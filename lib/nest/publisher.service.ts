import { Inject, Injectable } from '@nestjs/common';
import type { Backend } from '../core/backend.js';
import type { JobEvents, PublishedJob } from '../core/events.js';
import type { JobDefinition } from '../core/definition.js';
import type { CheckedRequests, JobName, NamedPayload, PublishArguments, PublishRequest } from '../core/job-types.js';
import { LimitedQueues } from '../core/limited-queues.js';
import type { PublishOptions } from '../core/publish-options.js';
import { PublishError } from '../core/publish-error.js';
import { Publisher } from '../core/publisher.js';
import { BackendHost } from './backend.host.js';
import { JobHandlerExplorer } from './job-handler.explorer.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { OWN_EVENTS } from './own-tokens.js';
import { limitsOf } from './queue.settings.js';

/** Publishes jobs. Works from the creation of the modules on until every `onApplicationShutdown` has run. */
@Injectable()
export class PublisherService {
  private publisher: Publisher | undefined;
  private running = 0;
  private idle: () => void = () => undefined;
  private closed = false;
  /** @internal The queues with limits, for all that publish to them here. */
  readonly limited: LimitedQueues;

  constructor(
    @Inject(JOBS_SETTINGS) private readonly settings: JobsSettings,
    @Inject(BackendHost) private readonly backend: BackendHost,
    @Inject(JobHandlerExplorer) private readonly explorer: JobHandlerExplorer,
    @Inject(OWN_EVENTS) private readonly events: JobEvents,
  ) {
    this.limited = new LimitedQueues(limitsOf(settings.queues), events);
  }

  /**
   * Publishes a job and resolves once the backend has accepted it.
   *
   * @param job its definition, or its name, by which its handler is found, here or in another process
   * @param rest the payload, what JSON can keep: null, booleans, texts, finite numbers, arrays and objects; default null.
   * It is checked by the definition's schema; for a plain name by that of its handler's definition, if it is here
   * @throws PublishError where the job is refused (with a `SchemaError` as its cause where its schema does) or, within the option `publishTimeout`, was not accepted;
   * `maybeStored` tells whether it may have been stored all the same
   * @throws QueueFullError where its queue has limits in this process, and no room
   */
  publish<In>(job: JobDefinition<string, In>, ...rest: PublishArguments<In>): Promise<PublishedJob>;
  publish<Name extends JobName>(name: Name, ...rest: PublishArguments<NamedPayload<Name>>): Promise<PublishedJob>;
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
  ): Promise<PublishedJob[]> {
    return this.run((publisher) => publisher.publishMany(jobs));
  }

  /**
   * Refuses what comes from now on, and waits for what is on its way.
   *
   * @internal
   */
  async close(): Promise<void> {
    this.closed = true;
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
  ): Publisher {
    const { handlers: configured, queues, routes, defaults, publishTimeoutMs, contextCarrier } = this.settings;
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
      captureHeaders: contextCarrier && (() => contextCarrier.capture()),
    });
  }

  private create(): Publisher {
    const publisher = this.publisherOn(() => this.backend.open(), this.events, this.limited);
    // Until the handlers are final each call looks at them anew: constructors and factories may publish, too.
    if (this.explorer.complete) this.publisher = publisher;
    return publisher;
  }
}

import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import type { JobEvents } from '../core/events.js';
import { BackendHost } from './backend.host.js';
import { OutermostHooks } from './hook-order.js';
import { InstanceConsumer } from './instance-consumer.js';
import { logger } from './jobs.logger.js';
import { called, INSTANCE_NAME, OWN_EVENTS } from './own-tokens.js';

/** When the application's signals are looked at: users hook them before or after `listen`, but not much later. */
const SIGNAL_CHECK_MS = 1_000;

/**
 * The life of one instance of the module, in the order in which Nest goes through it:
 *
 * 1. before every other `onModuleInit`: find the handlers, since what is published from then on asks for their queues
 * 2. after every other `onModuleInit`: open the backend, unless somebody has published by then
 * 3. after every other `onApplicationBootstrap`: take jobs
 * 4. before every other `onModuleDestroy`, all instances at once: end the waits for results, take no more jobs, let the running ones finish or hand them back
 * 5. after every other `onApplicationShutdown`: let the last publishers finish, close the backend
 */
@Injectable()
export class ConsumerHost implements OnModuleInit, OnApplicationBootstrap, OnModuleDestroy {
  private signalCheck: NodeJS.Timeout | undefined;

  constructor(
    @Inject(InstanceConsumer) private readonly consumer: InstanceConsumer,
    @Inject(BackendHost) private readonly backend: BackendHost,
    @Inject(INSTANCE_NAME) private readonly instance: string,
    @Inject(OWN_EVENTS) private readonly events: JobEvents,
    @Inject(OutermostHooks) private readonly outermost: OutermostHooks,
  ) {
    outermost.beforeAllOthers(() => this.explore());
    outermost.whenAnyStops(() => this.stop());
    outermost.afterAllOthers(() => this.close());
  }

  async onModuleInit(): Promise<void> {
    // Nest 11 closes an application whose start is still under way without waiting for it.
    if (!this.consumer.hasStopped) await this.backend.open();
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.consumer.start();
    if (this.consumer.isReading && !this.consumer.hasStopped)
      this.signalCheck = setTimeout(checkSignals, SIGNAL_CHECK_MS).unref();
  }

  async onModuleDestroy(): Promise<void> {
    await this.outermost.stopAll();
  }

  private explore(): void {
    const { explorer, listeners, settings } = this.consumer;
    listeners.listen();
    const found = explorer.explore();
    for (const name of settings.consume === false ? [] : settings.handlers.keys()) {
      if (found.get(name)) continue;
      logger.warn(`${called(this.instance)}: the option handlers names "${name}", but no handler here has that name`);
    }
  }

  /** Never rejects. */
  private async stop(): Promise<void> {
    clearTimeout(this.signalCheck);
    this.consumer.publisher.endWaits();
    await this.consumer.stop();
  }

  /** Never rejects. */
  private async close(): Promise<void> {
    await this.consumer.publisher.close();
    await this.backend.close();
    this.events.close();
  }
}

function checkSignals(): void {
  if (process.listenerCount('SIGTERM') > 0) return;
  logger.warn(
    'Nothing listens for SIGTERM, so that a deploy would kill running jobs: they run again, at the cost of an attempt. ' +
      'Call app.enableShutdownHooks().',
  );
}

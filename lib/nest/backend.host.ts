import { Inject, Injectable } from '@nestjs/common';
import type { Backend, BackendTraits } from '../core/backend.js';
import { systemClock, type Clock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { JobHandlerExplorer } from './job-handler.explorer.js';
import { logError, logger } from './jobs.logger.js';
import { checkBackend, isDescription, JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { INSTANCE_NAME, placeOf } from './own-tokens.js';
import { queuePlans } from './queue-plans.js';
import { checkLimits } from './queue.settings.js';

/** Opens the application's backend once, whoever needs it first, and closes it if it was opened here. */
@Injectable()
export class BackendHost {
  private opened: Promise<Backend> | undefined;
  private closed = false;
  private endWatch: (() => void) | undefined;
  private readonly lasts: (() => Promise<void>)[] = [];

  constructor(
    @Inject(JOBS_SETTINGS) private readonly settings: JobsSettings,
    @Inject(JobHandlerExplorer) private readonly explorer: JobHandlerExplorer,
    @Inject(INSTANCE_NAME) private readonly instance: string,
  ) {}

  get clock(): Clock {
    return this.settings.backend.clock ?? systemClock;
  }

  /** @throws Error naming the backend where it can't be opened; the next call tries again */
  open(): Promise<Backend> {
    if (this.closed) return Promise.reject(new Error('the application has closed'));
    this.opened ??= this.openWatched().catch((error: unknown) => {
      this.opened = undefined;
      throw error;
    });
    return this.opened;
  }

  /** @param last what the open backend is needed for at its end; must not reject */
  beforeClose(last: () => Promise<void>): void {
    this.lasts.push(last);
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    const opened = await this.opened?.catch(() => undefined);
    this.opened = undefined;
    await Promise.all(this.lasts.map((last) => last()));
    this.endWatch?.();
    if (!opened || !isDescription(this.settings.backend)) return;
    try {
      await opened.close();
    } catch (error) {
      logError(`${opened.traits.name} could not be closed`, error);
    }
  }

  private async openWatched(): Promise<Backend> {
    const backend = await this.openOnce();
    this.endWatch = this.settings.telemetry?.watch({ backend, queues: () => this.queues(true) });
    return backend;
  }

  /** The queues that this process reads; with `orMight`, where it reads none those that it could. */
  private queues(orMight: boolean): readonly string[] {
    const { consume } = this.settings;
    const settings = orMight && consume === false ? { ...this.settings, consume: true } : this.settings;
    return queuePlans(this.explorer.handlers.all(), settings).map((plan) => plan.name);
  }

  private async openOnce(): Promise<Backend> {
    const { backend: source, worker } = this.settings;
    if (!isDescription(source)) {
      checkLimits(this.settings.queues, source);
      return source;
    }
    try {
      const backend: unknown = await source.open({
        worker,
        queues: this.queues(false),
        warn: (message) => logger.warn(message),
      });
      checkBackend(backend, 'open');
      await this.accept(backend);
      logger.log(durabilityOf(backend.traits) + placeOf(this.instance, ' (', ')'));
      return backend;
    } catch (cause) {
      throw new Error(`The backend ${source.name}${placeOf(this.instance)} could not be opened: ${messageOf(cause)}`, {
        cause,
      });
    }
  }

  /** Closes what can't be used as the options ask. */
  private async accept(backend: Backend): Promise<void> {
    try {
      checkLimits(this.settings.queues, backend);
    } catch (error) {
      await backend.close();
      throw error;
    }
  }
}

function durabilityOf({ name, durability }: BackendTraits): string {
  switch (durability) {
    case 'none':
      return `${name} keeps jobs in memory only: they are gone when it ends`;
    case 'process':
      return `${name} keeps jobs when processes end or are killed; a power cut may cost the latest`;
    case 'power cut':
      return `${name} keeps jobs even through a power cut`;
  }
}

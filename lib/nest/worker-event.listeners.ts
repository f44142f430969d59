import { Inject, Injectable } from '@nestjs/common';
import type { JobEventName } from '../core/events.js';
import type { WorkerEvent } from '../core/worker-events.js';
import { InstanceOperator } from './instance-operator.js';
import { logError } from './jobs.logger.js';

type Listener = (event: WorkerEvent) => unknown;

/** The methods that listen to the events of all processes. */
@Injectable()
export class WorkerEventListeners {
  private readonly listeners = new Map<JobEventName, Listener[]>();
  private readonly followed = new Set<JobEventName>();

  constructor(@Inject(InstanceOperator) private readonly operator: InstanceOperator) {}

  /** Lets it hear once what it listens to is followed. */
  add(name: JobEventName, listener: Listener): void {
    this.listeners.set(name, [...(this.listeners.get(name) ?? []), listener]);
  }

  /**
   * Follows what is listened to, until the application closes.
   *
   * @throws UnsupportedActionError where the engine keeps no records
   * @throws BackendError, OperatorTimeoutError where it fails
   */
  async follow(): Promise<void> {
    const names = [...this.listeners.keys()].filter((name) => !this.followed.has(name));
    if (names.length === 0) return;
    const stream = await (await this.operator.open()).follow(names);
    for (const name of names) this.followed.add(name);
    void this.read(stream);
  }

  private async read(stream: AsyncIterable<WorkerEvent>): Promise<void> {
    for await (const event of stream) {
      for (const listener of this.listeners.get(event.event) ?? []) void this.tell(listener, event);
    }
  }

  private async tell(listener: Listener, event: WorkerEvent): Promise<void> {
    try {
      await listener(event);
    } catch (error) {
      logError(`a listener of job event "${event.event}" of all processes failed`, error);
    }
  }
}

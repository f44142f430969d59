import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { JobEventMap, JobEventName, JobEvents } from '../core/events.js';
import type { WorkerEvent } from '../core/worker-events.js';
import { methodsOf, nameOf, prototypeOf, wrappersOf, type NestModule, type Wrapper } from './found-handlers.js';
import { isPerJob } from './job-handler.caller.js';
import { JobsInstances } from './jobs.instances.js';
import { listenersOn, type EventsFrom } from './on-job-event.decorator.js';
import { INSTANCE_NAME, OWN_EVENTS } from './own-tokens.js';
import { WorkerEventListeners } from './worker-event.listeners.js';

type Listening = Record<string | symbol, (event: JobEventMap[JobEventName] | WorkerEvent) => unknown>;

/** A decorated method. */
interface FoundListener {
  readonly event: JobEventName;
  readonly from: EventsFrom;
  readonly instance: Listening;
  readonly key: string | symbol;
}

/** Finds the methods that listen to events, as handlers are found: whatever way their classes were provided. */
@Injectable()
export class JobEventExplorer {
  /** What listens already: an alias of a provider is found as well, and a lazy module may import what is there. */
  private readonly known = new Map<object, Set<string>>();

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(OWN_EVENTS) private readonly events: JobEvents,
    @Inject(WorkerEventListeners) private readonly ofAll: WorkerEventListeners,
    @Inject(INSTANCE_NAME) private readonly name: string,
    @Inject(JobsInstances) private readonly instances: JobsInstances,
  ) {}

  /**
   * Lets the methods in these modules listen, those that don't yet; for when Nest has made all instances.
   *
   * @throws Error naming the class and its module where it can't listen; then none does
   */
  listen(modules: Iterable<NestModule> = this.modules.values()): void {
    for (const { event, from, instance, key } of [...this.foundIn(modules)]) {
      const heard = this.known.get(instance) ?? new Set();
      const place = `${event} ${from} ${String(key)}`;
      if (heard.has(place)) continue;
      this.known.set(instance, heard.add(place));
      if (from === 'all') this.ofAll.add(event, (told) => instance[key]?.(told));
      else this.events.on(event, (told) => instance[key]?.(told));
    }
  }

  private *foundIn(modules: Iterable<NestModule>): Generator<FoundListener> {
    for (const module of modules) for (const wrapper of wrappersOf(module)) yield* this.foundOn(wrapper, module);
  }

  private *foundOn(wrapper: Wrapper, module: NestModule): Generator<FoundListener> {
    const prototype = prototypeOf(wrapper);
    for (const [key, owner] of prototype ? methodsOf(prototype) : []) {
      for (const { event, from, instance } of listenersOn(owner, key)) {
        const type = prototype?.constructor;
        const what = `${nameOf(type)}.${String(key)} in ${module.name} listens to job event "${event}"`;
        this.instances.check(instance, what, "@OnJobEvent('…', { instance: '…' })");
        if (instance !== this.name) continue;
        if (isPerJob(wrapper)) {
          throw new Error(
            `${what}, but its class is made for each request or each user of it, and an event belongs to none of them. ` +
              'Move the method to a provider of the default scope.',
          );
        }
        // A factory's way of providing nothing.
        if (wrapper.instance) yield { event, from, instance: wrapper.instance as Listening, key };
      }
    }
  }
}

import { Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleInit, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { JobsInstances } from './jobs.instances.js';

/**
 * Nest runs the hooks of modules by falling distance when the application starts, and by rising distance when it
 * closes; a global module has the largest there is. So a module of distance -1 starts last and stops first, and one of
 * infinite distance starts first and stops last. Nest has no public option for that, but `distance` has been a plain
 * property in 11 and 12, read after all modules were made. Without it, the order would be that of the imports.
 */
export function placeHooks(modules: ModulesContainer, type: Type, distance: number): void {
  for (const one of modules.values()) if (one.metatype === type && 'distance' in one) one.distance = distance;
}

/**
 * What all instances of the module do before all other hooks of the application's start, together as it begins to stop,
 * and after all other hooks of its end.
 */
@Injectable()
export class OutermostHooks implements OnModuleInit, OnApplicationShutdown {
  private readonly starts: (() => unknown)[] = [];
  private readonly stops: (() => Promise<void>)[] = [];
  private readonly ends: (() => unknown)[] = [];
  private stopped: Promise<unknown> | undefined;

  beforeAllOthers(start: () => unknown): void {
    this.starts.push(start);
  }

  /** @param end must not throw: Nest 11 would leave out the hooks that follow */
  afterAllOthers(end: () => unknown): void {
    this.ends.push(end);
  }

  /** @param stop must not reject */
  whenAnyStops(stop: () => Promise<void>): void {
    this.stops.push(stop);
  }

  /** Stops all: one after the other, the last would go on taking jobs as long as the first ones' are running. */
  stopAll(): Promise<unknown> {
    return (this.stopped ??= Promise.all(this.stops.map((stop) => stop())));
  }

  async onModuleInit(): Promise<void> {
    try {
      for (const start of this.starts) await start();
    } catch (error) {
      // A constructor or a factory may have published already, and so opened what nobody would close.
      await this.onApplicationShutdown();
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    for (const end of this.ends) await end();
  }
}

/** What all instances share, {@link OutermostHooks} in a place of their own, for a module has one place for all its hooks. */
@Module({ providers: [OutermostHooks, JobsInstances], exports: [OutermostHooks, JobsInstances] })
export class JobsOutermostModule {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    placeHooks(modules, JobsOutermostModule, Infinity);
  }
}

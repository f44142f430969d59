import { Inject, Injectable, Module, type OnApplicationShutdown, type OnModuleInit, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';

/**
 * Nest runs the hooks of modules by falling distance when the application starts, and by rising distance when it
 * closes; a global module has the largest there is. So a module of distance -1 starts last and stops first, and one of
 * infinite distance starts first and stops last. Nest has no public option for that, but `distance` has been a plain
 * property in 11 and 12, read after all modules were made. Without it, the order would be that of the imports.
 *
 * @returns how many modules of this type the application has
 */
export function placeHooks(modules: ModulesContainer, type: Type, distance: number): number {
  const found = [...modules.values()].filter((one) => one.metatype === type);
  for (const one of found) if ('distance' in one) one.distance = distance;
  return found.length;
}

/** What is done before all other hooks of the application's start, and after all of its end. */
@Injectable()
export class OutermostHooks implements OnModuleInit, OnApplicationShutdown {
  private readonly starts: (() => unknown)[] = [];
  private readonly ends: (() => unknown)[] = [];

  beforeAllOthers(start: () => unknown): void {
    this.starts.push(start);
  }

  /** @param end must not throw: Nest 11 would leave out the hooks that follow */
  afterAllOthers(end: () => unknown): void {
    this.ends.push(end);
  }

  async onModuleInit(): Promise<void> {
    for (const start of this.starts) await start();
  }

  async onApplicationShutdown(): Promise<void> {
    for (const end of this.ends) await end();
  }
}

/** Holds {@link OutermostHooks} in a place of their own in the order, for a module has one place for all its hooks. */
@Module({ providers: [OutermostHooks], exports: [OutermostHooks] })
export class JobsOutermostModule {
  constructor(@Inject(ModulesContainer) modules: ModulesContainer) {
    placeHooks(modules, JobsOutermostModule, Infinity);
  }
}

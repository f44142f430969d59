import { Inject, Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { checkForwards } from '../core/forward-rings.js';
import { Handlers, type Handler } from '../core/handlers.js';
import { checkedSchedule, type Schedule } from '../core/schedule.js';
import { foundIn, type Found, type NestModule } from './found-handlers.js';
import { checkUsable, isLeftOut, isSame, twice } from './handler-checks.js';
import { JobHandlerCaller } from './job-handler.caller.js';
import { givenOf } from './job-handler.decorator.js';
import { JobsInstances } from './jobs.instances.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { logger } from './jobs.logger.js';
import { INSTANCE_NAME } from './own-tokens.js';
import { uncheckedPayload } from './unchecked-payloads.js';

/**
 * Finds the handlers among all providers and controllers of all modules, whatever way they were provided. It looks at
 * each of them: Nest's look-up by metadata knows neither methods nor, in Nest 11, factories and values.
 */
@Injectable()
export class JobHandlerExplorer {
  private explored: Handlers | undefined;
  private readonly byName = new Map<string, Found>();

  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(JobHandlerCaller) private readonly caller: JobHandlerCaller,
    @Inject(INSTANCE_NAME) private readonly instance: string,
    @Inject(JobsInstances) private readonly instances: JobsInstances,
    @Inject(JOBS_SETTINGS) private readonly settings: JobsSettings,
  ) {}

  /**
   * The handlers. Before {@link explore}, which needs all instances, this is what can be known of them already, enough
   * for publishing; nothing is checked then.
   */
  get handlers(): Handlers {
    if (this.explored) return this.explored;
    const known = new Handlers();
    for (const found of foundIn(this.modules.values())) {
      const { name, instance } = found.declaration;
      if (instance === this.instance && !known.get(name)) known.add(this.handlerOf(found));
    }
    return known;
  }

  /** Whether {@link handlers} is final. */
  get complete(): boolean {
    return this.explored !== undefined;
  }

  /**
   * Finds and checks them; for when Nest has made all instances.
   *
   * @throws Error naming the class and its module where it can't handle, or both where a job has two handlers
   */
  explore(): Handlers {
    // What was registered before is found again.
    this.byName.clear();
    const found = this.look(this.modules.values());
    this.explored = new Handlers();
    this.add(found);
    return this.explored;
  }

  /**
   * The handlers in these modules that are not known yet, each checked; nothing is changed by it.
   *
   * @throws Error as `explore`, and where jobs forward to each other in a ring
   */
  look(modules: Iterable<NestModule>): readonly Found[] {
    const byName = new Map(this.byName);
    const fresh: Found[] = [];
    for (const found of foundIn(modules)) {
      if (isLeftOut(found)) continue;
      const { name, instance } = found.declaration;
      this.instances.check(instance, `${found.origin} in ${found.module.name} handles job "${name}"`);
      if (instance !== this.instance) continue;
      checkUsable(found);
      const other = byName.get(name);
      if (other && isSame(other, found)) continue;
      if (other) throw new Error(twice(name, other, found));
      byName.set(name, found);
      fresh.push(found);
    }
    checkForwards([...byName.values()].map((found) => this.handlerOf(found)));
    return fresh;
  }

  /** Makes what `look` has found handlers of this process. */
  add(fresh: readonly Found[]): readonly Handler[] {
    return fresh.map((found) => {
      const handler = this.handlerOf(found, this.caller.handleOf(found));
      const unchecked = uncheckedPayload(found);
      if (unchecked) logger.warn(unchecked);
      this.byName.set(handler.name, found);
      this.explored?.add(handler);
      return handler;
    });
  }

  /** When the jobs of a handler of this process recur. */
  schedulesOf(name: string): readonly Schedule[] {
    const found = this.byName.get(name);
    return (found?.schedules ?? []).map(({ cron, options: { payload = null, ...options } }) =>
      checkedSchedule(cron, found?.declaration.definition ?? name, payload, options),
    );
  }

  private handlerOf(found: Found, handle?: Handler['handle']): Handler {
    const configured = this.settings.handlers.get(found.declaration.name) ?? {};
    return { ...handlerOf(found, handle), ...givenOf(configured) };
  }
}

/** The handler; before there are instances, one that is not called. */
function handlerOf({ declaration, origin }: Found, handle: Handler['handle'] = notYet): Handler {
  return {
    ...declaration.options,
    name: declaration.name,
    definition: declaration.definition,
    origin,
    handle,
  };
}

function notYet(): never {
  throw new Error('the application has not started');
}

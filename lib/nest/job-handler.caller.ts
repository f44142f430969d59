import { Inject, Injectable } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { ContextIdFactory, ModuleRef, type ContextId } from '@nestjs/core';
import { messageOf } from '../core/errors.js';
import type { Handler } from '../core/handlers.js';
import type { Job } from '../core/job.js';
import { enhancersOf, hasPipes } from './enhancers.js';
import type { NestModule, Wrapper } from './found-handlers.js';
import { JobContextCreator, type InContext } from './job-context.creator.js';
import { parametersOf, PLAIN_PARAMETERS, setPlainParameters } from './job-parameters.decorator.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';

type Handle = Handler['handle'];
type Methods = Record<string | symbol, (...args: unknown[]) => unknown>;

/** Where a handler is. */
export interface Place {
  readonly wrapper: Wrapper;
  readonly key: string | symbol;
  readonly module: NestModule;
  /** How it is called in messages. */
  readonly origin: string;
}

/** Decides how a handler is called: as it is, or through what is bound to it, on an instance of all jobs or of each. */
@Injectable()
export class JobHandlerCaller {
  constructor(
    @Inject(JOBS_SETTINGS) private readonly settings: JobsSettings,
    @Inject(JobContextCreator) private readonly contexts: JobContextCreator,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {}

  /** For when Nest has made all instances. */
  handleOf(place: Place): Handle {
    const { contextCarrier } = this.settings;
    const handle = isPerJob(place.wrapper) ? this.onItsOwn(place) : this.onOneForAll(place);
    if (!contextCarrier) return handle;
    return (payload, job) => contextCarrier.restore(job.headers, () => handle(payload, job));
  }

  private onOneForAll(place: Place): Handle {
    const { wrapper, key } = place;
    const instance = wrapper.instance as Methods;
    if (!this.needsContext(instance, key)) return (payload, job) => instance[key]?.(payload, job);
    return this.inContext(place, instance);
  }

  private onItsOwn(place: Place): Handle {
    return async (payload, job) => {
      const { wrapper, key, origin } = place;
      const contextId = ContextIdFactory.getByRequest(job);
      const instance = await this.instanceFor(job, place, contextId);
      if (typeof instance[key] !== 'function') throw new Error(`${origin} has no method ${String(key)}`);
      if (!this.needsContext(instance, key)) return instance[key](payload, job);
      return this.inContext(place, instance, { contextId, hostId: wrapper.id })(payload, job);
    };
  }

  private async instanceFor(job: Job, { wrapper, origin }: Place, contextId: ContextId): Promise<Methods> {
    try {
      const request: unknown = wrapper.isDependencyTreeDurable() ? contextId.payload : job;
      this.moduleRef.registerRequestByContextId(request, contextId);
      return await this.moduleRef.resolve<Methods>(wrapper.token as symbol, contextId, { strict: false });
    } catch (cause) {
      throw new Error(`no instance of ${origin} could be made for the job: ${messageOf(cause)}`, { cause });
    }
  }

  private needsContext(instance: Methods, key: string | symbol): boolean {
    if (this.settings.globalEnhancers || enhancersOf(instance.constructor, instance[key], key).length > 0) return true;
    return parametersOf(instance.constructor, key) !== undefined;
  }

  private inContext(place: Place, instance: Methods, scope?: { contextId: ContextId; hostId: string }): InContext {
    const { key, module } = place;
    const type = instance.constructor;
    const method = instance[key];
    const decorated = parametersOf(type, key) !== undefined;
    const plain = !decorated && (this.settings.globalEnhancers || hasPipes(type, method));
    if (plain) setPlainParameters(type, key);
    return this.contexts.create({
      instance,
      method,
      key: key as string,
      moduleKey: module.token,
      parametersKey: decorated ? ROUTE_ARGS_METADATA : plain ? PLAIN_PARAMETERS : undefined,
      scope,
    });
  }
}

/** Nest holds a bare prototype for these: it has the methods and none of what the constructor would have been given. */
export function isPerJob(wrapper: Wrapper): boolean {
  return wrapper.isTransient || !wrapper.isDependencyTreeStatic();
}

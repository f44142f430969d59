import { ForbiddenException, HttpException, Inject, Injectable } from '@nestjs/common';
import {
  ApplicationConfig,
  ExternalContextCreator,
  ModulesContainer,
  NestContainer,
  type ContextId,
} from '@nestjs/core';
import { isObservable, lastValueFrom } from 'rxjs';
import { markFatal, messageOf } from '../core/errors.js';
import { parameterValues, isJobParameter } from './job-parameters.decorator.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';

/** The application's modules without what is bound globally. */
class WithoutGlobals extends NestContainer {
  constructor(private readonly found: ModulesContainer) {
    super(new ApplicationConfig());
  }

  override getModules(): ModulesContainer {
    return this.found;
  }
}

/** A handler as Nest is to call it. */
export interface JobTarget {
  readonly instance: object;
  readonly method: (...args: unknown[]) => unknown;
  readonly key: string;
  /** The key of its module. */
  readonly moduleKey: string;
  /** Where Nest finds its parameters; undefined: it gets the payload and the job as they are. */
  readonly parametersKey: string | undefined;
  /** Of a handler that is made for each job. */
  readonly scope: { readonly contextId: ContextId; readonly hostId: string } | undefined;
}

/** What Nest makes of a handler and all that is bound to it. */
export type InContext = (payload: unknown, job: unknown) => Promise<unknown>;

/** What of Nest's context creator is adjusted here: private, and the same in 11 and 12. */
interface Parts {
  handlerMetadataStorage: MethodsParameters;
  readonly container: NestContainer;
  readonly guardsConsumer: { tryActivate(...args: unknown[]): Promise<boolean> };
  readonly pipesConsumer: { apply(value: unknown, metadata: { type: unknown }, pipes: unknown): Promise<unknown> };
  readonly externalErrorProxy: { createProxy(target: unknown, filters: Filters, type: unknown): InContext };
}

/** What Nest found out of methods' parameters. Nest 11 keeps it by the name of the class, which another may have, too. */
class MethodsParameters {
  private readonly byClass = new WeakMap<object, Map<string, unknown>>();

  get({ constructor }: object, method: string): unknown {
    return this.byClass.get(constructor)?.get(method);
  }

  set({ constructor }: object, method: string, parameters: unknown): void {
    const methods = this.byClass.get(constructor) ?? new Map<string, unknown>();
    this.byClass.set(constructor, methods.set(method, parameters));
  }
}

interface Filters {
  next(error: unknown, host: unknown): unknown;
  invokeCustomFilters(error: unknown, host: unknown): unknown;
}

/**
 * Puts guards, interceptors, pipes and filters around handlers, by a context creator of our own: the application's would
 * not tell a guard's denial and a pipe's refusal from errors of the handler, and would let a filter hide an error.
 */
@Injectable()
export class JobContextCreator {
  private readonly creator: ExternalContextCreator;
  private moduleKey = '';

  constructor(
    @Inject(ModulesContainer) modules: ModulesContainer,
    @Inject(ExternalContextCreator) applications: ExternalContextCreator,
    @Inject(JOBS_SETTINGS) settings: JobsSettings,
  ) {
    const container = settings.globalEnhancers ? partsOf(applications).container : new WithoutGlobals(modules);
    this.creator = ExternalContextCreator.fromContainer(container);
    // Nest looks among providers alone, and handlers may be methods of controllers.
    this.creator.getContextModuleKey = () => this.moduleKey;
    const parts = partsOf(this.creator);
    parts.handlerMetadataStorage = new MethodsParameters();
    tellDenials(parts.guardsConsumer);
    tellRefusals(parts.pipesConsumer);
    letFiltersOnlyMap(parts.externalErrorProxy);
  }

  create({ instance, method, key, moduleKey, parametersKey, scope }: JobTarget): InContext {
    this.moduleKey = moduleKey;
    const parameters = parametersKey === undefined ? undefined : parameterValues;
    const options = { guards: true, interceptors: true, filters: true };
    return this.creator.create(
      instance,
      method,
      key,
      parametersKey,
      parameters,
      scope?.contextId,
      scope?.hostId,
      options,
      'job',
    );
  }
}

function partsOf(creator: ExternalContextCreator): Parts {
  return creator as unknown as Parts;
}

function tellDenials(consumer: Parts['guardsConsumer']): void {
  const tryActivate = consumer.tryActivate.bind(consumer);
  consumer.tryActivate = async (...args) => {
    if (await tryActivate(...args)) return true;
    throw markFatal(new ForbiddenException('Forbidden resource'), 'a guard denied it');
  };
}

function tellRefusals(consumer: Parts['pipesConsumer']): void {
  const apply = consumer.apply.bind(consumer);
  consumer.apply = async (value, metadata, pipes) => {
    if (isJobParameter(metadata.type)) return value;
    try {
      return await apply(value, metadata, pipes);
    } catch (error) {
      const refused = error instanceof HttpException && [400, 422].includes(error.getStatus());
      throw refused ? markFatal(error, `a pipe refused the payload: ${problemsOf(error)}`) : error;
    }
  };
}

/** Nest's ValidationPipe lists what is wrong in the response alone. */
function problemsOf(error: HttpException): string {
  const response: unknown = error.getResponse();
  const told = typeof response === 'object' && response !== null && 'message' in response ? response.message : response;
  const texts = (Array.isArray(told) ? told : [told]).filter((one) => typeof one === 'string');
  return texts.join('; ') || messageOf(error);
}

function letFiltersOnlyMap(proxy: Parts['externalErrorProxy']): void {
  const createProxy = proxy.createProxy.bind(proxy);
  proxy.createProxy = (target, filters, type) => {
    filters.next = async (error, host) => {
      const mapped: unknown = await filters.invokeCustomFilters(error, host);
      // As filters of microservices do: an observable that throws.
      if (isObservable(mapped)) await lastValueFrom(mapped, { defaultValue: undefined });
      throw error;
    };
    return createProxy(target, filters, type);
  };
}

import { Inject, Injectable, type Type } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { Handlers, type Handler } from '../core/handlers.js';
import { enhancersOf } from './enhancers.js';
import { isPerJob, JobHandlerCaller } from './job-handler.caller.js';
import { declarationsOn, givenOf, type HandlerDeclaration } from './job-handler.decorator.js';
import { JobsInstances } from './jobs.instances.js';
import { JOBS_SETTINGS, type JobsSettings } from './jobs.settings.js';
import { INSTANCE_NAME } from './own-tokens.js';

export type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;
type Wrapper = NestModule extends { providers: Map<unknown, infer W> } ? W : never;

/** A decorated class or method of a provider. */
export interface Found {
  readonly declaration: HandlerDeclaration;
  readonly wrapper: Wrapper;
  readonly key: string | symbol;
  /** `SendEmail`, `Orders.sendEmail` */
  readonly origin: string;
  readonly module: NestModule;
}

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
   * @throws Error as `explore`
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
    return fresh;
  }

  /** Makes what `look` has found handlers of this process. */
  add(fresh: readonly Found[]): readonly Handler[] {
    return fresh.map((found) => {
      const handler = this.handlerOf(found, this.caller.handleOf(found));
      this.byName.set(handler.name, found);
      this.explored?.add(handler);
      return handler;
    });
  }

  private handlerOf(found: Found, handle?: Handler['handle']): Handler {
    const configured = this.settings.handlers.get(found.declaration.name) ?? {};
    return { ...handlerOf(found, handle), ...givenOf(configured) };
  }
}

function* foundIn(modules: Iterable<NestModule>): Generator<Found> {
  for (const module of modules) {
    for (const wrapper of [...module.providers.values(), ...module.controllers.values()] as Wrapper[]) {
      yield* foundOn(wrapper, module);
    }
  }
}

function* foundOn(wrapper: Wrapper, module: NestModule): Generator<Found> {
  const prototype = prototypeOf(wrapper);
  const type = prototype && classOf(prototype);
  const own = type ? declarationsOn(type) : [];
  // What stands in a decorated class's place, such as a test's `overrideProvider(SendEmail)`, is the handler instead.
  const inPlaceOf = own.length === 0 && typeof wrapper.token === 'function' ? wrapper.token : undefined;
  for (const declaration of inPlaceOf ? declarationsOn(inPlaceOf) : own) {
    yield { declaration, wrapper, key: 'handle', origin: nameOf(inPlaceOf ?? type), module };
  }
  for (const [key, owner] of prototype ? methodsOf(prototype) : []) {
    for (const declaration of declarationsOn(owner, key)) {
      yield { declaration, wrapper, key, origin: `${nameOf(type)}.${String(key)}`, module };
    }
  }
}

/** The prototype of what a wrapper holds or, of a class, will hold. */
function prototypeOf(wrapper: Wrapper): object | undefined {
  if (!wrapper.isNotMetatype) return (wrapper.metatype?.prototype as object | undefined) ?? undefined;
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  return (Object.getPrototypeOf(instance) as object | null) ?? undefined;
}

function classOf(prototype: object): { readonly name: string } | undefined {
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof type === 'function' ? type : undefined;
}

function nameOf(type: { readonly name: string } | undefined): string {
  return type?.name || 'a class without a name';
}

/** The methods of a prototype, the inherited ones too unless overridden, each with the prototype that has it. */
function methodsOf(prototype: object): Map<string | symbol, object> {
  const methods = new Map<string | symbol, object>();
  for (
    let at: object | null = prototype;
    at && at !== Object.prototype;
    at = Object.getPrototypeOf(at) as object | null
  ) {
    for (const key of Reflect.ownKeys(at)) if (!methods.has(key)) methods.set(key, at);
  }
  return methods;
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

/** A factory's way of providing nothing. */
function isLeftOut({ wrapper }: Found): boolean {
  return !isPerJob(wrapper) && (wrapper.instance ?? undefined) === undefined;
}

function checkUsable({ declaration, wrapper, key, origin, module }: Found): void {
  const where = `${origin} in ${module.name} handles job "${declaration.name}", but`;
  const perJob = isPerJob(wrapper);
  if (perJob && module.controllers.get(wrapper.token) === wrapper) {
    throw new Error(
      `${where} it is a method of a controller that is made for each request. Move it to a provider, which may be made for each job.`,
    );
  }
  const prototype = prototypeOf(wrapper);
  // What a factory will make for a job nobody knows yet.
  if (perJob && !prototype) return;
  const method = ((perJob ? prototype : wrapper.instance) as Record<string | symbol, unknown>)[key];
  if (typeof method !== 'function') {
    throw new Error(`${where} has no method ${String(key)}(payload, job). Write one, or remove @JobHandler.`);
  }
  const unmade = enhancersOf(prototype?.constructor, method, key).find((one) => !isMade(one, module));
  if (!unmade) return;
  throw new Error(
    `${where} ${nameOf(unmade as { name: string })}, by which it is decorated, is not made by Nest where a factory or a value (in NestJS 11 also useClass) ` +
      'provides it. Provide the class of the handler itself, or decorate it with an instance.',
  );
}

/** Nest makes what a class is decorated with only where it makes the class itself; else it leaves it out silently. */
function isMade(enhancer: object, module: NestModule): boolean {
  return typeof enhancer !== 'function' || module.injectables.has(enhancer as Type);
}

function isSame(one: Found, other: Found): boolean {
  return one.wrapper.instance === other.wrapper.instance && one.key === other.key;
}

function twice(name: string, one: Found, other: Found): string {
  const sameClass = one.wrapper.metatype !== null && one.wrapper.metatype === other.wrapper.metatype;
  const remedy =
    sameClass && one.key === other.key
      ? 'Each module that provides the class makes an instance of its own: provide it in one, and export it from there.'
      : 'A job has one handler in an application; give one of them another name, or remove it.';
  return `Job "${name}" has two handlers: ${one.origin} in ${one.module.name} and ${other.origin} in ${other.module.name}. ${remedy}`;
}

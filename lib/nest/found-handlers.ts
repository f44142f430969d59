import type { ModulesContainer } from '@nestjs/core';
import { schedulesOn, type ScheduleDeclaration } from './job-schedule.decorator.js';
import { declarationsOn, type HandlerDeclaration } from './job-handler.decorator.js';

export type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;
export type Wrapper = NestModule extends { providers: Map<unknown, infer W> } ? W : never;

/** A decorated class or method of a provider. */
export interface Found {
  readonly declaration: HandlerDeclaration;
  readonly wrapper: Wrapper;
  readonly key: string | symbol;
  /** `SendEmail`, `Orders.sendEmail` */
  readonly origin: string;
  readonly module: NestModule;
  /** When its job recurs. */
  readonly schedules: readonly ScheduleDeclaration[];
}

/** All handlers of these modules' providers and controllers. */
export function* foundIn(modules: Iterable<NestModule>): Generator<Found> {
  for (const module of modules) {
    for (const wrapper of wrappersOf(module)) yield* foundOn(wrapper, module);
  }
}

/** The providers and controllers of a module. */
export function wrappersOf(module: NestModule): readonly Wrapper[] {
  return [...module.providers.values(), ...module.controllers.values()] as Wrapper[];
}

function* foundOn(wrapper: Wrapper, module: NestModule): Generator<Found> {
  const prototype = prototypeOf(wrapper);
  const type = prototype && classOf(prototype);
  const own = type ? declarationsOn(type) : [];
  // What stands in a decorated class's place, such as a test's `overrideProvider(SendEmail)`, is the handler instead.
  const inPlaceOf = own.length === 0 && typeof wrapper.token === 'function' ? wrapper.token : undefined;
  for (const declaration of inPlaceOf ? declarationsOn(inPlaceOf) : own) {
    const schedules = (inPlaceOf ?? type) ? schedulesOn((inPlaceOf ?? type) as object) : [];
    yield { declaration, wrapper, key: 'handle', origin: nameOf(inPlaceOf ?? type), module, schedules };
  }
  if (type && own.length === 0 && schedulesOn(type).length > 0) throw lonely(nameOf(type), module);
  for (const [key, owner] of prototype ? methodsOf(prototype) : []) {
    if (schedulesOn(owner, key).length > 0 && declarationsOn(owner, key).length === 0) {
      throw lonely(`${nameOf(type)}.${String(key)}`, module);
    }
    for (const declaration of declarationsOn(owner, key)) {
      const schedules = schedulesOn(owner, key);
      yield { declaration, wrapper, key, origin: `${nameOf(type)}.${String(key)}`, module, schedules };
    }
  }
}

/** The prototype of what a wrapper holds or, of a class, will hold. */
export function prototypeOf(wrapper: Wrapper): object | undefined {
  if (!wrapper.isNotMetatype) return (wrapper.metatype?.prototype as object | undefined) ?? undefined;
  const instance: unknown = wrapper.instance;
  if (typeof instance !== 'object' || instance === null) return undefined;
  return (Object.getPrototypeOf(instance) as object | null) ?? undefined;
}

function classOf(prototype: object): { readonly name: string } | undefined {
  const type: unknown = Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
  return typeof type === 'function' ? type : undefined;
}

export function nameOf(type: { readonly name: string } | undefined): string {
  return type?.name || 'a class without a name';
}

/** The methods of a prototype, the inherited ones too unless overridden, each with the prototype that has it. */
export function methodsOf(prototype: object): Map<string | symbol, object> {
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

function lonely(origin: string, module: NestModule): Error {
  return new Error(
    `${origin} in ${module.name} has @JobSchedule, but no @JobHandler, so that no job of it could recur. Add @JobHandler beside it, or remove @JobSchedule.`,
  );
}

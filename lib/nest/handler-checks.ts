import type { Type } from '@nestjs/common';
import { enhancersOf } from './enhancers.js';
import { nameOf, prototypeOf, type Found, type NestModule } from './found-handlers.js';
import { isPerJob } from './job-handler.caller.js';

/** A factory's way of providing nothing. */
export function isLeftOut({ wrapper }: Found): boolean {
  return !isPerJob(wrapper) && (wrapper.instance ?? undefined) === undefined;
}

/** @throws Error naming the class and its module where it can't handle */
export function checkUsable({ declaration, wrapper, key, origin, module }: Found): void {
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

/** Whether both are one handler, found by two ways. */
export function isSame(one: Found, other: Found): boolean {
  return one.wrapper.instance === other.wrapper.instance && one.key === other.key;
}

/** What tells that a job has two handlers. */
export function twice(name: string, one: Found, other: Found): string {
  const sameClass = one.wrapper.metatype !== null && one.wrapper.metatype === other.wrapper.metatype;
  const remedy =
    sameClass && one.key === other.key
      ? 'Each module that provides the class makes an instance of its own: provide it in one, and export it from there.'
      : 'A job has one handler in an application; give one of them another name, or remove it.';
  return `Job "${name}" has two handlers: ${one.origin} in ${one.module.name} and ${other.origin} in ${other.module.name}. ${remedy}`;
}

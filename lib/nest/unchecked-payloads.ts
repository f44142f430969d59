import { ValidationPipe } from '@nestjs/common';
import { enhancersOf } from './enhancers.js';
import { prototypeOf, type Found } from './found-handlers.js';

/** Where TypeScript leaves the types of what has a decorator. */
const PARAMETER_TYPES = 'design:paramtypes';

/**
 * What is to be said of a handler whose payload a `ValidationPipe` lets through unchecked: it goes by the parameter's type,
 * and a method without any decorator, such as `handle` of a decorated class, has none at run time. Undefined where all is
 * well, or nobody knows.
 */
export function uncheckedPayload({ wrapper, key, origin, module }: Found): string | undefined {
  const prototype = prototypeOf(wrapper);
  const method = (prototype as Record<string | symbol, unknown> | undefined)?.[key];
  if (!prototype || Reflect.hasMetadata(PARAMETER_TYPES, prototype, key)) return undefined;
  if (!enhancersOf(prototype.constructor, method, key).some(goesByType)) return undefined;
  return (
    `${origin} in ${module.name} has a ValidationPipe, but what type the payload of ${String(key)} has is not known at run ` +
    'time, so that nothing is checked: decorate the parameter, @Payload() payload: …'
  );
}

function goesByType(enhancer: object): boolean {
  if (typeof enhancer === 'function') return isOrExtends(enhancer);
  return enhancer instanceof ValidationPipe && !Reflect.get(enhancer, 'expectedType');
}

function isOrExtends(type: { readonly prototype?: unknown }): boolean {
  return type === ValidationPipe || type.prototype instanceof ValidationPipe;
}

import {
  EXCEPTION_FILTERS_METADATA,
  GUARDS_METADATA,
  INTERCEPTORS_METADATA,
  PIPES_METADATA,
} from '@nestjs/common/constants.js';
import { parametersOf } from './job-parameters.decorator.js';

const KINDS = [GUARDS_METADATA, INTERCEPTORS_METADATA, PIPES_METADATA, EXCEPTION_FILTERS_METADATA];

/** The guards, interceptors, pipes and filters that a class or a method is decorated with: classes, or instances. */
function boundTo(target: object): object[] {
  return KINDS.flatMap((kind) => (Reflect.getMetadata(kind, target) as object[] | undefined) ?? []);
}

/** All that a handler's class, its method and the method's parameters are decorated with. */
export function enhancersOf(type: object | undefined, method: unknown, key: string | symbol): readonly object[] {
  const parameters = type ? Object.values(parametersOf(type, key) ?? {}) : [];
  return [
    ...(type ? boundTo(type) : []),
    ...(typeof method === 'function' ? boundTo(method) : []),
    ...parameters.flatMap(({ pipes }) => pipes ?? []),
  ];
}

/** Whether pipes are bound to the class or the method. */
export function hasPipes(type: object, method: object): boolean {
  return [type, method].some((target) => Reflect.hasMetadata(PIPES_METADATA, target));
}

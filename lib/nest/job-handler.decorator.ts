import 'reflect-metadata';
import type { Job } from '../core/job.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import { within } from './checked-object.js';
import {
  checkedHandlerOptions,
  type CheckedHandlerOptions,
  type JobHandlerDecoratorOptions,
} from './job-handler.options.js';
import { DEFAULT_INSTANCE } from './own-tokens.js';

/** What a decorator leaves behind. */
export interface HandlerDeclaration {
  readonly name: string;
  /** The instance of the module that runs it. */
  readonly instance: string;
  readonly options: CheckedHandlerOptions;
}

/** What `@JobHandler` may stand on: a class with a method `handle(payload, job)`, or any method that takes the same. */
export interface JobHandlerDecorator {
  (target: abstract new (...args: never[]) => { handle(payload: never, job: Job<never>): unknown }): void;
  <Method extends (payload: never, job: Job<never>) => unknown>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}

const METADATA_KEY = 'nestjs-jobs:handler_metadata';

/**
 * Makes an injectable class with a method `handle(payload, job)`, or any method of a provider or controller, the handler
 * of the jobs of this name. What it returns is the job's result; what it throws decides whether the job is tried again.
 *
 * The decoration belongs to this class alone: a class that extends it is no handler unless it is decorated itself or
 * provided in its place, `{ provide: SendEmail, useClass: … }`. A method is inherited with its decoration.
 *
 * @param name 1 to 100 of `A-Z a-z 0-9 _ - .`, not starting with `.` or `-`; one handler in an application
 * @throws TypeError naming the class and the option, what was expected and what was given
 */
export function JobHandler(name: string, options: JobHandlerDecoratorOptions = {}): JobHandlerDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const place = `@JobHandler(${show(name)}) on ${placeOf(target, key)}: `;
    const declaration = within(place, () => {
      checkName('job name', name);
      const usable = key === undefined ? isClass(target) : !isClass(target) && typeof descriptor?.value === 'function';
      if (!usable) throw new TypeError('expected a class or a method that is not static');
      return { name, ...checkedDecoration(options) };
    });
    if (key === undefined) Reflect.defineMetadata(METADATA_KEY, [...declarationsOn(target), declaration], target);
    else Reflect.defineMetadata(METADATA_KEY, [...declarationsOn(target, key), declaration], target, key);
  };
}

/** What the class, or with `key` the method that this very prototype has, was decorated with; nothing inherited. */
export function declarationsOn(target: object, key?: string | symbol): readonly HandlerDeclaration[] {
  const found: unknown =
    key === undefined
      ? Reflect.getOwnMetadata(METADATA_KEY, target)
      : Reflect.getOwnMetadata(METADATA_KEY, target, key);
  return (found as readonly HandlerDeclaration[] | undefined) ?? [];
}

function checkedDecoration(given: JobHandlerDecoratorOptions): Omit<HandlerDeclaration, 'name'> {
  const options = checkedHandlerOptions(given, 'options', ['instance']);
  const { instance = DEFAULT_INSTANCE } = given;
  within('options.instance: ', () => checkName('instance name', instance));
  return { instance, options };
}

function isClass(target: object): boolean {
  return typeof target === 'function';
}

function placeOf(target: object, key: string | symbol | undefined): string {
  const type = isClass(target) ? target : target.constructor;
  const name = (type as { name?: string }).name || 'a class without a name';
  return key === undefined ? name : `${name}.${String(key)}`;
}

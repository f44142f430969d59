import 'reflect-metadata';
import { isDefinition, type JobDefinition } from '../core/definition.js';
import type { Forward } from '../core/forward.js';
import type { Job } from '../core/job.js';
import type { JobName, NamedPayload, NamedResult } from '../core/job-types.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import { within } from '../core/checked-object.js';
import { checkedHandlerOptions, type CheckedHandlerOptions, type JobHandlerOptions } from '../core/handler-options.js';
import { DEFAULT_INSTANCE } from './own-tokens.js';

/** What `@JobHandler` takes. */
export interface JobHandlerDecoratorOptions extends JobHandlerOptions {
  /** The `name` of the `JobsModule.forRoot({ name })` that runs it. Default: the one without a name. */
  readonly instance?: string;
}

/** What a decorator leaves behind. */
export interface HandlerDeclaration {
  readonly name: string;
  readonly definition: JobDefinition | undefined;
  /** The instance of the module that runs it. */
  readonly instance: string;
  readonly options: CheckedHandlerOptions;
}

/** What a handler may return: its job's result, or that it goes on as another. */
type Returned<Result> = Result | Forward | Promise<Result | Forward>;

/** The method of a handler whose job has types; any method where its payload is `unknown`. */
export type HandlerMethod<Payload, Result> = unknown extends Payload
  ? (...args: never[]) => Returned<Result>
  : (payload: Payload, job: Job<Payload>) => Returned<Result>;

/** What `@JobHandler` may stand on: a class with a method `handle(payload, job)`, or any method that takes the same. */
export interface JobHandlerDecorator<Payload = unknown, Result = unknown> {
  (target: abstract new (...args: never[]) => { handle: HandlerMethod<Payload, Result> }): void;
  <Method extends HandlerMethod<Payload, Result>>(
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
 * @param job a definition, whose types the method has to keep; or a plain name, 1 to 100 of `A-Z a-z 0-9 _ - .`, not
 * starting with `.` or `-`. One handler in an application
 * @param options go before those of the definition, but `queue` and `priority` may not differ: publishers elsewhere go by
 * the definition
 * @throws TypeError naming the class and the option, what was expected and what was given
 */
export function JobHandler<Out, Result>(
  job: JobDefinition<string, unknown, Out, Result>,
  options?: JobHandlerDecoratorOptions,
): JobHandlerDecorator<Out, Result>;
export function JobHandler<Name extends JobName>(
  job: Name,
  options?: JobHandlerDecoratorOptions,
): JobHandlerDecorator<NamedPayload<Name>, NamedResult<Name>>;
export function JobHandler(job: string | JobDefinition, options: JobHandlerDecoratorOptions = {}): JobHandlerDecorator {
  return (target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void => {
    const definition = isDefinition(job) ? job : undefined;
    const name: unknown = definition ? definition.name : job;
    const place = `@JobHandler(${show(name)}) on ${placeOf(target, key)}: `;
    const declaration = within(place, () => {
      checkName('job name', name);
      const usable = key === undefined ? isClass(target) : !isClass(target) && typeof descriptor?.value === 'function';
      if (!usable) throw new TypeError('expected a class or a method that is not static');
      return { name, definition, ...checkedDecoration(definition, options) };
    });
    if (key === undefined) Reflect.defineMetadata(METADATA_KEY, [...declarationsOn(target), declaration], target);
    else Reflect.defineMetadata(METADATA_KEY, [...declarationsOn(target, key), declaration], target, key);
  };
}

/** @throws TypeError */
function checkedDecoration(
  definition: JobDefinition | undefined,
  given: JobHandlerDecoratorOptions,
): Pick<HandlerDeclaration, 'instance' | 'options'> {
  const own = checkedHandlerOptions(given, 'options', ['instance']);
  const { instance = DEFAULT_INSTANCE } = given;
  within('options.instance: ', () => checkName('instance name', instance));
  return { instance, options: definition ? withDefined(definition, own) : own };
}

/** @throws TypeError where publishers, who go by the definition, would not agree */
function withDefined(definition: JobDefinition, own: CheckedHandlerOptions): CheckedHandlerOptions {
  const defined = checkedHandlerOptions(definition.options, 'options');
  for (const option of ['queue', 'priority'] as const) {
    const [expected, got] = [defined[option], own[option]];
    if (expected === undefined || got === undefined || expected === got) continue;
    throw new TypeError(
      `options.${option}: expected ${show(expected)} as the definition says, by which others publish, or nothing; got ${show(got)}`,
    );
  }
  return { ...defined, ...givenOf(own) };
}

/** The options that are given. */
export function givenOf(options: Partial<CheckedHandlerOptions>): Partial<CheckedHandlerOptions> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** What the class, or with `key` the method that this very prototype has, was decorated with; nothing inherited. */
export function declarationsOn(target: object, key?: string | symbol): readonly HandlerDeclaration[] {
  const found: unknown =
    key === undefined
      ? Reflect.getOwnMetadata(METADATA_KEY, target)
      : Reflect.getOwnMetadata(METADATA_KEY, target, key);
  return (found as readonly HandlerDeclaration[] | undefined) ?? [];
}

function isClass(target: object): boolean {
  return typeof target === 'function';
}

function placeOf(target: object, key: string | symbol | undefined): string {
  const type = isClass(target) ? target : target.constructor;
  const name = (type as { name?: string }).name || 'a class without a name';
  return key === undefined ? name : `${name}.${String(key)}`;
}

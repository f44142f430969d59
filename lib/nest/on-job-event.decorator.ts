import 'reflect-metadata';
import { within } from '../core/checked-object.js';
import { checkEventName, type JobEventListener, type JobEventName } from '../core/events.js';
import { checkedObject } from '../core/checked-object.js';
import type { WorkerEvent } from '../core/worker-events.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import { DEFAULT_INSTANCE } from './own-tokens.js';

/** What `@OnJobEvent` takes. */
export interface OnJobEventOptions {
  /** The `name` of the `JobsModule.forRoot({ name })` whose events are heard. Default: the one without a name. */
  readonly instance?: string;
  /** Of this process, at once; the default. */
  readonly from?: 'here';
}

/** What `@OnJobEvent` takes where it hears of all processes. */
export interface OnWorkerEventOptions extends Omit<OnJobEventOptions, 'from'> {
  /** Of all processes that handle jobs, this one too, as `JobsService.follow` tells it, in each process that has the method. */
  readonly from: 'all';
}

export type EventsFrom = 'here' | 'all';

/** What a decorator leaves behind. */
export interface ListenerDeclaration {
  readonly event: JobEventName;
  readonly from: EventsFrom;
  readonly instance: string;
}

/** What `@OnJobEvent` may stand on: a method that takes what the event tells, or nothing. */
export type OnJobEventDecorator<Name extends JobEventName> = <Method extends JobEventListener<Name>>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

/** What `@OnJobEvent` may stand on where it hears of all processes. */
export type OnWorkerEventDecorator<Name extends JobEventName> = <Method extends (event: WorkerEvent<Name>) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Method>,
) => void;

const METADATA_KEY = 'nestjs-jobs:listener_metadata';

/**
 * Calls a method of a provider or controller at each such event of this process's jobs. Where it throws or rejects, that is
 * logged, and harms neither the job nor others. A method may listen to several events, and is inherited with its decoration.
 *
 * @throws TypeError naming the class and the method, what was expected and what was given
 */
export function OnJobEvent<Name extends JobEventName>(
  event: Name,
  options?: OnJobEventOptions,
): OnJobEventDecorator<Name>;

/**
 * The same of the jobs of all processes, in plain data; from the start of the application on, about 100 ms after the fact. Of an
 * engine that keeps no records, the application does not start.
 */
export function OnJobEvent<Name extends JobEventName>(
  event: Name,
  options: OnWorkerEventOptions,
): OnWorkerEventDecorator<Name>;

export function OnJobEvent<Name extends JobEventName>(
  event: Name,
  options: OnJobEventOptions | OnWorkerEventOptions = {},
): OnJobEventDecorator<Name> {
  return (target, key, descriptor) => {
    const type = typeof target === 'function' ? target : target.constructor;
    within(`@OnJobEvent(${show(event)}) on ${type.name || 'a class without a name'}.${String(key)}: `, () => {
      checkEventName(event);
      if (typeof target === 'function' || typeof descriptor?.value !== 'function') {
        throw new TypeError('expected a method that is not static');
      }
      const { instance = DEFAULT_INSTANCE, from = 'here' } = checkedObject(options, ['instance', 'from'], 'options');
      within('options.instance: ', () => checkName('instance name', instance));
      if (from !== 'here' && from !== 'all') {
        throw new TypeError(`options.from: expected 'here' or 'all', got ${show(from)}`);
      }
      const declaration: ListenerDeclaration = { event, from, instance: instance as string };
      Reflect.defineMetadata(METADATA_KEY, [...listenersOn(target, key), declaration], target, key);
    });
  };
}

/** What the method that this very prototype has was decorated with; nothing inherited. */
export function listenersOn(target: object, key: string | symbol): readonly ListenerDeclaration[] {
  const found: unknown = Reflect.getOwnMetadata(METADATA_KEY, target, key);
  return (found as readonly ListenerDeclaration[] | undefined) ?? [];
}

import 'reflect-metadata';
import { within } from '../core/checked-object.js';
import { checkedSchedule, type ScheduleOptions } from '../core/schedule.js';
import { show } from '../core/show.js';

/** What `@JobSchedule` takes. */
export interface JobScheduleOptions<Payload = unknown> extends ScheduleOptions {
  /** The payload of each tick's job. Default null. */
  readonly payload?: Payload;
}

/** What a decorator leaves behind. */
export interface ScheduleDeclaration {
  readonly cron: string;
  readonly options: JobScheduleOptions;
}

const METADATA_KEY = 'nestjs-jobs:schedule_metadata';

/**
 * Lets the job of a handler recur: beside `@JobHandler`, on the same class or method. Each tick is published once over all
 * processes that have the handler, also when some of them die; where no process has it any more, nothing is.
 *
 * @param cron five fields, or six with seconds first: `'0 9 * * 1-5'`; also `@hourly`, `@daily` and the like
 * @throws TypeError naming the class and the option, what was expected and what was given
 */
export function JobSchedule(cron: string, options: JobScheduleOptions = {}): ClassDecorator & MethodDecorator {
  return (target: object, key?: string | symbol): void => {
    const type = typeof target === 'function' ? target : target.constructor;
    const place = `@JobSchedule(${show(cron)}) on ${type.name || 'a class without a name'}${key === undefined ? '' : `.${String(key)}`}: `;
    const { payload: _payload, ...others } = options;
    within(place, () => checkedSchedule(cron, 'job', null, others));
    const declaration: ScheduleDeclaration = { cron, options };
    if (key === undefined) Reflect.defineMetadata(METADATA_KEY, [...schedulesOn(target), declaration], target);
    else Reflect.defineMetadata(METADATA_KEY, [...schedulesOn(target, key), declaration], target, key);
  };
}

/** What the class, or with `key` the method that this very prototype has, was decorated with; nothing inherited. */
export function schedulesOn(target: object, key?: string | symbol): readonly ScheduleDeclaration[] {
  const found: unknown =
    key === undefined
      ? Reflect.getOwnMetadata(METADATA_KEY, target)
      : Reflect.getOwnMetadata(METADATA_KEY, target, key);
  return (found as readonly ScheduleDeclaration[] | undefined) ?? [];
}

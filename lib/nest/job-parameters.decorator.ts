import 'reflect-metadata';
import type { PipeTransform, Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import type { Job } from '../core/job.js';

/** What Nest keeps of the decorated parameters of a method: by type and index. */
type Parameters = Readonly<Record<string, Parameter>>;

interface Parameter {
  readonly index: number;
  /** Of the payload, the path to a part. */
  readonly data: unknown;
  readonly pipes?: readonly (PipeTransform | Type<PipeTransform>)[];
}

/** A pipe, or its class. */
export type JobPipe = PipeTransform | Type<PipeTransform>;

/** Nest's own number of a body: what pipes are told of, and validate. */
const PAYLOAD = 3;
/** None of Nest's own. */
const JOB = 1_000;

/** Where the parameters of methods without parameter decorators stand: the payload, and the job. */
export const PLAIN_PARAMETERS = 'nestjs-jobs:plain_parameters';

const PLAIN: Parameters = {
  [`${PAYLOAD}:0`]: { index: 0, data: undefined, pipes: [] },
  [`${JOB}:1`]: { index: 1, data: undefined, pipes: [] },
};

/**
 * The job's payload, or a part of it, as a parameter of its handler. With such a decorator the method's types are known
 * at run time, which pipes such as Nest's `ValidationPipe` go by.
 *
 * @param path the part, `customer.address`; `undefined` where there is none. Default: the payload
 * @param pipes applied to it, after those bound by `@UsePipes`
 */
export function Payload(...pipes: JobPipe[]): ParameterDecorator;
export function Payload(path: string, ...pipes: JobPipe[]): ParameterDecorator;
export function Payload(first?: string | JobPipe, ...pipes: JobPipe[]): ParameterDecorator {
  if (first === undefined || typeof first === 'string') return decorator(PAYLOAD, first, pipes);
  return decorator(PAYLOAD, undefined, [first, ...pipes]);
}

/** The job as a parameter of its handler. Pipes bound by `@UsePipes` leave it as it is. */
export function CurrentJob(): ParameterDecorator {
  return decorator(JOB, undefined, []);
}

function decorator(type: number, data: string | undefined, pipes: readonly JobPipe[]): ParameterDecorator {
  return (target, key, index) => {
    if (key === undefined) throw new TypeError('@Payload and @CurrentJob: expected a parameter of a method');
    const before = parametersOf(target.constructor, key) ?? {};
    const all: Parameters = { ...before, [`${type}:${index}`]: { index, data, pipes } };
    Reflect.defineMetadata(ROUTE_ARGS_METADATA, all, target.constructor, key);
  };
}

/** The decorated parameters of a method; undefined where it has none. */
export function parametersOf(type: object, key: string | symbol): Parameters | undefined {
  return Reflect.getMetadata(ROUTE_ARGS_METADATA, type, key) as Parameters | undefined;
}

/** Lets pipes have the parameters of a method without parameter decorators. */
export function setPlainParameters(type: object, key: string | symbol): void {
  Reflect.defineMetadata(PLAIN_PARAMETERS, PLAIN, type, key);
}

/** Whether pipes have to leave a parameter of this type alone. */
export function isJobParameter(type: unknown): boolean {
  return Number(type) === JOB;
}

/** How Nest gets a parameter's value from what the handler is called with. */
export const parameterValues = {
  exchangeKeyForValue(type: number, data: unknown, [payload, job]: readonly [payload: unknown, job: Job]): unknown {
    if (type === JOB) return job;
    return type === PAYLOAD ? partOf(payload, data) : undefined;
  },
};

function partOf(payload: unknown, path: unknown): unknown {
  if (typeof path !== 'string') return payload;
  let part: unknown = payload;
  for (const step of path.split('.')) {
    if (typeof part !== 'object' || part === null || !Object.hasOwn(part, step)) return undefined;
    part = (part as Record<string, unknown>)[step];
  }
  return part;
}

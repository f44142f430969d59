import type { ErrorMatcher, ErrorRules, RetryOptions } from './errors.js';

/** Too early and too many requests, time-outs: the same request may succeed later. All of 500 and above may, too. */
const PASSING = new Set([408, 425, 429]);

/**
 * What errors with an HTTP status mean, for the module's option `errors`: Nest's `HttpException`, and those of fetch-like
 * clients (`status`, `statusCode`, or that of their `response`). 408, 425, 429 and 500 to 599 are transient, retried
 * after the response's `Retry-After` where it has one (seconds, or a date); all other of 400 to 499 are fatal.
 *
 * @param rules your own; asked before these where they are of the same kind
 */
export function httpErrors(rules: ErrorRules = {}): ErrorRules {
  return {
    ...rules,
    transient: [...(rules.transient ?? []), passing],
    fatal: [...(rules.fatal ?? []), (error: Error) => isOurs(error, 400, 500) && !PASSING.has(statusOf(error) ?? 0)],
  };
}

const passing: ErrorMatcher = (error: Error): boolean | RetryOptions => {
  if (!isOurs(error, 500, 600) && !PASSING.has(statusOf(error) ?? 0)) return false;
  const retryIn = retryAfterMs(error, Date.now());
  return retryIn === undefined ? true : { retryIn };
};

function isOurs(error: Error, from: number, to: number): boolean {
  const status = statusOf(error);
  return status !== undefined && status >= from && status < to;
}

function statusOf(error: Error): number | undefined {
  const response = fieldOf(error, 'response');
  const found = [
    fieldOf(error, 'status'),
    fieldOf(error, 'statusCode'),
    fieldOf(response, 'status'),
    fieldOf(response, 'statusCode'),
  ];
  return found.find((one): one is number => typeof one === 'number');
}

/** From now on, in milliseconds; undefined where the response doesn't tell, or nothing that can be read. */
function retryAfterMs(error: Error, now: number): number | undefined {
  const sources = [error, fieldOf(error, 'response')].map((one) => fieldOf(one, 'headers'));
  const text = sources.map(retryAfterOf).find((one) => one !== undefined);
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = /[A-Za-z]/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(date) ? undefined : Math.max(date - now, 0);
}

function retryAfterOf(headers: unknown): string | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const get = fieldOf(headers, 'get');
  const value: unknown =
    typeof get === 'function'
      ? Reflect.apply(get, headers, ['retry-after'])
      : Object.entries(headers).find(([name]) => name.toLowerCase() === 'retry-after')?.[1];
  const text: unknown = Array.isArray(value) ? value[0] : value;
  return typeof text === 'string' || typeof text === 'number' ? String(text).trim() : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return (value as Record<string, unknown>)[name];
}

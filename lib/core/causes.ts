import { isNativeError } from 'node:util/types';

/** How far causes are followed: a getter may make up new ones without end. */
const FARTHEST = 100;

/** Whether a thrown value is an error, also one of another realm; never throws, whatever it is. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || isNativeError(value);
  } catch {
    // A proxy whose trap throws, or that was revoked.
    return false;
  }
}

/** An error and its causes, as far as they are errors and don't repeat; never throws. */
export function causesOf(error: Error): Error[] {
  const chain: Error[] = [];
  for (let at: unknown = error; isError(at) && !chain.includes(at) && chain.length < FARTHEST; at = causeOf(at)) {
    chain.push(at);
  }
  return chain;
}

function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    return undefined;
  }
}

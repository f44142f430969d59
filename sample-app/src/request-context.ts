import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ContextCarrier } from 'nestjs-jobs';

const requestIds = new AsyncLocalStorage<string | undefined>();

/** The request that is being answered, or whose job is being handled. */
export function requestId(): string | undefined {
  return requestIds.getStore();
}

/** A customer who asks what became of an order can quote the request's id; a proxy may have given it one before. */
export function giveRequestId(request: IncomingMessage, response: ServerResponse, next: () => void): void {
  const given = request.headers['x-request-id'];
  const id = typeof given === 'string' && /^[\w.-]{1,100}$/.test(given) ? given : randomUUID();
  response.setHeader('x-request-id', id);
  requestIds.run(id, next);
}

/** Takes the id along from the request to its jobs, be they handled days later in another process. */
export const contextCarrier: ContextCarrier = {
  capture: () => ({ request_id: requestId() }),
  restore: (headers, run) => requestIds.run(headers['request_id'], run),
};

import type { Delivery } from '../../core/backend.js';

/** One reserve that was not answered yet. */
interface Request {
  readonly max: number;
  readonly resolve: (deliveries: readonly Delivery[]) => void;
  readonly reject: (error: Error) => void;
  readonly signals: readonly AbortSignal[];
  readonly onAbort: () => void;
}

/** The reserves of a queue that wait for jobs, the first first. */
export class Requests {
  private readonly waiting = new Set<Request>();
  /** Set while jobs are on their way: an aborted reserve waits for its part of them. */
  private filling = false;

  get size(): number {
    return this.waiting.size;
  }

  /** How many jobs they would take. */
  get wanted(): number {
    let wanted = 0;
    for (const { max } of this.waiting) wanted += max;
    return wanted;
  }

  add(max: number, signals: readonly AbortSignal[]): Promise<readonly Delivery[]> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        if (!this.filling) this.end(request, []);
      };
      const request: Request = { max, resolve, reject, signals, onAbort };
      this.waiting.add(request);
      for (const signal of signals) signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  /** Jobs are on their way. */
  expect(): void {
    this.filling = true;
  }

  /** Gives out what has come, to the first first; none to those who were aborted meanwhile. What is left, nobody wants. */
  give(deliveries: readonly Delivery[]): void {
    this.filling = false;
    let given = 0;
    for (const request of [...this.waiting]) {
      const part = deliveries.slice(given, given + request.max);
      given += part.length;
      if (part.length > 0 || request.signals.some((signal) => signal.aborted)) this.end(request, part);
    }
  }

  /** Nothing came. */
  giveNothing(): void {
    this.filling = false;
    for (const request of [...this.waiting]) this.end(request, []);
  }

  fail(error: Error): void {
    this.filling = false;
    for (const request of [...this.waiting]) {
      this.end(request, undefined);
      request.reject(error);
    }
  }

  private end(request: Request, deliveries: readonly Delivery[] | undefined): void {
    this.waiting.delete(request);
    for (const signal of request.signals) signal.removeEventListener('abort', request.onAbort);
    if (deliveries) request.resolve(deliveries);
  }
}

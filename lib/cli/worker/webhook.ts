import { messageOf } from '../../core/errors.js';
import type { JobEvents } from '../../core/events.js';
import type { JobRef } from '../../core/job.js';
import type { Reporter } from '../../core/reporter.js';
import type { WebhookConfig, WebhookEvent } from './webhook-config.js';

/** How many events may wait; of what comes beyond, the latest is not told. */
const MOST_WAITING = 1_000;

interface Telling {
  readonly event: WebhookEvent;
  readonly at: string;
  readonly job: JobRef;
  readonly [detail: string]: unknown;
}

/**
 * Tells a URL what becomes of jobs, one after the other. What it answers, or that it doesn't, touches no job: the log says
 * once that it fails, and once that it answers again.
 */
export class Webhook {
  private readonly waiting: Telling[] = [];
  private sending: Promise<void> | undefined;
  private failing = false;
  private untold = 0;
  private readonly closing = new AbortController();

  constructor(
    private readonly config: WebhookConfig,
    private readonly reporter: Reporter,
  ) {}

  listen(events: JobEvents): void {
    const tell = (event: WebhookEvent, job: JobRef, details: Record<string, unknown> = {}): void => {
      if (this.config.events.has(event)) this.tell({ event, at: new Date().toISOString(), job, ...details });
    };
    events.on('started', ({ job }) => tell('started', job));
    events.on('completed', ({ job, result, durationMs }) => tell('done', job, { result, durationMs }));
    events.on('retried', ({ job, error, at }) => tell('retried', job, { error: messageOf(error), retryAt: at }));
    events.on('blocked', ({ job, error, at }) => tell('blocked', job, { error: messageOf(error), retryAt: at }));
    events.on('failed', ({ job, reason, error }) => tell('failed', job, { reason, error: messageOf(error) }));
    events.on('expired', ({ job, reason }) => tell('expired', job, { reason }));
  }

  /** Tells what waits, for at most so long. Never rejects. */
  async close(ms: number): Promise<void> {
    const limit = setTimeout(() => this.closing.abort(), ms);
    await this.sending;
    clearTimeout(limit);
    const left = this.waiting.length + this.untold;
    if (left > 0) this.reporter.warn(`the webhook was not told of ${left} events`);
  }

  private tell(telling: Telling): void {
    if (this.waiting.length >= MOST_WAITING) {
      this.untold += 1;
      return;
    }
    this.waiting.push(telling);
    this.sending ??= this.send().finally(() => (this.sending = undefined));
  }

  private async send(): Promise<void> {
    for (let next = this.waiting.shift(); next && !this.closing.signal.aborted; next = this.waiting.shift()) {
      try {
        await this.post(next);
        if (this.failing) this.reporter.log('the webhook answers again');
        this.failing = false;
      } catch (error) {
        this.untold += 1;
        if (!this.failing) this.reporter.warn(`the webhook fails, and jobs go on without it: ${causeOf(error)}`);
        this.failing = true;
      }
    }
  }

  private async post(telling: Telling): Promise<void> {
    const { url, headers, timeoutMs } = this.config;
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(telling),
      signal: AbortSignal.any([this.closing.signal, AbortSignal.timeout(timeoutMs)]),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answers ${response.status}`);
  }
}

/** `fetch` tells by its error's cause what was the matter. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)}: ${messageOf(cause)}`;
}

import { durationMs } from '../../core/duration.js';
import type { ConfigNode } from './config-file.js';

/** Of what a webhook may be told. */
export const WEBHOOK_EVENTS = ['started', 'done', 'retried', 'blocked', 'failed', 'expired'] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Who is told what becomes of jobs. */
export interface WebhookConfig {
  readonly url: string;
  readonly events: ReadonlySet<WebhookEvent>;
  readonly headers: Readonly<Record<string, string>>;
  /** How long it may take to answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** @throws UsageError naming the line */
export function webhookConfig(node: ConfigNode): WebhookConfig {
  const entries = node.entries(['url', 'events', 'headers', 'timeout']);
  const url = entries.get('url') ?? node.fail('expected a url, got none');
  const address = url.text('a URL such as https://example.org/jobs');
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    url.fail('expected a URL that starts with http: or https:');
  }
  const timeout = entries.get('timeout');
  const named = entries.get('events')?.items(`a list of ${WEBHOOK_EVENTS.join(', ')}`);
  const events = named?.map((one) => {
    const event = WEBHOOK_EVENTS.find((known) => known === one.value);
    return event ?? one.fail(`expected one of ${WEBHOOK_EVENTS.join(', ')}, got ${String(one.value)}`);
  });
  return {
    url: address,
    events: new Set(events ?? WEBHOOK_EVENTS),
    headers: entries.get('headers')?.texts() ?? {},
    timeoutMs: timeout ? timeout.check(() => durationMs(timeout.value, timeout.path)) : 5_000,
  };
}

import type { StoredState } from './inspector.js';
import { isUnreadable } from './message.js';

/** From when on a job that stood elsewhere may be handled, in milliseconds since 1970: one that waited, at once. */
export function startOf({ state, readyAt, content }: StoredState, now: number): number {
  const said = readyAt ?? (isUnreadable(content) ? undefined : content.readyAt) ?? now;
  return state === 'delayed' ? said : Math.min(said, now);
}

/** What a job that stood elsewhere says; where its delay was cut short the message says so too, for the core goes by it. */
export function contentFrom(job: StoredState, now: number): StoredState['content'] {
  const { content } = job;
  const start = startOf(job, now);
  return !isUnreadable(content) && (content.readyAt ?? 0) > start ? { ...content, readyAt: start } : content;
}

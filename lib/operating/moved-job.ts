import { isDeepStrictEqual } from 'node:util';
import type { InspectedJob, JobState, StoredState } from '../core/inspector.js';
import { isUnreadable, type Message, type ReceivedMessage, type Unreadable } from '../core/message.js';

/** A job that stands somewhere, as it is to be stored elsewhere. */
export function storedStateOf(job: InspectedJob, state: StoredState['state']): StoredState {
  const { content, attempts, storedAt, readyAt, endedAt, reason, failures } = job;
  return { state, content: contentOf(content), attempts, storedAt, readyAt, endedAt, reason, failures };
}

/**
 * Whether two jobs of one id are the same, one of them moved. What engines round, and what nobody has said, is no
 * difference; a delayed one may have become due meanwhile.
 */
export function isSameJob(one: InspectedJob, other: InspectedJob): boolean {
  return standing(one.state) === standing(other.state) && one.attempts === other.attempts && hasSameContent(one, other);
}

function hasSameContent({ content: one }: InspectedJob, { content: other }: InspectedJob): boolean {
  if (isUnreadable(one) || isUnreadable(other)) {
    return isUnreadable(one) && isUnreadable(other) && Buffer.from(one.bytes).equals(Buffer.from(other.bytes));
  }
  if (one.id !== other.id || one.name !== other.name || one.expiresAt !== other.expiresAt) return false;
  if (one.publishedAt !== undefined && other.publishedAt !== undefined && one.publishedAt !== other.publishedAt) {
    return false;
  }
  return isDeepStrictEqual(one.payload, other.payload) && isDeepStrictEqual({ ...one.headers }, { ...other.headers });
}

function standing(state: JobState): JobState {
  return state === 'delayed' ? 'waiting' : state;
}

function contentOf(content: ReceivedMessage | Unreadable): Message | Unreadable {
  if (isUnreadable(content)) return content;
  const { payload, ...envelope } = content;
  return { ...envelope, body: JSON.stringify(payload ?? null) };
}

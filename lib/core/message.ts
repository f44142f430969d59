import type { BackoffPlan } from './backoff.js';

/** The least urgent priority; 0 is the most urgent. */
export const LEAST_PRIORITY = 4_294_967_295;
export const DEFAULT_PRIORITY = 1024;

/** The fields of a message's header that are ours; others are the user's headers. */
export const RESERVED_HEADERS: ReadonlySet<string> = new Set([
  'request_type',
  'priority',
  'delay',
  'expiration',
  'published',
  'attempts',
  'max_attempts',
  'backoff',
  'timeout',
  'version',
]);

/**
 * Headers by which the core keeps what goes along with a job. They travel as the user's do, but are ours, and handlers
 * don't see them.
 */
export const OWN_HEADERS: ReadonlySet<string> = new Set([
  'keep_result',
  'answer_key',
  'answer_to',
  'unique_key',
  'unique_while',
  'unique_until',
  'tick',
]);

/** What a published and a received message have alike. Times are milliseconds since 1970. */
interface Envelope {
  readonly id: string;
  /** The job's name, which finds its handler. */
  readonly name: string;
  /** A whole number, 0 (most urgent) to 4,294,967,295. */
  readonly priority: number;
  /** Missing in messages of others that don't say. */
  readonly publishedAt?: number;
  /** Not to be handled before. */
  readonly readyAt?: number;
  /** Not to be handled after. */
  readonly expiresAt?: number;
  /** Attempts used up before it was published here; 0 but for messages of others. */
  readonly attemptsUsed: number;
  /** Of the job's own; where missing, the consuming process decides. */
  readonly maxAttempts?: number;
  readonly backoff?: BackoffPlan;
  readonly timeoutMs?: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A job as it is published. */
export interface Message extends Envelope {
  /** Whether its id was made just now, so that no other job can have it. A backend may spare itself the look. */
  readonly freshId?: boolean;
  /** The payload as JSON text. */
  readonly body: string;
}

/** A job as it is handed out. */
export interface ReceivedMessage extends Envelope {
  /** The payload, of the receiver's own. */
  readonly payload: unknown;
}

/** Stored bytes that are no message. */
export interface Unreadable {
  readonly unreadable: string;
  /** The id by which it is known: that of the file, or of the engine's job. */
  readonly id: string;
  readonly bytes: Uint8Array;
  /**
   * `'foreign'`: no message at all, which a queue's `rawJob` may take as a payload. `'damaged'`: meant as a message,
   * but one of its fields can't be read, or it is empty or no text.
   */
  readonly kind: 'foreign' | 'damaged';
}

/** What is handed out for a published message, for engines that keep its fields apart. */
export function receive(message: Message): ReceivedMessage {
  const { body, freshId: _freshId, ...envelope } = message;
  return { ...envelope, payload: JSON.parse(body) as unknown };
}

/** The message as others see it: one JSON object. */
export function encodeMessage(message: Message): string {
  const { id, name, priority, readyAt, expiresAt, publishedAt, attemptsUsed, body } = message;
  // Put together by hand: an object made for each message, to be turned into text, took twice as long.
  let header = `"request_type":${JSON.stringify(name)},"priority":${priority}`;
  if (readyAt !== undefined) header += `,"delay":"${iso(readyAt)}"`;
  if (expiresAt !== undefined) header += `,"expiration":"${iso(expiresAt)}"`;
  if (publishedAt !== undefined) header += `,"published":"${iso(publishedAt)}"`;
  if (attemptsUsed > 0) header += `,"attempts":${attemptsUsed}`;
  if (message.maxAttempts !== undefined) header += `,"max_attempts":${message.maxAttempts}`;
  if (message.backoff !== undefined) header += `,"backoff":${JSON.stringify(message.backoff)}`;
  if (message.timeoutMs !== undefined) header += `,"timeout":${message.timeoutMs}`;
  for (const [key, text] of Object.entries(message.headers))
    header += `,${JSON.stringify(key)}:${JSON.stringify(text)}`;
  return `{"id":${JSON.stringify(id)},"header":{${header}},"body":${body}}`;
}

/**
 * At least as many bytes as {@link encodeMessage} makes, and cheaper to know: each character takes up to 3 in UTF-8, and in a
 * JSON text up to 6 where it is escaped.
 */
export function mostBytes({ id, name, body, headers }: Message): number {
  let most = MOST_OF_OURS + 6 * (id.length + name.length) + 3 * body.length;
  for (const [name, text] of Object.entries(headers)) most += 6 * (name.length + text.length + 1);
  return most;
}

/** The most bytes of a message without its id, its name, its body and the user's headers. */
const MOST_OF_OURS = 1_000;

let lastTime: number | undefined;
let lastText = '';

/** Keeps the last one, for what is published together has the same time. */
function iso(time: number): string {
  if (time === lastTime) return lastText;
  lastText = new Date(time).toISOString();
  lastTime = time;
  return lastText;
}

export function isUnreadable(content: Message | ReceivedMessage | Unreadable): content is Unreadable {
  return 'unreadable' in content;
}

import { isUtf8 } from 'node:buffer';
import { backoffPlan, type BackoffPlan } from './backoff.js';
import { jsonFault } from './json-fault.js';
import { FOREIGN_ID_MAX_BYTES } from './names.js';
import { show } from './show.js';
import { parseTime } from './time.js';

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
  const header = {
    request_type: message.name,
    priority: message.priority,
    delay: iso(message.readyAt),
    expiration: iso(message.expiresAt),
    published: iso(message.publishedAt),
    attempts: message.attemptsUsed || undefined,
    max_attempts: message.maxAttempts,
    backoff: message.backoff,
    timeout: message.timeoutMs,
    ...message.headers,
  };
  return `{"id":${JSON.stringify(message.id)},"header":${JSON.stringify(header)},"body":${message.body}}`;
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
function iso(time: number | undefined): string | undefined {
  if (time === undefined || time === lastTime) return time === undefined ? undefined : lastText;
  lastText = new Date(time).toISOString();
  lastTime = time;
  return lastText;
}

/**
 * Reads a stored message. Never throws: what can't be read is told as such, its bytes kept.
 *
 * @param fallbackId the id where the message has none
 */
export function decodeMessage(bytes: Uint8Array, fallbackId: string): ReceivedMessage | Unreadable {
  const unreadable = (kind: Unreadable['kind'], reason: string): Unreadable => ({
    unreadable: reason,
    id: fallbackId,
    bytes,
    kind,
  });
  if (bytes.length === 0) return unreadable('damaged', 'it is empty');
  const text = textOf(bytes);
  if (text === undefined) return unreadable('damaged', 'it is not UTF-8 text');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return unreadable('foreign', `it is not JSON: ${jsonFault(error)}`);
  }
  if (!isObject(json) || !isObject(json['header']) || (json['header']['request_type'] ?? undefined) === undefined) {
    return unreadable('foreign', 'it is JSON, but no message: header.request_type is missing');
  }
  try {
    return readMessage(json, json['header'], fallbackId);
  } catch (error) {
    return unreadable('damaged', (error as Error).message);
  }
}

/** The text of stored bytes, without a byte order mark; undefined where they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

export function isUnreadable(content: Message | ReceivedMessage | Unreadable): content is Unreadable {
  return 'unreadable' in content;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readMessage(
  json: Record<string, unknown>,
  header: Record<string, unknown>,
  fallbackId: string,
): ReceivedMessage {
  const version = header['version'] ?? 1;
  if (version !== 1) throw new TypeError(`header.version: expected 1, got ${show(version)}`);
  return {
    id: readId(json['id'] ?? fallbackId),
    name: readText(header['request_type'], 'header.request_type'),
    payload: json['body'] ?? null,
    priority: readPriority(header['priority']),
    publishedAt: readTime(header, 'published'),
    readyAt: readTime(header, 'delay'),
    expiresAt: readTime(header, 'expiration'),
    attemptsUsed: readCount(header['attempts'] ?? 0, 0, 'header.attempts'),
    maxAttempts: optional(header['max_attempts'], readMaxAttempts),
    backoff: optional(header['backoff'], readBackoff),
    timeoutMs: optional(header['timeout'], readTimeout),
    headers: readHeaders(header),
  };
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

function readMaxAttempts(value: unknown): number {
  return readCount(value, 1, 'header.max_attempts');
}

function readBackoff(value: unknown): BackoffPlan {
  return backoffPlan(value, 'header.backoff');
}

function readTimeout(value: unknown): number {
  return readCount(value, 1, 'header.timeout');
}

function readText(value: unknown, what: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new TypeError(`${what}: expected a text that is not empty, got ${show(value)}`);
}

function readId(value: unknown): string {
  const id = readText(value, 'id');
  if (Buffer.byteLength(id) <= FOREIGN_ID_MAX_BYTES) return id;
  throw new TypeError(`id: expected at most ${FOREIGN_ID_MAX_BYTES} bytes, got ${Buffer.byteLength(id)}`);
}

function readPriority(value: unknown): number {
  if (value === undefined || value === null) return DEFAULT_PRIORITY;
  if (typeof value === 'number' && Number.isInteger(value) && value <= LEAST_PRIORITY) return Math.max(value, 0);
  throw new TypeError(`header.priority: expected a whole number up to ${LEAST_PRIORITY}, got ${show(value)}`);
}

function readCount(value: unknown, least: number, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new TypeError(`${what}: expected a whole number of at least ${least}, got ${show(value)}`);
}

function readTime(header: Record<string, unknown>, field: string): number | undefined {
  const value = header[field];
  if (value === undefined || value === null) return undefined;
  const time = parseTime(value);
  if (time !== undefined) return time;
  throw new TypeError(`header.${field}: expected a time such as 2026-11-21T09:00:00.000Z, got ${show(value)}`);
}

function readHeaders(header: Record<string, unknown>): Record<string, string> {
  const own = Object.keys(header).filter((name) => !RESERVED_HEADERS.has(name));
  // Most have none, and each message is read here.
  if (own.length === 0) return {};
  return Object.fromEntries(own.map((name) => [name, headerText(header[name])]));
}

function headerText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

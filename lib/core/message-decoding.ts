import { isUtf8 } from 'node:buffer';
import { backoffPlan, type BackoffPlan } from './backoff.js';
import { jsonFault } from './json-fault.js';
import {
  DEFAULT_PRIORITY,
  LEAST_PRIORITY,
  RESERVED_HEADERS,
  type ReceivedMessage,
  type Unreadable,
} from './message.js';
import { FOREIGN_ID_MAX_BYTES } from './names.js';
import { show } from './show.js';
import { parseTime } from './time.js';

/** Why a text is no message; the rest of what is told of it knows who has its bytes. */
export type Fault = Pick<Unreadable, 'unreadable' | 'kind'>;

/**
 * Reads a stored message. Never throws: what can't be read is told as such, its bytes kept.
 *
 * @param fallbackId the id where the message has none
 */
export function decodeMessage(bytes: Uint8Array, fallbackId: string): ReceivedMessage | Unreadable {
  const read = readBytes(bytes, fallbackId);
  return isFault(read) ? { ...read, id: fallbackId, bytes } : read;
}

function readBytes(bytes: Uint8Array, fallbackId: string): ReceivedMessage | Fault {
  if (bytes.length === 0) return { kind: 'damaged', unreadable: 'it is empty' };
  const text = textOf(bytes);
  return text === undefined ? { kind: 'damaged', unreadable: 'it is not UTF-8 text' } : decodeText(text, fallbackId);
}

/** Reads the text of a stored message. Never throws. */
export function decodeText(text: string, fallbackId: string): ReceivedMessage | Fault {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return { kind: 'foreign', unreadable: `it is not JSON: ${jsonFault(error)}` };
  }
  if (!isObject(json) || !isObject(json['header']) || (json['header']['request_type'] ?? undefined) === undefined) {
    return { kind: 'foreign', unreadable: 'it is JSON, but no message: header.request_type is missing' };
  }
  try {
    return readMessage(json, json['header'], fallbackId);
  } catch (error) {
    return { kind: 'damaged', unreadable: (error as Error).message };
  }
}

/** Whether a text was read as none. */
export function isFault(read: ReceivedMessage | Fault): read is Fault {
  return 'unreadable' in read;
}

/** The text of stored bytes, without a byte order mark; undefined where they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  if (!isUtf8(bytes)) return undefined;
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const text = buffer.toString('utf8');
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
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

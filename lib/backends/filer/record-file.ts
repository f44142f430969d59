import { createHash } from 'node:crypto';
import type { StoredRecord } from '../../core/records.js';

/** Beginnings of keys that an operator can read; the hash tells keys apart. */
const READABLE = 60;
const NAME = /^[A-Za-z0-9_-][A-Za-z0-9_.-]*~[0-9a-f]{64}\.record$/;

/** What the file of a record holds. */
interface Content extends StoredRecord {
  readonly key: string;
}

/** What the record of a key is called: alike for all processes, and another for each key. */
export function recordName(key: string): string {
  // As UTF-16, for in UTF-8 all lone surrogates are one.
  const hash = createHash('sha256').update(key, 'utf16le').digest('hex');
  const readable = key
    .slice(0, READABLE)
    .replace(/[^A-Za-z0-9_.-]/g, '_')
    .replace(/^\./, '_');
  return `${readable || '_'}~${hash}.record`;
}

/** Whether a file may be a record's: no other program would call one so. */
export function isRecordName(file: string): boolean {
  return NAME.test(file);
}

export function encodeRecord(key: string, text: string, expiresAt: number): Buffer {
  return Buffer.from(JSON.stringify({ key, expiresAt, text } satisfies Content));
}

/** What a file holds; undefined where it is no record, or one that a power cut has torn. */
export function decodeRecord(bytes: Uint8Array): Content | undefined {
  try {
    const content: unknown = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString());
    return isContent(content) ? content : undefined;
  } catch {
    return undefined;
  }
}

function isContent(value: unknown): value is Content {
  if (typeof value !== 'object' || value === null) return false;
  const { key, expiresAt, text } = value as Partial<Record<keyof Content, unknown>>;
  return typeof key === 'string' && typeof expiresAt === 'number' && typeof text === 'string';
}

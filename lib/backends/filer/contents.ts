import { constants } from 'node:buffer';
import { isMadeHere } from '../../core/id.js';
import type { ReceivedMessage, Unreadable } from '../../core/message.js';
import { decodeMessage, decodeText, isFault, type Fault } from '../../core/message-decoding.js';
import { isForbidden, type Disk, type OpenFile } from './disk.js';

/** What is in the file of a claimed job. */
export interface Contents {
  readonly content: ReceivedMessage | Unreadable;
  /** When the message was published as it says itself, else the file's own time. Milliseconds since 1970. */
  readonly storedAt: number;
}

/**
 * Reads the file of a claimed job. Undefined where it is no regular file.
 *
 * @param fallbackId the job's id where the message has none
 */
export function readContents(disk: Disk, path: string, fallbackId: string): Contents | undefined {
  // What is called after an id made here was published here: it can be no larger than a text is.
  const read = isMadeHere(fallbackId) ? readPublished(disk, path, fallbackId) : readSmall(disk, path, fallbackId);
  return read ?? readAny(disk, path, fallbackId);
}

function readPublished(disk: Disk, path: string, fallbackId: string): Contents | undefined {
  const text = disk.readText(path);
  return text === undefined ? undefined : dated(decodeText(text, fallbackId));
}

function readSmall(disk: Disk, path: string, fallbackId: string): Contents | undefined {
  const bytes = disk.readSmall(path);
  return bytes && dated(decodeMessage(bytes, fallbackId));
}

/** Undefined where it is no message that tells by itself when it was published. */
function dated(content: ReceivedMessage | Fault): Contents | undefined {
  if (isFault(content) || content.publishedAt === undefined || content.publishedAt > Date.now()) return undefined;
  return { content, storedAt: content.publishedAt };
}

function readAny(disk: Disk, path: string, fallbackId: string): Contents | undefined {
  let file: OpenFile | undefined;
  try {
    file = disk.open(path);
  } catch (error) {
    const stats = disk.stat(path);
    if (!isForbidden(error) || !stats.isFile()) throw error;
    const reason = `this process may not read it: ${(error as Error).message}`;
    return { content: unread(fallbackId, reason), storedAt: stats.mtimeMs };
  }
  if (!file) return undefined;
  const { size, modifiedMs } = file;
  // Whatever is in it, no text can be that long.
  if (size > constants.MAX_STRING_LENGTH) {
    file.close();
    return { content: unread(fallbackId, `it is too large: ${size} bytes`), storedAt: modifiedMs };
  }
  return { content: decodeMessage(file.read(), fallbackId), storedAt: modifiedMs };
}

function unread(id: string, reason: string): Unreadable {
  return { unreadable: reason, id, bytes: Buffer.alloc(0), kind: 'damaged' };
}

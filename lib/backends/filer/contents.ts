import { constants } from 'node:buffer';
import { isUnreadable, type ReceivedMessage, type Unreadable } from '../../core/message.js';
import { decodeMessage } from '../../core/message-decoding.js';
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
  return readSmallMessage(disk, path, fallbackId) ?? readAny(disk, path, fallbackId);
}

/** Undefined where it is no small message that tells by itself when it was published. */
function readSmallMessage(disk: Disk, path: string, fallbackId: string): Contents | undefined {
  const bytes = disk.readSmall(path);
  const content = bytes && decodeMessage(bytes, fallbackId);
  if (!content || isUnreadable(content) || content.publishedAt === undefined) return undefined;
  return content.publishedAt > Date.now() ? undefined : { content, storedAt: content.publishedAt };
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

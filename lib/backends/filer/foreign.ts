import { DEFAULT_PRIORITY, isUnreadable } from '../../core/message.js';
import { decodeMessage } from '../../core/message-decoding.js';
import { isFile, isLacking, type Disk, type OpenFile } from './disk.js';
import { asText, tailOfFile, type NamedJob } from './file-name.js';
import { isGone } from './folders.js';
import { newOrder } from './order.js';

/** Above this, a foreign file is not read for its priority before its turn; it has the default one. In bytes. */
const LARGEST_LOOKED_INTO = 1_000_000;

/**
 * What a file that others have moved in is to us: a job's name made from its content. Undefined where it is no regular
 * file, or gone.
 *
 * @param fresh whether its used-up attempts count no more, for it comes from `errors`
 */
export function nameForeign(disk: Disk, path: string, file: string, fresh: boolean): NamedJob | undefined {
  const name: NamedJob = {
    priority: DEFAULT_PRIORITY,
    order: newOrder(),
    attempts: 0,
    registered: false,
    rescheduled: false,
    tail: tailOfFile(file),
  };
  try {
    if (!isFile(disk, path)) return undefined;
    const opened = disk.open(path);
    return opened && { ...name, ...lookInto(opened, file, fresh) };
  } catch (error) {
    if (isGone(error)) return undefined;
    if (isLacking(error)) throw error;
    // What can't be read is dealt with in its turn.
    return name;
  }
}

function lookInto(opened: OpenFile, file: string, fresh: boolean): Partial<NamedJob> {
  if (opened.size > LARGEST_LOOKED_INTO) {
    opened.close();
    return {};
  }
  const content = decodeMessage(opened.read(), asText(file));
  if (isUnreadable(content)) return {};
  return { priority: content.priority, attempts: fresh ? 0 : content.attemptsUsed };
}

import type { DroppedJob } from '../../core/backlog.js';
import { isUnreadable } from '../../core/message.js';
import { asked } from './asked.js';
import { BYTES_COMMAND, DROP_COMMAND } from './backlog-scripts.js';
import type { Connections } from './connections.js';
import type { Scripts } from './scripts.js';
import { contentOf } from './stored-job.js';

/** How many jobs one script looks at or drops: so many that it is over within a few milliseconds. */
const AT_A_TIME = 500;

/** What waits in one queue. */
export class BullmqBacklog {
  constructor(
    private readonly scripts: Scripts,
    private readonly connections: Connections,
  ) {}

  /** @throws BackendError */
  jobs(): Promise<number> {
    const { wait = '', paused = '', prioritized = '', delayed = '' } = this.scripts.keys;
    return asked(this.connections, async () => {
      const { client } = this.connections.publishing;
      // They are sent together.
      const counts = [client.llen(wait), client.llen(paused), client.zcard(prioritized), client.zcard(delayed)];
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    });
  }

  /** @throws BackendError */
  bytes(): Promise<number> {
    const { wait = '', paused = '', prioritized = '', delayed = '' } = this.scripts.keys;
    return asked(this.connections, async () => {
      const sums = await Promise.all([wait, paused, prioritized, delayed].map((key) => this.bytesIn(key)));
      return sums.reduce((sum, bytes) => sum + bytes, 0);
    });
  }

  /** @throws BackendError */
  dropOldest(count: number): Promise<readonly DroppedJob[]> {
    const { wait, paused, prioritized, delayed, events } = this.scripts.keys;
    const { adapted } = this.connections.publishing;
    return asked(this.connections, async () => {
      const dropped: DroppedJob[] = [];
      while (dropped.length < count) {
        const most = Math.min(count - dropped.length, AT_A_TIME);
        const keys = [wait, paused, prioritized, delayed, events];
        const some = (await adapted.runCommand(DROP_COMMAND, [...keys, most, this.scripts.toKey('')])) as string[][];
        dropped.push(...some.map(([id = '', name = '', opts = '']) => droppedJob(id, name, opts)));
        if (some.length < most) break;
      }
      return dropped;
    });
  }

  private async bytesIn(key: string): Promise<number> {
    const { adapted } = this.connections.publishing;
    let bytes = 0;
    for (let from = 0; ; from += AT_A_TIME) {
      const args = [key, from, from + AT_A_TIME - 1, this.scripts.toKey('')];
      const [count, some] = (await adapted.runCommand(BYTES_COMMAND, args)) as [number, number];
      bytes += some;
      if (count < AT_A_TIME) return bytes;
    }
  }
}

function droppedJob(id: string, name: string, opts: string): DroppedJob {
  const content = contentOf({ name, opts, data: 'null' }, id);
  return { id: content.id, name: isUnreadable(content) ? undefined : content.name };
}

import type {
  ChangeResult,
  InspectedJob,
  Inspector,
  JobChange,
  JobPage,
  JobPlace,
  JobState,
  PageRequest,
  StateCounts,
  StoredState,
  StoreResult,
} from '../../../core/inspector.js';
import { isUnreadable } from '../../../core/message.js';
import type { Client } from '../client/client.js';
import { CommandLine } from '../command-line.js';
import type { Server } from '../server.js';
import { queueOf, tubeOf } from '../tubes.js';
import { ABILITIES, checkAble } from './abilities.js';
import { Changing } from './changing.js';
import { FailedJobs } from './failed-jobs.js';
import { headOf, shown, type LookedAt } from './looked-at.js';
import { Storing } from './storing.js';

const NOTHING: JobPage = { jobs: [], cursor: undefined };

/**
 * What beanstalkd lets one see: counts, of those that wait the next, and the failed ones by the notes about them. Since
 * when the next one waits stands for the oldest, and is not told of one that came back.
 */
export class BeanstalkdInspector implements Inspector {
  readonly abilities = ABILITIES;
  private readonly line: CommandLine;
  private readonly failed: FailedJobs;
  private readonly changing: Changing;
  private readonly storing: Storing;

  /** @param ttr of the jobs that it stores, in seconds */
  constructor(
    server: Server,
    private readonly prefix: string,
    ttr: number,
  ) {
    this.line = new CommandLine(server);
    this.failed = new FailedJobs(server);
    this.changing = new Changing(server);
    this.storing = new Storing(server, ttr);
  }

  queues(): Promise<readonly string[]> {
    return this.line.use(async (client) => {
      const tubes = await client.listTubes();
      const queues = tubes.flatMap((tube) => queueOf(this.prefix, tube) ?? []);
      // Each connection begins with that tube, so that it is there though nobody means it.
      const isMeant = !tubes.includes('default') || (await client.statsTube('default'))?.number('total-jobs') !== 0;
      return queues.filter((queue) => isMeant || tubeOf(this.prefix, queue) !== 'default').sort();
    });
  }

  counts(queue: string): Promise<StateCounts> {
    return this.line.use(async (client) => {
      const tube = tubeOf(this.prefix, queue);
      const stats = await client.statsTube(tube);
      const count = (state: string): number => stats?.number(`current-jobs-${state}`) ?? 0;
      const waiting = count('ready');
      const head = waiting > 0 ? await headOf(client, tube, 'waiting') : undefined;
      return {
        ...{ waiting, delayed: count('delayed'), active: count('reserved'), failed: count('buried') },
        ...{ completed: undefined, expired: undefined },
        oldestWaitingAt: head && waitingSince(head),
      };
    });
  }

  async list(queue: string, state: JobState, page: PageRequest): Promise<JobPage> {
    checkAble(ABILITIES.list[state]);
    return this.in(queue, NOTHING, async (client, tube) => {
      if (state === 'failed') return this.failed.page(client, queue, tube, page);
      const head = await headOf(client, tube, state === 'delayed' ? 'delayed' : 'waiting');
      return head ? { jobs: [shown(queue, head)], cursor: undefined } : NOTHING;
    });
  }

  get(queue: string, id: string): Promise<readonly InspectedJob[]> {
    return this.in(queue, [], async (client, tube) => {
      const heads = [await headOf(client, tube, 'waiting'), await headOf(client, tube, 'delayed')];
      const living = heads.flatMap((head) => (head?.content.id === id ? [shown(queue, head)] : []));
      return [...living, ...(await this.failed.find(client, queue, tube, id))];
    });
  }

  async change(queue: string, jobs: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]> {
    for (const { state } of jobs) {
      if (change.kind === 'remove' && state !== 'active') checkAble(ABILITIES.remove[state]);
    }
    return this.line.use((client) => this.changing.change(client, tubeOf(this.prefix, queue), jobs, change));
  }

  async store(queue: string, jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    for (const { state } of jobs) checkAble(ABILITIES.store[state]);
    return this.line.use((client) => this.storing.store(client, tubeOf(this.prefix, queue), jobs));
  }

  close(): Promise<void> {
    return this.line.close();
  }

  /** Does something in a tube that is there: asking for another would make it. */
  private in<T>(queue: string, otherwise: T, act: (client: Client, tube: string) => Promise<T>): Promise<T> {
    return this.line.use(async (client) => {
      const tube = tubeOf(this.prefix, queue);
      return (await client.statsTube(tube)) ? act(client, tube) : otherwise;
    });
  }
}

/** Undefined where its last delay is not known any more. */
function waitingSince({ stats, content }: LookedAt): number | undefined {
  if (stats.number('releases') > 0 || stats.number('kicks') > 0) return undefined;
  const now = Date.now();
  const storedAt = now - stats.number('age') * 1_000;
  const said = isUnreadable(content) ? undefined : (content.readyAt ?? content.publishedAt);
  return Math.min(said ?? storedAt, now);
}

import type { InspectedJob, JobPage, JobState, PageRequest } from '../../../core/inspector.js';
import { isUnreadable } from '../../../core/message.js';
import type { Connections } from '../connections.js';
import type { Scripts } from '../scripts.js';
import { cursorIn, cursorText, type Cursor } from './cursor.js';
import { READ } from './reading-scripts.js';
import { SHOWN_FIELDS, shownJob, type Found, type Row } from './shown-job.js';
import { dueScore } from './standing.js';

/** How many jobs one script gives: so few that Redis is soon free for the others. */
const AT_A_TIME = 200;

/** How many jobs that come next a page remembers: the first that is still there tells where it ended. */
const MORE = 8;

/** A part of a page, and where the next one of the same source begins; undefined where the source is at its end. */
interface Part {
  readonly rows: readonly Row[];
  readonly position: readonly string[] | undefined;
}

/** A key that holds jobs of a state, and how they are read from it. */
type Source = (limit: number, position: readonly string[], now: number) => Promise<Part>;

/** The pages of one queue. */
export class Listing {
  constructor(
    private readonly queue: string,
    private readonly scripts: Scripts,
    private readonly connections: Connections,
  ) {}

  async page(state: JobState, { limit, cursor }: PageRequest): Promise<JobPage> {
    const sources = this.sourcesOf(state);
    let next: Cursor | undefined = cursorIn(cursor, sources.length);
    const at = Date.now();
    const found: Found[] = [];
    while (next && found.length < limit) {
      const { source, position }: Cursor = next;
      const part = await sources[source]?.(Math.min(limit - found.length, AT_A_TIME), position, at);
      for (const row of part?.rows ?? []) found.push({ queue: this.queue, state, row, at });
      if (part?.position) next = { source, position: part.position };
      else next = source + 1 < sources.length ? { source: source + 1, position: [] } : undefined;
    }
    return { jobs: await this.shown(found), cursor: next && cursorText(next) };
  }

  /** With the bytes as they came of what can't be read: what is no text was broken by reading it as such. */
  shown(found: readonly Found[]): Promise<readonly InspectedJob[]> {
    const { client } = this.connections.publishing;
    return Promise.all(
      found.map(async (one) => {
        const job = shownJob(one);
        if (!isUnreadable(job.content)) return job;
        const bytes = await client.hgetBuffer(this.scripts.toKey(job.key), 'data').catch(() => null);
        return { ...job, content: { ...job.content, bytes: bytes ?? job.content.bytes } };
      }),
    );
  }

  private sourcesOf(state: JobState): readonly Source[] {
    switch (state) {
      case 'waiting':
        return [
          this.lined('wait'),
          this.lined('paused'),
          this.sorted('prioritized', 'up'),
          // Those that are due, and were queued by nobody yet.
          this.sorted('delayed', 'up', (now) => ['-inf', String(dueScore(now))]),
        ];
      case 'delayed':
        return [
          this.sorted('delayed', 'up', (now) => [String(dueScore(now) + 1), '+inf']),
          this.sorted('waiting-children', 'up'),
        ];
      case 'active':
        return [(limit, position) => this.active(limit, position)];
      default:
        return [this.sorted(state, 'down')];
    }
  }

  private sorted(
    name: string,
    way: 'up' | 'down',
    bounds: (now: number) => readonly [string, string] = () => ['-inf', '+inf'],
  ): Source {
    return async (limit, [score = '', id = ''], now) => {
      const args = [limit, way, ...bounds(now), score, id, ...SHOWN_FIELDS];
      const rows = await this.run<readonly Row[]>(READ.sorted, name, args);
      const last = rows.length < limit ? undefined : rows.at(-1);
      return { rows, position: last && [last[1] ?? '', last[0]] };
    };
  }

  private lined(name: string): Source {
    return async (limit, ids) => {
      const args = [limit, MORE, ids.length, ...ids, ...SHOWN_FIELDS];
      const [rows, nextIds] = await this.run<readonly [readonly Row[], readonly string[]]>(READ.lined, name, args);
      return { rows, position: nextIds.length > 0 ? nextIds : undefined };
    };
  }

  private async active(limit: number, [at = '', id = '']: readonly string[]): Promise<Part> {
    const rows = await this.run<readonly Row[]>(READ.active, 'active', [limit, at, id, ...SHOWN_FIELDS]);
    const last = rows.length < limit ? undefined : rows.at(-1);
    return { rows, position: last && [last[1] ?? '', last[0]] };
  }

  private async run<T>(command: string, name: string, args: readonly unknown[]): Promise<T> {
    const { adapted } = this.connections.publishing;
    const [prefix, key] = [this.scripts.toKey(''), this.scripts.keys[name] ?? ''];
    return (await adapted.runCommand(command, [key, prefix, ...args])) as T;
  }
}

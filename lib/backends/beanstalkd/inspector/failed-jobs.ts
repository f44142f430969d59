import { BackendError } from '../../../core/backend.js';
import type { InspectedJob, JobPage, PageRequest } from '../../../core/inspector.js';
import type { Client } from '../client/client.js';
import { noteIn } from '../notes.js';
import type { Server } from '../server.js';
import { notesTubeOf } from '../tubes.js';
import { headOf, lookAt, shown } from './looked-at.js';
import { readNotes, type KeptNote } from './note-reading.js';

/** How many jobs are looked at together. */
const AT_A_TIME = 500;

/** How long the ids of all notes are good for another page, in milliseconds. */
const KEPT_MS = 30_000;

/** After so long, a note whose job is not buried is a leftover, in milliseconds: on its way a job has its note before. */
const LEFTOVER_MS = 60_000;

/** The notes about one job: a worker that died on the way may have left one before. */
interface Entry {
  readonly first: string;
  latest: string;
}

/** All notes of a tube at some time, by the job that they are about, the oldest first. */
interface Overview {
  readonly tube: string;
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: number;
}

/**
 * The buried jobs of a tube, by the notes about them, the oldest note first. The first page costs what it shows; for the
 * next the ids of all notes are read once, and then the notes by their ids. Of those that have no note, for another
 * program has buried them, only the first is in sight, behind all others.
 */
export class FailedJobs {
  private overview: Overview | undefined;
  /** One reading at a time: several would only disturb each other. */
  private reading: Promise<unknown> = Promise.resolve();

  constructor(private readonly server: Server) {}

  async page(client: Client, queue: string, tube: string, { limit, cursor }: PageRequest): Promise<JobPage> {
    const { notes, isLast, known } =
      cursor === undefined ? await this.firstNotes(tube, limit) : await this.laterNotes(client, tube, limit, cursor);
    const jobs = await this.shown(client, queue, tube, notes);
    const last = notes.at(-1)?.place ?? cursor ?? '0';
    if (!isLast || jobs.length === limit) return { jobs, cursor: last };
    const bare = await headOf(client, tube, 'failed');
    return { jobs: bare && !known(bare.id) ? [...jobs, shown(queue, bare)] : jobs, cursor: undefined };
  }

  /** Those with this id. */
  async find(client: Client, queue: string, tube: string, id: string): Promise<readonly InspectedJob[]> {
    const found = new Map<string, KeptNote>();
    await this.read(tube, Infinity, () => {
      found.clear();
      return (kept) => void (kept.note.id === id && found.set(kept.note.job, kept));
    });
    const notes = [...found.values()].map((kept) => ({ ...kept, place: kept.id }));
    const jobs = await this.shown(client, queue, tube, notes);
    if (jobs.length > 0) return jobs;
    const bare = await headOf(client, tube, 'failed');
    return bare?.content.id === id ? [shown(queue, bare)] : [];
  }

  private async firstNotes(tube: string, limit: number): Promise<Found> {
    let notes = new Map<string, Placed>();
    const isLast = await this.read(tube, limit, () => {
      const begun = (notes = new Map());
      return (kept) => begun.set(kept.note.job, { ...kept, place: kept.id });
    });
    return { notes: [...notes.values()], isLast, known: (job) => notes.has(job) };
  }

  private async laterNotes(client: Client, tube: string, limit: number, cursor: string): Promise<Found> {
    if (!/^[0-9]{1,20}$/.test(cursor)) {
      throw new BackendError(`cursor: expected what the page before gave, got ${JSON.stringify(cursor)}`, {
        passing: false,
      });
    }
    const { entries } = await this.overviewOf(tube);
    const after = BigInt(cursor);
    const behind: Entry[] = [];
    for (const entry of entries.values()) {
      if (BigInt(entry.first) > after && behind.push(entry) > limit) break;
    }
    const peeked = await Promise.all(behind.slice(0, limit).map((entry) => peekNote(client, entry)));
    const isLast = behind.length <= limit;
    if (isLast) this.overview = undefined;
    return { notes: peeked, isLast, known: (job) => entries.has(job) };
  }

  private async overviewOf(tube: string): Promise<Overview> {
    const kept = this.overview;
    if (kept?.tube === tube && performance.now() - kept.at < KEPT_MS) return kept;
    let entries = new Map<string, Entry>();
    await this.read(tube, Infinity, () => {
      const begun = (entries = new Map<string, Entry>());
      return ({ id, note }) => {
        const entry = begun.get(note.job);
        if (entry) entry.latest = id;
        else begun.set(note.job, { first: id, latest: id });
      };
    });
    return (this.overview = { tube, entries, at: performance.now() });
  }

  private read(tube: string, most: number, begin: () => (note: KeptNote) => void): Promise<boolean> {
    const reading = this.reading.then(() => readNotes(this.server, notesTubeOf(tube), most, begin));
    this.reading = reading.catch(() => undefined);
    return reading;
  }

  private async shown(
    client: Client,
    queue: string,
    tube: string,
    notes: readonly Placed[],
  ): Promise<readonly InspectedJob[]> {
    const jobs: InspectedJob[] = [];
    for (let from = 0; from < notes.length; from += AT_A_TIME) {
      const some = notes.slice(from, from + AT_A_TIME).map(async ({ id, note }) => {
        if (!note) return [];
        const job = await lookAt(client, note.job);
        if (job?.state === 'failed' && job.tube === tube && job.content.id === note.id) {
          return [shown(queue, job, { id, note })];
        }
        if (!(Date.now() - Date.parse(note.at) < LEFTOVER_MS)) await client.delete(id);
        return [];
      });
      jobs.push(...(await Promise.all(some)).flat());
    }
    return jobs;
  }
}

/** A note, undefined where it is gone, and its place among the notes. */
interface Placed {
  readonly place: string;
  readonly id: string;
  readonly note: KeptNote['note'] | undefined;
}

interface Found {
  readonly notes: readonly Placed[];
  readonly isLast: boolean;
  /** Whether there is a note about a job. */
  readonly known: (job: string) => boolean;
}

async function peekNote(client: Client, { first, latest }: Entry): Promise<Placed> {
  const peeked = await client.peek(latest);
  return { place: first, id: latest, note: peeked && noteIn(peeked.body) };
}

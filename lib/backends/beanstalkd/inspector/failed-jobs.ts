import { BackendError } from '../../../core/backend.js';
import type { InspectedJob, JobPage, PageRequest } from '../../../core/inspector.js';
import type { Client, ReservedJob } from '../client/client.js';
import { noteIn, type Note } from '../notes.js';
import type { Server } from '../server.js';
import { notesTubesOf } from '../tubes.js';
import { headOf, lookAt, shown } from './looked-at.js';
import { NoteOverviews, type Entry } from './note-overview.js';
import { readNotes } from './note-reading.js';

/** How many jobs are looked at together. */
const AT_A_TIME = 500;

/** After so long, a note whose job is not buried is a leftover, in milliseconds: on its way a job has its note before. */
const LEFTOVER_MS = 60_000;

/**
 * The buried jobs of a tube, by the notes about them, the oldest note first. The first page costs what it shows; for the
 * next the ids of more notes than it needs are read, and then the notes by their ids. Of those that have no note, for another
 * program has buried them, only the first is in sight, behind all others.
 */
export class FailedJobs {
  private readonly overviews = new NoteOverviews((tube, ...how) => this.read(notesTubesOf(tube), ...how));
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
    let found = new Map<string, Placed>();
    // Most have another, and needn't be read.
    const written = JSON.stringify(id);
    await this.read(notesTubesOf(tube, id), Infinity, () => {
      const begun = (found = new Map<string, Placed>());
      return (job) => {
        const placed = job.body.includes(written) ? placedAt(job) : undefined;
        if (placed?.note.id === id) begun.set(placed.note.job, placed);
      };
    });
    const notes = [...found.values()];
    const jobs = await this.shown(client, queue, tube, notes);
    if (jobs.length > 0) return jobs;
    const bare = await headOf(client, tube, 'failed');
    return bare?.content.id === id ? [shown(queue, bare)] : [];
  }

  private async firstNotes(tube: string, limit: number): Promise<Found> {
    let notes = new Map<string, Placed>();
    const isLast = await this.read(notesTubesOf(tube), limit, () => {
      const begun = (notes = new Map<string, Placed>());
      return (job) => {
        const placed = placedAt(job);
        if (placed) begun.set(placed.note.job, placed);
      };
    });
    return { notes: [...notes.values()], isLast, known: (job) => notes.has(job) };
  }

  private async laterNotes(client: Client, tube: string, limit: number, cursor: string): Promise<Found> {
    if (!/^[0-9]{1,20}$/.test(cursor)) {
      throw new BackendError(`cursor: expected what the page before gave, got ${JSON.stringify(cursor)}`, {
        passing: false,
      });
    }
    const { entries, known, from, isWhole } = await this.overviews.entriesBehind(tube, BigInt(cursor), limit);
    const notes = await Promise.all(entries.slice(from, from + limit).map((entry) => peekNote(client, entry)));
    const isLast = isWhole && entries.length <= from + limit;
    if (isLast) this.overviews.forget();
    return { notes, isLast, known };
  }

  private read(tubes: readonly string[], most: number, begin: () => (note: ReservedJob) => void): Promise<boolean> {
    const reading = this.reading.then(() => readNotes(this.server, tubes, most, begin));
    this.reading = reading.catch(() => undefined);
    return reading;
  }

  private async shown(
    client: Client,
    queue: string,
    tube: string,
    notes: readonly Placed<Note | undefined>[],
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
interface Placed<N = Note> {
  readonly place: string;
  readonly id: string;
  readonly note: N;
}

interface Found {
  readonly notes: readonly Placed<Note | undefined>[];
  readonly isLast: boolean;
  /** Whether there is a note about a job. */
  readonly known: (job: string) => boolean;
}

function placedAt({ id, body }: ReservedJob): Placed | undefined {
  const note = noteIn(body);
  return note && { place: id, id, note };
}

async function peekNote(client: Client, { first, latest }: Entry): Promise<Placed<Note | undefined>> {
  const peeked = await client.peek(latest);
  return { place: String(first), id: latest, note: peeked && noteIn(peeked.body) };
}

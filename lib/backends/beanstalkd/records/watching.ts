import { inTime } from '../../../core/in-time.js';
import type { Client } from '../client/client.js';
import type { CommandLine } from '../command-line.js';
import { errandJob, INBOX_CHECK_MS, watchersNoteJob } from './record-job.js';
import { leftIn, type RecordTubes } from './record-tubes.js';

/** How long closing waits for what is taken away, in milliseconds. */
const CLOSE_MS = 1_000;

/** A job of this process's that others may take away. */
interface OwnJob {
  readonly client: Client;
  readonly id: string;
}

/** A key that is watched. */
interface Watched {
  readonly listeners: Set<() => void>;
  note: Promise<OwnJob> | undefined;
  /** Whether anybody counts on being told. */
  countedOn: boolean;
}

/**
 * Who watches which key in this process. Of each key a note is left in a tube beside its record. Who sets it tells the
 * inboxes that are named there, and takes the notes away; so a note is left anew before anybody here hears.
 */
export class Watching {
  private readonly watched = new Map<string, Watched>();
  /** The errand to clear away what this process leaves. */
  private will: Promise<OwnJob> | undefined;
  /** Whether it has to be left though nothing is watched. */
  private isReached = false;
  private hasWill = false;

  constructor(
    private readonly line: CommandLine,
    private readonly tubes: RecordTubes,
    private readonly inbox: string,
    /** Has what is watched said again, by {@link sayAgain}, later. */
    private readonly failed: () => void,
  ) {}

  /** @param reachable resolves once this process can be told */
  async watch(place: string, listener: () => void, reachable: () => Promise<void>): Promise<() => void> {
    // One of its own, for the same function may watch twice.
    const told = (): void => listener();
    const watched = this.watched.get(place) ?? { listeners: new Set(), note: undefined, countedOn: false };
    this.watched.set(place, watched);
    watched.listeners.add(told);
    try {
      await reachable();
      await Promise.all([this.willIsLeft(), this.noteIsLeft(place, watched)]);
      watched.countedOn = true;
    } catch (error) {
      this.leave(place, watched, told);
      throw error;
    }
    return () => this.leave(place, watched, told);
  }

  /** Whether what is sent to this process is cleared away should it die. */
  get isReachable(): boolean {
    return this.hasWill;
  }

  /** @param reachable resolves once this process can be told */
  async reach(reachable: () => Promise<void>): Promise<void> {
    this.isReached = true;
    await reachable();
    await this.willIsLeft();
  }

  /** A key was set. */
  async told(place: string): Promise<void> {
    const watched = this.watched.get(place);
    if (!watched) return;
    const { note } = watched;
    watched.note = undefined;
    // Who told took it away, unless he died meanwhile.
    void this.withdraw(note);
    try {
      await this.noteIsLeft(place, watched);
    } catch {
      return this.failed();
    }
    tell(watched);
  }

  /** Says all again that the server may have forgotten, and tells everybody, for something may have been set meanwhile. */
  async sayAgain(): Promise<void> {
    if (this.will && !(await this.isThere(this.will))) this.forgetWill();
    if (this.watched.size > 0 || this.isReached) await this.willIsLeft();
    const all = [...this.watched].filter(([, { countedOn }]) => countedOn);
    await Promise.all(
      all.map(async ([place, watched]) => {
        const { note } = watched;
        if (note && !(await this.isThere(note)) && watched.note === note) watched.note = undefined;
        if (watched.listeners.size === 0) return;
        await this.noteIsLeft(place, watched);
        tell(watched);
      }),
    );
  }

  /** Takes away the notes that this process has left. */
  async close(): Promise<void> {
    const notes = [...this.watched.values()].map(({ note }) => note);
    this.watched.clear();
    await soon(Promise.all(notes.map((note) => this.withdraw(note))));
  }

  /** Takes away the errand to clear away what is left, unless something is. */
  async closeInbox(): Promise<void> {
    const { inbox, line, tubes, will } = this;
    if (!will) return;
    const left = line.use((client) => leftIn(client, tubes.inbox(inbox)));
    await soon(left.then((mail) => (mail ? undefined : this.withdraw(will))));
  }

  private leave(place: string, watched: Watched, told: () => void): void {
    if (!watched.listeners.delete(told) || watched.listeners.size > 0) return;
    if (this.watched.get(place) === watched) this.watched.delete(place);
    void this.withdraw(watched.note);
  }

  private noteIsLeft(place: string, watched: Watched): Promise<OwnJob> {
    if (watched.note) return watched.note;
    const note = this.line.use(async (client) => {
      const job = watchersNoteJob({ inbox: this.inbox, place });
      return { client, id: await client.putInto(this.tubes.watchers(place), job) };
    });
    watched.note = note;
    note.catch(() => {
      if (watched.note === note) watched.note = undefined;
    });
    return note;
  }

  private willIsLeft(): Promise<OwnJob> {
    if (this.will) return this.will;
    const will = this.line.use(async (client) => {
      const job = errandJob({ inbox: this.inbox }, INBOX_CHECK_MS);
      return { client, id: await client.putInto(this.tubes.errands, job) };
    });
    this.will = will;
    will.then(
      () => (this.hasWill = this.will === will),
      () => this.will === will && this.forgetWill(),
    );
    return will;
  }

  private forgetWill(): void {
    this.will = undefined;
    this.hasWill = false;
  }

  /** Whether a job is still there; one of the same id may be another's where the server has lost its jobs. */
  private async isThere(job: Promise<OwnJob>): Promise<boolean> {
    const own = await job.catch(() => undefined);
    if (!own) return false;
    return this.line.use((client) => this.isOurs(client, own.id));
  }

  private async withdraw(job: Promise<OwnJob> | undefined): Promise<void> {
    try {
      const own = await job;
      if (!own) return;
      await this.line.use(async (client) => {
        if (client === own.client || (await this.isOurs(client, own.id))) await client.delete(own.id);
      });
    } catch {
      // The server is away; what is there when it comes back is cleared away as that of a process that is gone.
    }
  }

  private async isOurs(client: Client, id: string): Promise<boolean> {
    const found = await client.peek(id);
    return found !== undefined && found.body.includes(`"inbox":"${this.inbox}"`);
  }
}

async function soon(done: Promise<unknown>): Promise<void> {
  await inTime(done, CLOSE_MS, () => new Error('late')).catch(() => undefined);
}

function tell({ listeners }: Watched): void {
  for (const listener of [...listeners]) listener();
}

import { commands, type NewJob } from './commands.js';
import type { Connection } from './connection.js';
import { CommandRefused } from './errors.js';
import type { Reply } from './reply-parser.js';
import { Stats } from './stats.js';

/** A job that was reserved, or looked at. */
export interface ReservedJob {
  /** The server's id, which begins again at 1 when a server starts empty. */
  readonly id: string;
  readonly body: Buffer;
}

/** The commands of one connection, with their replies as values. Each sends before it returns. */
export class Client {
  private used: { readonly tube: string; readonly said: Promise<unknown> } | undefined;

  constructor(readonly connection: Connection) {}

  /**
   * Gives the server's id of the new job.
   *
   * @throws CommandRefused: not stored
   */
  async put(job: NewJob): Promise<string> {
    const { word, args } = await this.connection.send(commands.put(job));
    const [id = ''] = args;
    switch (word) {
      case 'INSERTED':
        return id;
      case 'BURIED':
        // It is stored, but the server found no memory to queue it.
        if (await this.kickJob(id)) return id;
        throw new CommandRefused(word, true, `it is out of memory, and has buried the job ${id}`);
      case 'DRAINING':
        throw new CommandRefused(word, true, 'it is draining: it takes no new jobs until it is started again');
      default:
        throw new CommandRefused(word, false, 'the job is larger than its max-job-size');
    }
  }

  /** Sent where another was in use before. */
  async use(tube: string): Promise<void> {
    if (this.used?.tube !== tube) {
      const used = { tube, said: this.connection.send(commands.use(tube)) };
      this.used = used;
      used.said.catch(() => this.used === used && (this.used = undefined));
    }
    await this.used?.said;
  }

  /** As {@link put}, into a tube; what is sent next is meant for that tube as well. */
  async putInto(tube: string, job: NewJob): Promise<string> {
    const used = this.use(tube);
    const [id] = await Promise.all([this.put(job), used]);
    return id;
  }

  /** The ready job of a tube that is served next; undefined where there is none. */
  async peekIn(tube: string): Promise<ReservedJob | undefined> {
    const used = this.use(tube);
    const [job] = await Promise.all([this.peekReady(), used]);
    return job;
  }

  /** Likewise, of the tube that is in use. */
  async peekReady(): Promise<ReservedJob | undefined> {
    return reserved(await this.connection.send(commands.peekReady()));
  }

  /** Likewise, the delayed job that is due next. */
  async peekDelayed(): Promise<ReservedJob | undefined> {
    return reserved(await this.connection.send(commands.peekDelayed()));
  }

  /** Likewise, the job that was buried first. */
  async peekBuried(): Promise<ReservedJob | undefined> {
    return reserved(await this.connection.send(commands.peekBuried()));
  }

  /** A job in whatever state it is. */
  async peek(id: string): Promise<ReservedJob | undefined> {
    return reserved(await this.connection.send(commands.peek(id)));
  }

  /** The names of all tubes. */
  async listTubes(): Promise<string[]> {
    const { body } = await this.connection.send(commands.listTubes());
    return [...body.toString('latin1').matchAll(/^- "?([^"\n]+)"?$/gm)].map(([, name = '']) => name);
  }

  async watchOnly(...tubes: readonly string[]): Promise<void> {
    const replies = tubes.map((tube) => this.connection.send(commands.watch(tube)));
    if (!tubes.includes('default')) replies.push(this.connection.send(commands.ignore('default')));
    await Promise.all(replies);
  }

  /** Undefined where none came within `seconds`. */
  async reserve(seconds: number): Promise<ReservedJob | undefined> {
    return reserved(await this.connection.send(commands.reserve(seconds)));
  }

  async reserveJob(id: string): Promise<ReservedJob | undefined> {
    return reserved(await this.connection.send(commands.reserveJob(id)));
  }

  /** False where there is no such job, or another connection holds it. */
  async delete(id: string): Promise<boolean> {
    return (await this.connection.send(commands.delete(id))).word === 'DELETED';
  }

  /** False where this connection does not hold it; likewise below. */
  async release(id: string, priority: number, delay: number): Promise<boolean> {
    return (await this.connection.send(commands.release(id, priority, delay))).word !== 'NOT_FOUND';
  }

  async bury(id: string, priority: number): Promise<boolean> {
    return (await this.connection.send(commands.bury(id, priority))).word === 'BURIED';
  }

  async touch(id: string): Promise<boolean> {
    return (await this.connection.send(commands.touch(id))).word === 'TOUCHED';
  }

  /** Makes a buried or delayed job ready, whoever's it is; false where there is none. */
  async kickJob(id: string): Promise<boolean> {
    return (await this.connection.send(commands.kickJob(id))).word === 'KICKED';
  }

  async statsJob(id: string): Promise<Stats | undefined> {
    return stats(await this.connection.send(commands.statsJob(id)));
  }

  async statsTube(tube: string): Promise<Stats | undefined> {
    return stats(await this.connection.send(commands.statsTube(tube)));
  }

  async stats(): Promise<Stats> {
    return new Stats((await this.connection.send(commands.stats())).body);
  }
}

function reserved({ word, args, body }: Reply): ReservedJob | undefined {
  return word === 'RESERVED' || word === 'FOUND' ? { id: args[0] ?? '', body } : undefined;
}

function stats({ word, body }: Reply): Stats | undefined {
  return word === 'OK' ? new Stats(body) : undefined;
}

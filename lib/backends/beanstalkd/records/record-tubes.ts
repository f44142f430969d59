import { createHash } from 'node:crypto';
import { checkTube } from '../client/arguments.js';
import type { Client, ReservedJob } from '../client/client.js';

/** The tubes of records. Each begins with the prefix and has a `;`, which is in no queue's name. */
export class RecordTubes {
  /** Of the jobs that come when something is to be cleared away. */
  readonly errands: string;

  constructor(private readonly prefix: string) {
    this.errands = checkTube(`${prefix};errands`);
  }

  /** Of the record of a key. */
  record(place: string): string {
    return checkTube(`${this.prefix};record;${place}`);
  }

  /** Of the notes by those who watch a key. */
  watchers(place: string): string {
    return checkTube(`${this.prefix};watch;${place}`);
  }

  /** Of what is told to one process. */
  inbox(name: string): string {
    return checkTube(`${this.prefix};inbox;${name}`);
  }

  /** Whether it is one of those who watch, whatever the key. */
  isOfWatchers(tube: string): boolean {
    return tube.startsWith(`${this.prefix};watch;`);
  }
}

/** What stands for a key in the names of its tubes: a key may have any character, and is longer than a name may be. */
export function placeOf(key: string): string {
  // As JSON, which keeps halves of surrogate pairs apart.
  return createHash('sha256').update(JSON.stringify(key)).digest('base64url');
}

/** The job of an inbox that comes next, now or later. */
export async function leftIn(client: Client, inbox: string): Promise<ReservedJob | undefined> {
  const [ready, later] = await Promise.all([client.peekIn(inbox), client.peekDelayed()]);
  return ready ?? later;
}

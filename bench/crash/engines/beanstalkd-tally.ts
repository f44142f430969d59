import { Client } from '../../../lib/backends/beanstalkd/client/client.js';
import { connect } from '../../../lib/backends/beanstalkd/client/connect.js';
import type { Note } from '../../../lib/backends/beanstalkd/notes.js';
import { notesTubesOf, tubeOf } from '../../../lib/backends/beanstalkd/tubes.js';
import { DEFAULT_PRIORITY } from '../../../lib/core/message.js';
import { QUEUES } from '../plan.js';
import type { Tally } from './engine.js';

const KINDS = ['ready', 'reserved', 'delayed', 'buried'];

/** Jobs by their state, of the server's own statistics; and the notes about failed ones. */
export class BeanstalkdTally implements Tally {
  readonly waiting = ['ready'];
  readonly unfinished = ['ready', 'reserved', 'delayed'];
  private readonly host: string;
  private readonly port: number;
  private client: Client | undefined;

  constructor(url: string) {
    const { hostname, port } = new URL(url);
    this.host = hostname;
    this.port = Number(port);
  }

  async count(): Promise<Record<string, number>> {
    const client = await this.connected();
    const counts: Record<string, number> = {};
    const add = (kind: string, count: number): void => void (counts[kind] = (counts[kind] ?? 0) + count);
    for (const queue of QUEUES) {
      const [jobs, notes] = await Promise.all([
        client.statsTube(tubeOf('', queue)),
        Promise.all(notesTubesOf(tubeOf('', queue)).map((tube) => client.statsTube(tube))),
      ]);
      for (const kind of KINDS) add(kind, jobs?.number(`current-jobs-${kind}`) ?? 0);
      for (const tube of notes) add('notes', tube?.number('current-jobs-ready') ?? 0);
    }
    return counts;
  }

  async removeTorn(): Promise<number> {
    let removed = 0;
    for (const queue of QUEUES) {
      // What is not torn stays held by it, so that none comes twice, and is free again at its end.
      const client = await this.newClient();
      await client.watchOnly(...notesTubesOf(tubeOf('', queue)));
      for (let note = await client.reserve(0); note; note = await client.reserve(0)) {
        const { job } = JSON.parse(note.body.toString()) as Note;
        const failed = await client.reserveJob(job);
        if (failed?.body.at(-1) === 0) {
          await Promise.all([client.delete(job), client.delete(note.id)]);
          removed += 1;
        } else await client.bury(job, DEFAULT_PRIORITY);
      }
      await client.connection.close();
    }
    return removed;
  }

  async close(): Promise<void> {
    await this.client?.connection.close();
  }

  private async connected(): Promise<Client> {
    if (!this.client || this.client.connection.ended.signal.aborted) {
      this.client = await this.newClient();
    }
    return this.client;
  }

  private async newClient(): Promise<Client> {
    return new Client(await connect({ host: this.host, port: this.port }));
  }
}

import type { Client, ReservedJob } from '../client/client.js';
import { noticeJob, watchersNoteIn } from './record-job.js';
import type { RecordTubes } from './record-tubes.js';

/** Tells those who watch a key that it was set. */
export class Notifying {
  constructor(private readonly tubes: RecordTubes) {}

  /** The first note of those who watch. */
  look(client: Client, place: string): Promise<ReservedJob | undefined> {
    return client.peekIn(this.tubes.watchers(place));
  }

  /**
   * Tells those whose notes are older than what was set; those that come later look for themselves.
   *
   * @param setAt the id of what was set
   * @param isLate whether it became the record only after it was put: then those count who came until now
   */
  async notify(
    client: Client,
    place: string,
    setAt: string,
    first: ReservedJob | undefined,
    isLate: boolean,
  ): Promise<void> {
    let until = isLate ? undefined : BigInt(setAt);
    for (let note = first; note && (until === undefined || BigInt(note.id) < until);) {
      const told = await this.tell(client, note, place);
      until ??= told;
      // Only now, for should this process die in between, another set has to find it.
      const [, next] = await Promise.all([client.delete(note.id), this.look(client, place)]);
      note = next;
    }
  }

  /** The id of the notice; undefined where nobody is there to be told. */
  private async tell(client: Client, job: ReservedJob, place: string): Promise<bigint | undefined> {
    const note = watchersNoteIn(job);
    if (!note) return undefined;
    const inbox = this.tubes.inbox(note.inbox);
    const [id, stats] = await Promise.all([client.putInto(inbox, noticeJob({ set: place })), client.statsTube(inbox)]);
    if ((stats?.number('current-watching') ?? 0) === 0) await client.delete(id);
    return BigInt(id);
  }
}

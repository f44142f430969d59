import type { Client, ReservedJob } from '../client/client.js';
import type { CommandLine } from '../command-line.js';
import { INBOX_CHECK_MS, mailIn, recordIn, watchersNoteIn, type Errand } from './record-job.js';
import { leftIn, type RecordTubes } from './record-tubes.js';

/** Clears away records whose time is over, and what processes have left that are gone. */
export class Errands {
  constructor(
    private readonly line: CommandLine,
    private readonly tubes: RecordTubes,
  ) {}

  /** @returns after how many milliseconds it has to be run again */
  run(errand: Errand): Promise<number | undefined> {
    return this.line.use((client) => {
      if ('record' in errand) return this.clearRecord(client, errand.record, errand.nonce);
      return 'letters' in errand ? this.clearLetters(client, errand.letters) : this.clearInbox(client, errand.inbox);
    });
  }

  private async clearRecord(client: Client, place: string, nonce: string): Promise<number | undefined> {
    const tube = this.tubes.record(place);
    for (;;) {
      const [ready, pending] = await Promise.all([client.peekIn(tube), client.peekDelayed()]);
      const head = ready ?? pending;
      const record = head && recordIn(head);
      const leftMs = (record?.expiresAt ?? 0) - Date.now();
      // One that came later has an errand of its own; by another clock than its own, the time of this may yet come.
      if (!head || (record && leftMs > 0)) return record?.nonce === nonce ? leftMs : undefined;
      await client.delete(head.id);
    }
  }

  private async clearInbox(client: Client, name: string): Promise<number | undefined> {
    if (await this.isThere(client, name)) return INBOX_CHECK_MS;
    for (const tube of (await client.listTubes()).filter((each) => this.tubes.isOfWatchers(each))) {
      await this.clear(client, tube, (note) => watchersNoteIn(note)?.inbox === name);
    }
    const leftMs = await this.clearMail(client, this.tubes.inbox(name));
    return (await this.isThere(client, name)) ? INBOX_CHECK_MS : leftMs;
  }

  /** A process that is there takes its letters, and has an errand of its own. */
  private async clearLetters(client: Client, name: string): Promise<number | undefined> {
    return (await this.isThere(client, name)) ? undefined : this.clearMail(client, this.tubes.inbox(name));
  }

  /** Removes what came to a process that is gone, but for letters whose time is not over: it may have lost touch only. */
  private async clearMail(client: Client, inbox: string): Promise<number | undefined> {
    const leftMs = (job: ReservedJob): number => {
      const mail = mailIn(job);
      return mail && 'letter' in mail ? mail.expiresAt - Date.now() : 0;
    };
    await this.clear(client, inbox, (job) => leftMs(job) <= 0);
    const kept = await leftIn(client, inbox);
    return kept && Math.max(leftMs(kept), 0);
  }

  private async isThere(client: Client, name: string): Promise<boolean> {
    return ((await client.statsTube(this.tubes.inbox(name)))?.number('current-watching') ?? 0) > 0;
  }

  /** Removes the first jobs of a tube, as long as they are meant. */
  private async clear(client: Client, tube: string, isMeant: (job: ReservedJob) => boolean): Promise<void> {
    for (;;) {
      const head = await client.peekIn(tube);
      if (!head || !isMeant(head)) return;
      await client.delete(head.id);
    }
  }
}

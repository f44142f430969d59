import type { Client } from '../client/client.js';
import type { CommandLine } from '../command-line.js';
import { recordIn, watchersNoteIn, type Errand } from './record-job.js';
import type { RecordTubes } from './record-tubes.js';
import { INBOX_CHECK_MS } from './watching.js';

/** Clears away records whose time is over, and what processes have left that are gone. */
export class Errands {
  constructor(
    private readonly line: CommandLine,
    private readonly tubes: RecordTubes,
  ) {}

  /** @returns after how many milliseconds it has to be run again */
  run(errand: Errand): Promise<number | undefined> {
    return this.line.use((client) =>
      'record' in errand
        ? this.clearRecord(client, errand.record, errand.nonce)
        : this.clearInbox(client, errand.inbox),
    );
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
    const inbox = this.tubes.inbox(name);
    if (((await client.statsTube(inbox))?.number('current-watching') ?? 0) > 0) return INBOX_CHECK_MS;
    for (const tube of (await client.listTubes()).filter((each) => this.tubes.isOfWatchers(each))) {
      await this.clear(client, tube, (note) => watchersNoteIn(note)?.inbox === name);
    }
    await this.clear(client, inbox, () => true);
    return undefined;
  }

  /** Removes the first jobs of a tube, as long as they are meant. */
  private async clear(
    client: Client,
    tube: string,
    isMeant: (job: { readonly body: Buffer; readonly id: string }) => boolean,
  ): Promise<void> {
    for (;;) {
      const head = await client.peekIn(tube);
      if (!head || !isMeant(head)) return;
      await client.delete(head.id);
    }
  }
}

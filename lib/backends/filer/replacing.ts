import { encodeMessage, type Message } from '../../core/message.js';
import { unlinkIfThere, type Disk } from './disk.js';
import { writeDraft } from './drafts.js';
import type { Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import { newOrder } from './order.js';
import { placeOf, type Place } from './publishing.js';
import { Turnstile } from './turnstile.js';

/** How many drafts are open at a time. */
const AT_A_TIME = 64;

/** The pending file of a delivery. */
export interface Held {
  /** Whether its job is registered by its id. */
  readonly registered: boolean;
  /** Whether it is there still. */
  isThere(): boolean;
  /** Begins the lease anew under a name that nobody else knows; false where it was lost. */
  renew(): boolean;
  path(): string;
}

export interface ReplacingSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly durable: boolean;
  readonly ids: IdRegister;
  readonly newDraft: () => string;
}

/**
 * Puts a message in the place of a claimed job: the draft is renamed over the pending file, so that at every moment, also
 * after a kill or a power cut, one of the two is there, and never both; then it moves to where it waits.
 */
export class Replacing {
  private readonly drafting = new Turnstile(AT_A_TIME);

  constructor(private readonly setup: ReplacingSetup) {}

  /** Where the message waits now; undefined where the lease was lost, which leaves all as it was. */
  async replace(held: Held, message: Message): Promise<Place | undefined> {
    if (!held.isThere()) return undefined;
    const { disk, folders, ids, newDraft } = this.setup;
    const [draft, link] = [
      await this.drafting.pass(() => writeDraft(this.setup, Buffer.from(encodeMessage(message)))),
      newDraft(),
    ];
    const take = (): boolean => held.renew();
    const swap = (): true => {
      disk.rename(draft, held.path());
      return true;
    };
    try {
      const isOurs = held.registered ? await ids.handOver(message.id, draft, link, take, swap) : take() && swap();
      if (isOurs) {
        const place = placeOf(message, newOrder(), held.registered);
        disk.rename(held.path(), folders.file(place.folder, place.file));
        return place;
      }
    } catch (error) {
      this.discard(draft, link);
      throw error;
    }
    this.discard(draft);
    return undefined;
  }

  private discard(...drafts: readonly string[]): void {
    try {
      for (const draft of drafts) unlinkIfThere(this.setup.disk, draft);
    } catch {
      // What is left of it is removed with other drafts of processes that are gone.
    }
  }
}

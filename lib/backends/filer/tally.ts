import type { StateCounts } from '../../core/inspector.js';
import { dueOf, isLeftAlone, isReceipt } from './file-name.js';
import type { FolderName } from './folders.js';
import { timeOfOrder } from './order.js';

/** Of how many foreign files it is asked since when they are there. */
const ASKED = 100;
/** Where the order is in the name of a waiting file, whose first twelve digits are its time. */
const ORDER = { start: 11, end: 23 } as const;

/** Counts files by their states: of very many, so that each costs as little as can be. */
export class Tally {
  private readonly counts = { waiting: 0, delayed: 0, active: 0, failed: 0, expired: 0 };
  private readonly now = new Date().toISOString();
  /** Times as texts, which sort as they do. */
  private oldestOrder = '~';
  private oldestDue = '~';
  /** Foreign files, whose names tell no time. */
  readonly foreign: string[] = [];

  add(folder: FolderName, file: string): void {
    if (isLeftAlone(file)) return;
    if (folder === 'incoming') this.addIncoming(file);
    else if (folder === 'delayed') this.addDelayed(file);
    else if (folder === 'pending') this.counts.active += 1;
    else if (folder === 'errors') this.counts.failed += 1;
    else if (folder === 'expired') this.counts.expired += 1;
  }

  /** @param foreignSince since when the oldest of the foreign files is there; milliseconds since 1970 */
  result(foreignSince: number): StateCounts {
    const oldest = Math.min(
      foreignSince,
      this.oldestOrder === '~' ? Infinity : timeOfOrder(this.oldestOrder),
      this.oldestDue === '~' ? Infinity : Date.parse(this.oldestDue),
    );
    return { ...this.counts, completed: undefined, oldestWaitingAt: oldest === Infinity ? undefined : oldest };
  }

  private addIncoming(file: string): void {
    this.counts.waiting += 1;
    if (isReceipt(file)) {
      const order = file.slice(ORDER.start, ORDER.end);
      if (order < this.oldestOrder) this.oldestOrder = order;
    } else if (this.foreign.length < ASKED) this.foreign.push(file);
  }

  private addDelayed(file: string): void {
    const due = dueOf(file);
    if (due === undefined) return;
    if (due > this.now) {
      this.counts.delayed += 1;
      return;
    }
    this.counts.waiting += 1;
    if (due < this.oldestDue) this.oldestDue = due;
  }
}

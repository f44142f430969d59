import type { Command } from './commands.js';
import type { Reply } from './reply-parser.js';

/** A command that was not answered yet. */
export interface Unanswered {
  readonly command: Command;
  written: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

/** After how many answered ones the list is cut. */
const CUT_AFTER = 1_024;

/** The commands of a connection that wait for their replies, which come in the same order. */
export class Pending {
  private list: Unanswered[] = [];
  private answered = 0;

  get size(): number {
    return this.list.length - this.answered;
  }

  get first(): Unanswered | undefined {
    return this.list[this.answered];
  }

  add(unanswered: Unanswered): void {
    this.list.push(unanswered);
  }

  removeFirst(): void {
    this.answered += 1;
    if (this.answered < CUT_AFTER && this.answered < this.list.length) return;
    this.list = this.list.slice(this.answered);
    this.answered = 0;
  }

  takeAll(): Unanswered[] {
    const all = this.list.slice(this.answered);
    this.list = [];
    this.answered = 0;
    return all;
  }
}

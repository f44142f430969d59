import { sayBlocked, type BlockSaid } from './fleet-blocks.js';
import { openElsewhere, type ElsewhereRecords, type RecordsElsewhere } from './records-elsewhere.js';

/** How often it is said how long a block lasts, and when it is tried again where that failed, in milliseconds. */
const SAY_EVERY_MS = 5_000;
const AGAIN_MS = 2_000;

/** Where and as whom it is told. */
export interface BlockTellingSetup {
  readonly elsewhere: RecordsElsewhere;
  /** Of the process among the workers. */
  readonly id: string;
  /** For how long what is said is known, in milliseconds. */
  readonly knownMs: number;
}

/**
 * Tells of an event loop that is blocked as long as it is, from another thread: with records of its own, which are open
 * meanwhile only. Where the engine is away it tries again; nothing of it rejects.
 */
export class BlockTelling {
  private opened: ElsewhereRecords | undefined;
  private saying: Promise<void> | undefined;
  /** By `performance.now()`. */
  private nextAt = -Infinity;
  /** The stack with which it was last tried. */
  private stack: string | undefined;

  constructor(private readonly setup: BlockTellingSetup) {}

  /** To be called again and again while it lasts; says something every few seconds, and what runs once that is known. */
  tell(said: Pick<BlockSaid, 'block' | 'worker' | 'lasts'>): void {
    const { stack } = said.block;
    if (this.saying || (stack === this.stack && performance.now() < this.nextAt)) return;
    this.stack = stack;
    this.saying = this.say(said).finally(() => (this.saying = undefined));
  }

  /** It is over. Resolves once nothing is open any more. */
  async end(): Promise<void> {
    await this.saying;
    this.nextAt = -Infinity;
    this.stack = undefined;
    await this.close();
  }

  private async say(said: Pick<BlockSaid, 'block' | 'worker' | 'lasts'>): Promise<void> {
    const { elsewhere, id, knownMs } = this.setup;
    let stored = false;
    try {
      this.opened ??= await openElsewhere(elsewhere);
      stored = await sayBlocked(this.opened.records, { ...said, id, knownMs });
    } catch {
      // A connection that is lost does not come back by itself.
      await this.close();
    }
    this.nextAt = performance.now() + (stored ? Math.min(SAY_EVERY_MS, knownMs / 3) : AGAIN_MS);
  }

  private async close(): Promise<void> {
    const { opened } = this;
    this.opened = undefined;
    await opened?.close().catch(() => undefined);
  }
}

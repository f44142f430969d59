import type { QueueLoop } from './queue-loop.js';

/** A queue that is read, for as many as ask for it. */
export interface ReadQueue {
  readonly loop: QueueLoop;
  /** Resolves once the loop was stopped and holds no job any more. */
  readonly ended: Promise<void>;
  readers: number;
  /** Called when nobody asks for it any more. */
  left(): void;
}

/** Queues that are read for somebody, until he ends it. */
export class Reading {
  private over = false;

  constructor(
    private readonly queues: readonly ReadQueue[],
    private readonly left: () => void,
  ) {}

  /** Whether one of the queues has jobs under way here. */
  get busy(): boolean {
    return this.queues.some(({ loop }) => loop.runs.size > 0);
  }

  /** Whether the engine fails, so that nobody knows what the queues hold. */
  get failing(): boolean {
    return this.queues.some(({ loop }) => loop.failing);
  }

  /** Those of the queues that an operator has paused. */
  get paused(): readonly string[] {
    return this.queues.filter(({ loop }) => loop.isPaused).map(({ loop }) => loop.queue);
  }

  /** Whether all of them are. */
  get isPaused(): boolean {
    return this.paused.length === this.queues.length;
  }

  /** Resolves once those that nobody else reads hold no job any more; never rejects. */
  async end(): Promise<void> {
    if (this.over) return;
    this.over = true;
    const ending = this.queues.filter((queue) => --queue.readers === 0);
    for (const queue of ending) {
      queue.left();
      queue.loop.stop();
    }
    await Promise.all(ending.map((queue) => queue.ended));
    this.left();
  }
}

import { BackendError, type Backend, type StoredReceipt } from './backend.js';
import type { DroppedJob } from './backlog.js';
import { systemClock } from './clock.js';
import type { JobEvents } from './events.js';
import { inTime } from './in-time.js';
import { letGo } from './letting-go.js';
import { encodeMessage, type Message } from './message.js';
import { PublishError, QueueFullError } from './publish-error.js';
import {
  fitting,
  isBounded,
  loadOf,
  NO_LOAD,
  whyFull,
  type LimitedReceipt,
  type Load,
  type QueueLimits,
} from './queue-limits.js';
import { QueueRoom, type Granted } from './queue-room.js';

/** How long one who publishes waits for room. */
export type RoomPatience =
  /** As the queue's `whenFull` says, for so long at most. */
  | { readonly ms: number }
  /** Until the signal aborts, where the queue's `whenFull` is `'reject'` or `'wait'`. */
  | { readonly signal: AbortSignal };

/** How it is published; what is left out is as the engine does it. */
export interface LimitedPublish {
  readonly patience: RoomPatience;
  /** How many jobs of the same call were stored before. */
  readonly stored?: number;
  /** What the caller makes of the engine's work: bounds its time, say. */
  readonly heed?: (work: Promise<readonly StoredReceipt[]>, stored: number) => Promise<readonly StoredReceipt[]>;
}

/** The queues of this process that have limits. Shared by all that publish to them here, so that these know of each other. */
export class LimitedQueues {
  private readonly rooms = new Map<string, { readonly backend: Backend; readonly room: QueueRoom }>();

  /** @param limits by the queue's name */
  constructor(
    private readonly limits: ReadonlyMap<string, QueueLimits>,
    private readonly events: JobEvents,
  ) {}

  /** Whether what is published to a queue has to go through here. */
  bounds(queue: string): boolean {
    const limits = this.limits.get(queue);
    return limits !== undefined && isBounded(limits);
  }

  /**
   * Publishes messages to one queue in their order, each once there is room for it or as the queue's limits say; where
   * it has none, at once. The event `dropped` tells of each job that is not kept.
   *
   * @throws QueueFullError where there is no room, and none was waited for; before it, the first ones may be stored
   * @throws PublishError where the engine doesn't tell what waits
   * @throws BackendError where it fails
   */
  async publish(
    backend: Backend,
    queue: string,
    messages: readonly Message[],
    { patience, stored = 0, heed = (work) => work }: LimitedPublish,
  ): Promise<readonly LimitedReceipt[]> {
    const limits = this.limits.get(queue);
    if (!limits || !isBounded(limits)) return heed(backend.publish(queue, messages), stored);
    const line: Line = { backend, queue, limits, room: this.roomOf(backend, queue, limits), patience };
    const sizes = messages.map((message) => (limits.maxBytes === undefined ? 0 : sizeOf(message)));
    const receipts: LimitedReceipt[] = [];
    let kept = stored;
    while (receipts.length < messages.length) {
      const from = receipts.length;
      const rest = sizes.slice(from);
      const { count, waiting } = await granted(line, rest.slice(0, fitting(limits, NO_LOAD, rest)), kept);
      if (count > 0) {
        const work = store(line, messages.slice(from, from + count), rest.slice(0, count));
        receipts.push(...(await heed(work, kept)));
        kept += count;
      } else if (limits.whenFull === 'drop-newest') {
        const lost =
          waiting.jobs >= (limits.maxJobs ?? Infinity) ? messages.slice(from) : messages.slice(from, from + 1);
        this.tell(queue, lost, 'drop-newest');
        receipts.push(...lost.map(() => ({ duplicate: undefined, dropped: true }) as const));
      } else {
        throw full(line, waiting, kept, rest[0]);
      }
    }
    return receipts;
  }

  private roomOf(backend: Backend, queue: string, limits: QueueLimits): QueueRoom {
    const known = this.rooms.get(queue);
    if (known?.backend === backend) return known.room;
    const { backlog, clock = systemClock, traits } = backend;
    if (!backlog) throw new PublishError(`not published: ${traits.name} can't tell what waits in queue "${queue}"`);
    const dropped = async (jobs: readonly DroppedJob[]): Promise<void> => {
      this.tell(queue, jobs, 'drop-oldest');
      await Promise.allSettled(jobs.map((job) => letGo(backend, { ...job, queue }, 'drop-oldest')));
    };
    const room = new QueueRoom({ queue, limits, backlog, clock, events: this.events, dropped });
    this.rooms.set(queue, { backend, room });
    return room;
  }

  private tell(
    queue: string,
    jobs: readonly Pick<DroppedJob, 'id' | 'name'>[],
    reason: 'drop-oldest' | 'drop-newest',
  ): void {
    for (const { id, name } of jobs) this.events.emit('dropped', { job: { id, name, queue }, reason });
  }
}

/** Where one call of publish stands in line. */
interface Line {
  readonly backend: Backend;
  readonly queue: string;
  readonly limits: QueueLimits;
  readonly room: QueueRoom;
  readonly patience: RoomPatience;
}

/** @param stored how many jobs of the same call were stored before */
async function granted(line: Line, sizes: readonly number[], stored: number): Promise<Granted> {
  const { backend, limits, room, patience } = line;
  if (sizes.length === 0) return { count: 0, waiting: room.waiting };
  if (room.tryTake(sizes)) return { count: sizes.length, waiting: room.waiting };
  const { whenFull } = limits;
  const waits = 'signal' in patience ? !patience.signal.aborted : whenFull === 'wait';
  const isPatient = waits && (whenFull === 'wait' || whenFull === 'reject');
  const place = room.take(sizes, isPatient);
  if ('signal' in patience) return isPatient ? untilAborted(place, patience.signal, room) : place.granted;
  const { ms } = patience;
  const late = (): PublishError => {
    place.leave();
    if (isPatient && room.isKnown) return full(line, room.waiting, stored, 0, `; waited ${ms} ms for room`);
    const { name } = backend.traits;
    return new PublishError(`not published: no answer of ${name} within ${ms} ms`, { stored });
  };
  return inTime(place.granted, ms, late);
}

async function store(
  { room, backend, queue }: Line,
  messages: readonly Message[],
  sizes: readonly number[],
): Promise<readonly StoredReceipt[]> {
  try {
    const receipts = await backend.publish(queue, messages);
    room.settled(loadOf(sizes.filter((_, index) => receipts[index]?.duplicate)));
    return receipts;
  } catch (error) {
    const isSure = error instanceof BackendError && !error.maybeStored;
    room.settled(isSure ? loadOf(sizes.slice(error.stored)) : NO_LOAD);
    throw error;
  }
}

/** @param size the bytes of the first that there was no room for */
function full({ queue, limits }: Line, waiting: Load, stored: number, size = 0, waited = ''): QueueFullError {
  const { maxBytes = Infinity } = limits;
  const alone = `the message alone has ${size} bytes, and its maxBytes is ${maxBytes}`;
  return new QueueFullError(
    queue,
    limits,
    waiting,
    (size > maxBytes ? alone : whyFull(limits, waiting)) + waited,
    stored,
  );
}

function sizeOf(message: Message): number {
  return Buffer.byteLength(encodeMessage(message));
}

/** What was granted, or nothing where the signal aborts before. */
function untilAborted(place: ReturnType<QueueRoom['take']>, signal: AbortSignal, room: QueueRoom): Promise<Granted> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      if (place.leave()) resolve({ count: 0, waiting: room.waiting });
    };
    signal.addEventListener('abort', giveUp, { once: true });
    void place.granted.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}

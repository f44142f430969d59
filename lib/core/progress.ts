import type { ProgressNote } from './answer-record.js';
import { onAbort } from './on-abort.js';
import type { RecordWatches } from './record-watches.js';

/** What is followed, and until when. */
export interface Followed {
  readonly noteKey: string;
  /** Of the record that is there once the job has ended. */
  readonly endKey: string;
  read(text: string | undefined): ProgressNote | undefined;
  isEnd(text: string | undefined): boolean;
  /** Any of them ends it before. */
  readonly signals: readonly AbortSignal[];
  /** What it then throws. */
  ended(): unknown;
}

/** The latest of the values in a record, as they change, until another record tells that there will be no more. */
export async function* progressOf(watches: RecordWatches, followed: Followed): AsyncGenerator<unknown> {
  const { noteKey, endKey, signals } = followed;
  let told: string | undefined;
  let latest: string | undefined;
  /** `'ended'`: the job has; `'final'`: what it said last was read since. */
  let state: 'running' | 'ended' | 'final' = 'running';
  let changed = true;
  let wake = (): void => undefined;
  const change = (): void => {
    changed = true;
    wake();
  };
  const leaves = [
    watches.join(noteKey, (text) => {
      latest = text;
      change();
    }),
    watches.join(endKey, (text) => {
      if (state !== 'running' || !followed.isEnd(text)) return;
      state = 'ended';
      // What is said last is stored before the end, so that a look from now on finds it.
      leaves.push(
        watches.join(noteKey, (last) => {
          latest = last;
          state = 'final';
          change();
        }),
      );
    }),
  ];
  leaves.push(...signals.map((signal) => onAbort(signal, change)));
  try {
    for (;;) {
      while (!changed) await new Promise<void>((resolve) => (wake = resolve));
      changed = false;
      if (signals.some((signal) => signal.aborted)) throw followed.ended();
      const isLast = (state as string) === 'final';
      const note = latest === told ? undefined : followed.read(latest);
      told = latest;
      if (note) yield note.value;
      if (isLast) return;
    }
  } finally {
    for (const leave of leaves) leave();
  }
}

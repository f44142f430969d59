import type { Records } from './records.js';

/** How another thread of this process opens the records of a backend for itself: data that `structuredClone` takes. */
export interface RecordsElsewhere {
  /** The URL of an ES module that exports an {@link OpenRecords} as `openRecords`. */
  readonly module: string;
  /** What that is called with. A password in it goes to the thread, and nowhere else. */
  readonly options: unknown;
}

/**
 * Opens records, and nothing but them: no job is taken, and nothing is waited for or listened to before it is asked for.
 *
 * @throws Error where the engine is away
 */
export type OpenRecords<Options = unknown> = (options: Options) => Promise<ElsewhereRecords>;

export interface ElsewhereRecords {
  readonly records: Records;
  close(): Promise<void>;
}

/** Opens them as another thread does. Rejects where the module can't be imported, too. */
export async function openElsewhere({ module, options }: RecordsElsewhere): Promise<ElsewhereRecords> {
  const { openRecords } = (await import(module)) as { readonly openRecords: OpenRecords };
  return openRecords(options);
}

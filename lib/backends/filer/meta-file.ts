import type { FailureRecord } from '../../core/failure-record.js';
import type { Disk } from './disk.js';
import { isGone } from './folders.js';
import type { Meta } from './set-aside.js';

/** What is known of a job that was set aside; what its meta doesn't say is missing. */
export type KnownMeta = Partial<Omit<Meta, 'failures'>> & { readonly failures: readonly FailureRecord[] };

/** Reads a meta; one that is missing or damaged, for anybody may write there, tells nothing. */
export function readMeta(disk: Disk, path: string): KnownMeta {
  try {
    const bytes = disk.readSmall(path) ?? disk.open(path)?.read();
    const text = bytes && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
    const json = JSON.parse(text ?? 'null') as Partial<Meta> | null;
    if (typeof json !== 'object' || json === null) return { failures: [] };
    return { ...json, failures: Array.isArray(json.failures) ? json.failures : [] };
  } catch (error) {
    if (isGone(error) || error instanceof SyntaxError) return { failures: [] };
    throw error;
  }
}

import type { ElsewhereRecords } from '../../core/records-elsewhere.js';
import { DirectorySyncs } from './directory-syncs.js';
import { FilerRecords, type FilerRecordsSetup } from './filer-records.js';
import { ProcessOwners } from './owner.js';
import { RealDisk } from './real-disk.js';

/** What another thread imports. Told here, in a file that is loaded lazily: as CommonJS, as jest has it, it can't be read. */
export const MODULE = import.meta.url;

/** Opens the records of a directory in another thread. */
export function openRecords(
  options: Pick<FilerRecordsSetup, 'root' | 'durable' | 'sweepMs'>,
): Promise<ElsewhereRecords> {
  const disk = new RealDisk();
  const unheard = (): void => undefined;
  const syncs = new DirectorySyncs(disk, unheard);
  const records = new FilerRecords({ ...options, disk, owners: new ProcessOwners(), syncs, warn: unheard });
  const close = async (): Promise<void> => {
    await records.close();
    await syncs.flush();
    disk.close();
  };
  return Promise.resolve({ records, close });
}

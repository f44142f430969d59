import type { ElsewhereRecords } from '../../core/records-elsewhere.js';
import { BeanstalkdRecords } from './records/beanstalkd-records.js';
import type { Server } from './server.js';

/** What another thread imports. Told here, in a file that is loaded lazily: as CommonJS, as jest has it, it can't be read. */
export const MODULE = import.meta.url;

export interface ElsewhereOptions {
  readonly server: Server;
  readonly prefix: string;
}

/** Opens the records of a server in another thread, on a connection that is made when it is first needed. */
export function openRecords({ server, prefix }: ElsewhereOptions): Promise<ElsewhereRecords> {
  const records = new BeanstalkdRecords(server, { prefix, clearsAway: false, holderOf: () => undefined });
  return Promise.resolve({ records, close: () => records.close() });
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Reads the binlog of a beanstalkd that is dead, as the server itself will when it starts. Each file begins with the
 * version of its format, and is filled with zeros to its full size beforehand; then come records: the length of the
 * tube's name, the name, 80 bytes about the job, its body. A record without a name has no body either: it tells a job's
 * new state. Numbers are in the byte order of the machine, which is taken to be little-endian.
 */

const VERSION = 7;
const NUMBER_BYTES = 4;
const JOB_BYTES = 80;
const BODY_SIZE_AT = 32;
const STATE_AT = 76;
const DELETED = 0;
/** The server stores and counts the line end that a client sends after a body. */
const LINE_END_BYTES = 2;

/** One record about one job. */
export interface BinlogRecord {
  /** The server's id of the job. */
  readonly id: bigint;
  readonly deleted: boolean;
  /** Undefined where the record tells only of a new state. As long as the record says, with zeros where it was cut. */
  readonly body: Buffer | undefined;
}

/** One file; a server that is started begins a new one, and numbers go up. */
export interface BinlogFile {
  readonly number: number;
  readonly records: readonly BinlogRecord[];
}

/** All files that a server has left, the oldest first. Throws on a format that it doesn't know. */
export function readBinlog(folder: string): BinlogFile[] {
  return readdirSync(folder)
    .flatMap((name) => /^binlog\.(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
    .map((number) => ({ number, records: recordsOf(readFileSync(join(folder, `binlog.${number}`))) }));
}

/** The bodies of the jobs that a server will know when it has read these files, by its ids. */
export function storedIn(files: readonly BinlogFile[]): Map<bigint, Buffer> {
  const stored = new Map<bigint, Buffer>();
  for (const { id, deleted, body } of files.flatMap(({ records }) => records)) {
    if (deleted) stored.delete(id);
    else if (body) stored.set(id, body);
  }
  return stored;
}

function recordsOf(bytes: Buffer): BinlogRecord[] {
  // A server that was killed early may not even have come to write the version.
  const version = bytes.length < NUMBER_BYTES ? 0 : bytes.readInt32LE(0);
  if (version === 0) return [];
  if (version !== VERSION) throw new Error(`expected a binlog of version ${VERSION}, got ${version}`);
  const records: BinlogRecord[] = [];
  for (let at = NUMBER_BYTES; at + NUMBER_BYTES + JOB_BYTES <= bytes.length;) {
    const nameBytes = bytes.readInt32LE(at);
    const job = bytes.subarray(at + NUMBER_BYTES + nameBytes, at + NUMBER_BYTES + nameBytes + JOB_BYTES);
    const id = job.length < JOB_BYTES ? 0n : job.readBigUInt64LE(0);
    // The zeros that nothing was written to yet, or a record that a kill has cut before it told anything.
    if (id === 0n) break;
    at += NUMBER_BYTES + nameBytes + JOB_BYTES;
    const bodyBytes = nameBytes > 0 ? job.readInt32LE(BODY_SIZE_AT) : 0;
    const body = nameBytes > 0 ? bytes.subarray(at, at + bodyBytes - LINE_END_BYTES) : undefined;
    records.push({ id, deleted: job[STATE_AT] === DELETED, body });
    at += bodyBytes;
  }
  return records;
}

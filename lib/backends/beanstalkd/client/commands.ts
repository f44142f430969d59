import { checkId, checkNumber, checkTube, LARGEST, LONGEST_WAIT_S } from './arguments.js';

/** What is sent, checked, and what may come back. */
export interface Command {
  /** Without CRLF. */
  readonly line: string;
  readonly body?: string | Uint8Array;
  /** The words that answer it; any other means that the replies have shifted. */
  readonly words: ReadonlySet<string>;
  /** How long the server may take beside the deadline of all commands, in milliseconds. */
  readonly waitMs?: number;
}

/** A job as it is put. */
export interface NewJob {
  /** 0 is the most urgent. */
  readonly priority: number;
  /** In whole seconds. */
  readonly delay: number;
  /** How long a worker may keep it without a touch, in whole seconds. */
  readonly ttr: number;
  readonly body: string | Uint8Array;
}

const words = (...all: string[]): ReadonlySet<string> => new Set(all);

const PUT = words('INSERTED', 'BURIED', 'JOB_TOO_BIG', 'DRAINING');
const USE = words('USING');
const WATCH = words('WATCHING');
const IGNORE = words('WATCHING', 'NOT_IGNORED');
const RESERVE = words('RESERVED', 'TIMED_OUT', 'DEADLINE_SOON');
const RESERVE_JOB = words('RESERVED', 'NOT_FOUND');
const DELETE = words('DELETED', 'NOT_FOUND');
const RELEASE = words('RELEASED', 'BURIED', 'NOT_FOUND');
const BURY = words('BURIED', 'NOT_FOUND');
const TOUCH = words('TOUCHED', 'NOT_FOUND');
const KICK_JOB = words('KICKED', 'NOT_FOUND');
const PEEK = words('FOUND', 'NOT_FOUND');
const LIST = words('OK');
const STATS = words('OK', 'NOT_FOUND');

/**
 * The commands. Each checks its arguments before it can be written.
 *
 * @throws RangeError
 */
export const commands = {
  put({ priority, delay, ttr, body }: NewJob): Command {
    const size = checkNumber('size of the body', typeof body === 'string' ? Buffer.byteLength(body) : body.length);
    const numbers = `${checkNumber('priority', priority)} ${checkNumber('delay', delay)} ${checkNumber('ttr', ttr)}`;
    return { line: `put ${numbers} ${size}`, body, words: PUT };
  },
  use: (tube: string): Command => ({ line: `use ${checkTube(tube)}`, words: USE }),
  watch: (tube: string): Command => ({ line: `watch ${checkTube(tube)}`, words: WATCH }),
  ignore: (tube: string): Command => ({ line: `ignore ${checkTube(tube)}`, words: IGNORE }),
  reserve(seconds: number): Command {
    checkNumber('seconds to wait', seconds, LONGEST_WAIT_S);
    return { line: `reserve-with-timeout ${seconds}`, words: RESERVE, waitMs: seconds * 1000 };
  },
  reserveJob: (id: string): Command => ({ line: `reserve-job ${checkId(id)}`, words: RESERVE_JOB }),
  delete: (id: string): Command => ({ line: `delete ${checkId(id)}`, words: DELETE }),
  release(id: string, priority: number, delay: number): Command {
    const numbers = `${checkNumber('priority', priority)} ${checkNumber('delay', delay, LARGEST)}`;
    return { line: `release ${checkId(id)} ${numbers}`, words: RELEASE };
  },
  bury: (id: string, priority: number): Command => ({
    line: `bury ${checkId(id)} ${checkNumber('priority', priority)}`,
    words: BURY,
  }),
  touch: (id: string): Command => ({ line: `touch ${checkId(id)}`, words: TOUCH }),
  kickJob: (id: string): Command => ({ line: `kick-job ${checkId(id)}`, words: KICK_JOB }),
  peek: (id: string): Command => ({ line: `peek ${checkId(id)}`, words: PEEK }),
  peekReady: (): Command => ({ line: 'peek-ready', words: PEEK }),
  peekDelayed: (): Command => ({ line: 'peek-delayed', words: PEEK }),
  peekBuried: (): Command => ({ line: 'peek-buried', words: PEEK }),
  listTubes: (): Command => ({ line: 'list-tubes', words: LIST }),
  statsJob: (id: string): Command => ({ line: `stats-job ${checkId(id)}`, words: STATS }),
  statsTube: (tube: string): Command => ({ line: `stats-tube ${checkTube(tube)}`, words: STATS }),
  stats: (): Command => ({ line: 'stats', words: STATS }),
};

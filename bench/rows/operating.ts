import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Inspector, StoredState } from '../../lib/core/inspector.js';
import { PrivateBeanstalkd } from '../../test/servers/beanstalkd.js';
import { PrivateRedis } from '../../test/servers/redis.js';
import { filerUrl, JOB, openByUrl, QUEUE, request } from '../core-setup.js';
import { inFolder } from '../folder.js';
import { spread } from '../pairs.js';
import type { Row } from '../row.js';

/** So many wait, and as many have failed. */
const JOBS = 100_000;
const STORED_AT_ONCE = 5_000;
const TIMES = 5;
const ANSWER_MS = 1_000;
const COUNTS_MS = 100;
/** Of directories, whose names are counted. */
const FILER_COUNTS_MS = 300;

const COMMAND_LINE = fileURLToPath(new URL('../../../../dist/cli/main.js', import.meta.url));

/** What an operator waits for where very much is stored: by the command line, its start included, and counts by the inspector. */
export async function operatingRows(): Promise<Row[]> {
  const redis = await PrivateRedis.start();
  const beanstalkd = await PrivateBeanstalkd.start({ binlog: false });
  try {
    return [
      ...(await inFolder((folder) => rowsOf('directories', filerUrl(folder), FILER_COUNTS_MS))),
      ...(await rowsOf('BullMQ', redis.url, COUNTS_MS)),
      ...(await rowsOf('beanstalkd', `beanstalkd://${beanstalkd.host}:${beanstalkd.port}`, COUNTS_MS)),
    ];
  } finally {
    await beanstalkd.stop();
    await redis.stop();
  }
}

async function rowsOf(engine: string, url: string, countsMs: number): Promise<Row[]> {
  const backend = await openByUrl(url);
  const { inspector } = backend;
  if (!inspector) throw new Error(`${engine} has no inspector`);
  await fill(inspector);
  const counts = await row(`counts on ${engine}`, countsMs, () => inspector.counts(QUEUE));
  const commands = ['ls', `ls ${QUEUE} --state failed`, 'failures', ...(await shows(inspector))];
  await backend.close();
  const rows = [counts];
  for (const command of commands) {
    rows.push(await row(`nestjs-jobs ${command} on ${engine}`, ANSWER_MS, () => run(command, url)));
  }
  return rows;
}

/** Of a waiting and of a failed job, as far as the engine finds them. */
async function shows(inspector: Inspector): Promise<string[]> {
  const ids = ['waiting', 'failed'].map((state) => `${state}-${Math.floor(JOBS * 0.77)}`);
  const found = await Promise.all(ids.map((id) => inspector.get(QUEUE, id)));
  return ids.filter((_, n) => found[n]?.length === 1).map((id) => `show ${id} -q ${QUEUE}`);
}

async function fill(inspector: Inspector): Promise<void> {
  const now = Date.now();
  for (const state of ['waiting', 'failed'] as const) {
    for (let from = 0; from < JOBS; from += STORED_AT_ONCE) {
      const jobs = Array.from({ length: STORED_AT_ONCE }, (_, n) => stock(state, from + n, now));
      const results = await inspector.store(QUEUE, jobs);
      const odd = results.find((result) => result !== 'stored');
      if (odd) throw new Error(`a job was not stored: ${JSON.stringify(odd)}`);
    }
  }
}

function stock(state: 'waiting' | 'failed', n: number, now: number): StoredState {
  const error = {
    name: 'Error',
    message: `no answer of mail server 10.0.0.${n}`,
    stack: `Error\n${'    at here\n'.repeat(20)}`,
  };
  const failure = { at: new Date(now).toISOString(), worker: 'host:1', attempt: 1, durationMs: 5, error };
  const content = {
    ...{ id: `${state}-${n}`, name: JOB, body: JSON.stringify(request(n).payload) },
    ...{ priority: 1_000 + (n % 500), publishedAt: now - 60_000, attemptsUsed: 0, headers: {} },
  };
  const ended = { endedAt: now, reason: 'attempts spent', failures: [failure] };
  return { state, content, attempts: 1, storedAt: now - 60_000, failures: [], ...(state === 'failed' ? ended : {}) };
}

async function run(command: string, url: string): Promise<string> {
  const args = [COMMAND_LINE, ...command.split(' '), '--backend', url];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 1e8 });
  return stdout;
}

async function row(what: string, mostMs: number, act: () => Promise<unknown>): Promise<Row> {
  const times: number[] = [];
  for (let n = 0; n < TIMES; n++) {
    const began = performance.now();
    await act();
    times.push(performance.now() - began);
  }
  const { median, min, max } = spread(times);
  const ms = (value: number): string => value.toFixed(0);
  return {
    what: `${what}, ${JOBS.toLocaleString('en')} waiting and as many failed`,
    bar: `≤ ${mostMs} ms`,
    found: `${ms(median)} ms`,
    ok: median <= mostMs,
    info: `${ms(min)} to ${ms(max)} ms in ${TIMES} times`,
  };
}

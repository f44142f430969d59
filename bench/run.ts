import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { benchmarksPage, lineOf } from './report.js';
import type { Row } from './row.js';
import { againstBullmqRows } from './rows/against-bullmq.js';
import { backlogRows } from './rows/backlog.js';
import { bullmqBackendRows } from './rows/bullmq-backend.js';
import { beanstalkdBackendRows } from './rows/beanstalkd-backend.js';
import { callRows } from './rows/calls.js';
import { firstJobRows } from './rows/first-job.js';
import { handlingRows } from './rows/handling.js';
import { idleRows } from './rows/idle.js';
import { memoryRows } from './rows/memory.js';
import { nestRoomRows } from './rows/nest-room.js';
import { operatingRows } from './rows/operating.js';
import { publishingRows } from './rows/publishing.js';
import { telemetryRows } from './rows/telemetry.js';

/** `npm run bench`: the figures of the filer, in the temporary folder's file system, and of BullMQ on a private Redis. */

const PAGE = 'BENCHMARKS.md';

const CHAPTERS: Readonly<Record<string, () => Promise<Row[]>>> = {
  publishing: publishingRows,
  handling: handlingRows,
  bullmq: againstBullmqRows,
  backlog: backlogRows,
  memory: memoryRows,
  'first-job': firstJobRows,
  idle: idleRows,
  'nest-room': nestRoomRows,
  'bullmq-backend': bullmqBackendRows,
  'beanstalkd-backend': beanstalkdBackendRows,
  calls: callRows,
  telemetry: telemetryRows,
  operating: operatingRows,
};

const { values, positionals } = parseArgs({
  // Writes the page of figures; of a whole run only.
  options: { write: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !(name in CHAPTERS));
if (unknown.length > 0) {
  throw new TypeError(`no chapter ${unknown.join(', ')}; there are ${Object.keys(CHAPTERS).join(', ')}`);
}
if (values.write && positionals.length > 0) throw new TypeError('--write takes a whole run, without chapters');

const rows: Row[] = [];
for (const [name, measure] of Object.entries(CHAPTERS)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  for (const row of await measure()) {
    rows.push(row);
    console.log(lineOf(row));
  }
}
if (values.write)
  writeFileSync(PAGE, await format(benchmarksPage(rows, tmpdir()), { parser: 'markdown', printWidth: 120 }));
const missed = rows.filter(({ ok }) => !ok).length;
console.log(missed === 0 ? '\nAll bars are met.' : `\n${missed} of ${rows.length} bars are missed.`);
process.exitCode = missed === 0 ? 0 : 1;

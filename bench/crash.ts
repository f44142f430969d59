import { parseArgs } from 'node:util';
import { crashRun, faultsOf, type CrashResult } from './crash/crash-run.js';
import type { CrashSettings } from './crash/plan.js';
import { inFolder } from './folder.js';
import { quantile } from './pairs.js';

/** `npm run bench:crash`: the crash ledger of the filer at its full length. */

const MOST_SHOWN = 20;
const RESCUED_WITHIN_MS = 1_000;

const { settings, keep } = readArguments();
console.log(`Crash ledger, seed ${settings.seed}: ${settings.kills} kills over ${settings.jobs} jobs`);
console.log(`Again: npm run bench:crash -- ${commandOf(settings)}\n`);
const programs = new URL('./crash', import.meta.url).pathname;
const result = keep
  ? await crashRun(settings, keep, programs)
  : await inFolder((folder) => crashRun(settings, folder, programs));
print(result);

function readArguments(): { readonly settings: CrashSettings; readonly keep: string | undefined } {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      jobs: { type: 'string', default: '20000' },
      kills: { type: 'string', default: '120' },
      rate: { type: 'string', default: '300' },
      durable: { type: 'boolean', default: false },
      // An empty folder in which queues and ledgers stay.
      keep: { type: 'string' },
    },
  });
  const { durable, keep } = values;
  const settings: CrashSettings = {
    seed: whole('seed', values.seed),
    jobs: whole('jobs', values.jobs),
    kills: whole('kills', values.kills),
    rate: whole('rate', values.rate),
    durable,
    publishers: 2,
    workers: 3,
  };
  return { settings, keep };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name}: expected a whole number, got ${text}`);
}

function commandOf({ seed, jobs, kills, rate, durable }: CrashSettings): string {
  return `--seed ${seed} --jobs ${jobs} --kills ${kills} --rate ${rate}${durable ? ' --durable' : ''}`;
}

function print(found: CrashResult): void {
  const { kills, repeats, rescues } = found;
  const rescuesMs = rescues.map(({ ms }) => ms);
  const rescue = (q: number): string => `${Math.round(quantile(rescuesMs, q))} ms`;
  const faults = faultsOf(found);
  const slowest = rescues.at(-1);
  if (quantile(rescuesMs, 0.99) > RESCUED_WITHIN_MS) faults.push(`the rescues' p99 is above ${RESCUED_WITHIN_MS} ms`);
  console.log(`killed                ${kills.workers} workers, ${kills.publishers} publishers`);
  console.log(`acknowledged          ${found.acknowledged}`);
  console.log(`duplicates refused    ${found.duplicates}`);
  console.log(`in doubt, republished ${found.inDoubt}`);
  console.log(`handled               ${found.handled}`);
  console.log(`retried as planned    ${found.retried}`);
  console.log(`lost                  ${found.lost.length}`);
  console.log(`phantoms              ${found.phantoms.length}`);
  console.log(`handled twice         ${repeats.cut + repeats.unsettled + repeats.republished}, each after one kill:`);
  console.log(`  of its worker       ${repeats.cut} while it ran, ${repeats.unsettled} before it was settled`);
  console.log(`  of its publisher    ${repeats.republished} while its publish was in doubt`);
  console.log(
    `rescued               ${rescuesMs.length} jobs: p50 ${rescue(0.5)}, p99 ${rescue(0.99)}, most ${rescue(1)}`,
  );
  if (slowest) console.log(`  the slowest          ${slowest.key}, from ${slowest.from} to ${slowest.to}`);
  console.log(
    `left                  ${Object.entries(found.left)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  );
  console.log(`took                  ${(found.tookMs / 1000).toFixed(0)} s\n`);
  for (const fault of faults.slice(0, MOST_SHOWN)) console.log(`VIOLATION ${fault}`);
  if (faults.length > MOST_SHOWN) console.log(`… and ${faults.length - MOST_SHOWN} more`);
  console.log(faults.length === 0 ? 'ok' : `${faults.length} violations`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}

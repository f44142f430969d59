import { parseArgs } from 'node:util';
import { crashRun, faultsOf, type CrashResult } from './crash/crash-run.js';
import { tellDestroyed } from './crash/engines/binlog-witness.js';
import { ENGINES, RULES, type EngineName } from './crash/engines/engine.js';
import type { CrashSettings } from './crash/plan.js';
import { inFolder } from './folder.js';
import { quantile } from './pairs.js';

/** `npm run bench:crash`: the crash ledger of one engine at its full length. */

const MOST_SHOWN = 20;

const { settings, keep } = readArguments();
console.log(
  `Crash ledger of ${settings.engine}, seed ${settings.seed}: ${settings.kills} kills of processes and ` +
    `${settings.serverKills} of the server over ${settings.jobs} jobs`,
);
console.log(`Again: npm run bench:crash -- ${commandOf(settings)}\n`);
const programs = new URL('./crash', import.meta.url).pathname;
const result = keep
  ? await crashRun(settings, keep, programs)
  : await inFolder((folder) => crashRun(settings, folder, programs));
print(result);

function readArguments(): { readonly settings: CrashSettings; readonly keep: string | undefined } {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string', default: 'filer' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
      jobs: { type: 'string', default: '20000' },
      kills: { type: 'string', default: '120' },
      'server-kills': { type: 'string' },
      rate: { type: 'string', default: '300' },
      durable: { type: 'boolean', default: false },
      // An empty folder in which queues and ledgers stay.
      keep: { type: 'string' },
    },
  });
  const { durable, keep } = values;
  const engine = engineOf(values.backend);
  const serverKills = whole('server-kills', values['server-kills'] ?? (engine === 'filer' ? '0' : '25'));
  if (engine === 'filer' && serverKills > 0) throw new TypeError('--server-kills: expected 0, the filer has no server');
  const settings: CrashSettings = {
    engine,
    seed: whole('seed', values.seed),
    jobs: whole('jobs', values.jobs),
    kills: whole('kills', values.kills),
    serverKills,
    rate: whole('rate', values.rate),
    durable,
    publishers: 2,
    workers: 3,
  };
  return { settings, keep };
}

function engineOf(text: string): EngineName {
  const found = ENGINES.find((engine) => engine === text);
  if (found) return found;
  throw new TypeError(`--backend: expected one of ${ENGINES.join(', ')}, got ${text}`);
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new TypeError(`--${name}: expected a whole number, got ${text}`);
}

function commandOf({ engine, seed, jobs, kills, serverKills, rate, durable }: CrashSettings): string {
  const numbers = `--seed ${seed} --jobs ${jobs} --kills ${kills} --server-kills ${serverKills} --rate ${rate}`;
  return `--backend ${engine} ${numbers}${durable ? ' --durable' : ''}`;
}

function print(found: CrashResult): void {
  const { kills, repeats, rescues } = found;
  const { rescuedWithinMs } = RULES[settings.engine];
  const rescuesMs = rescues.map(({ ms }) => ms);
  const rescue = (q: number): string => `${Math.round(quantile(rescuesMs, q))} ms`;
  const faults = faultsOf(found);
  const slowest = rescues.at(-1);
  if (quantile(rescuesMs, 0.99) > rescuedWithinMs) faults.push(`the rescues' p99 is above ${rescuedWithinMs} ms`);
  const twice = repeats.cut + repeats.unsettled + repeats.server + repeats.republished;
  console.log(
    `killed                ${kills.workers} workers, ${kills.publishers} publishers, ${kills.servers} servers`,
  );
  console.log(`acknowledged          ${found.acknowledged}`);
  console.log(`duplicates refused    ${found.duplicates}`);
  console.log(`surely not stored     ${found.refused}`);
  console.log(`in doubt, republished ${found.inDoubt}`);
  console.log(`handled               ${found.handled}`);
  console.log(`retried as planned    ${found.retried}`);
  console.log(`lost                  ${found.lost.length}`);
  console.log(`destroyed by server   ${found.destroyed.length}, of its own binlog and by no client`);
  for (const one of found.destroyed) console.log(`  ${tellDestroyed(one)}`);
  console.log(`phantoms              ${found.phantoms.length}`);
  console.log(`handled twice         ${twice}, each after one kill:`);
  console.log(`  of its worker       ${repeats.cut} while it ran, ${repeats.unsettled} before it was settled`);
  console.log(`  of the server       ${repeats.server} while it ran or before it was settled`);
  console.log(`  while in doubt      ${repeats.republished} were published again`);
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

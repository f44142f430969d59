import { writeFileSync } from 'node:fs';
import { test } from 'vitest';
import { runScenario } from '../../lib/conformance/run-scenario.js';
import { scenarios } from '../../lib/conformance/scenarios.js';
import { breakers } from './breakers/all.js';
import { broken } from './honest.js';

test('honest', async () => {
  for (const s of scenarios) {
    let exempt = '';
    try {
      await runScenario(s, {
        createBackend: broken({}),
        deadlineMs: 5000,
        report: (e) => {
          exempt = e.reason;
        },
      });
      if (exempt) console.log('exempt', s.name, exempt);
    } catch (e) {
      console.log('HONEST FAILS', s.chapter, s.name, (e as Error).message);
    }
  }
}, 100000);
test('matrix', async () => {
  process.on('unhandledRejection', (e) => console.log('UNHANDLED', e));
  const out: Record<string, Record<string, string>> = {};
  for (const [name, breaker] of Object.entries(breakers)) {
    const start = Date.now();
    let caught = 0;
    const slow: string[] = [];
    const one = async (s: (typeof scenarios)[number]): Promise<void> => {
      const t = Date.now();
      try {
        await runScenario(s, { createBackend: broken(breaker), deadlineMs: 2000, report: () => undefined });
      } catch (e) {
        caught++;
        (out[`${s.chapter}: ${s.name}`] ??= {})[name] = (e as Error).message.slice(0, 200);
      }
      if (Date.now() - t > 1000) slow.push(s.name);
    };
    const res = scenarios.filter((s) => s.name.includes('keep a process alive'));
    const others = scenarios.filter((s) => !res.includes(s));
    for (const s of res) await one(s);
    for (let i = 0; i < others.length; i += 30) await Promise.all(others.slice(i, i + 30).map(one));
    console.log(`${name}: caught ${caught} in ${Date.now() - start} ms`, slow.length > 5 ? slow.length : slow);
  }
  writeFileSync('/tmp/matrix.json', JSON.stringify(out, null, 1));
  for (const s of scenarios) {
    const c = out[`${s.chapter}: ${s.name}`];
    if (!c) console.log('UNCAUGHT', s.chapter, s.name);
  }
}, 1000000);

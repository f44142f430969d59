import { expect, test } from 'vitest';
import { RULES } from '../../bench/crash/engines/engine.js';
import type { Entry, Incarnation } from '../../bench/crash/ledger.js';
import { judge, type Killed, type Verdict } from '../../bench/crash/verdict.js';

const KEY = '1.0.1';
const ALIVE: Killed = { kills: [], outages: [], destroyed: [] };

function ledger(name: string, ...entries: readonly Entry[]): Incarnation {
  const kind = name.startsWith('worker') ? 'worker' : 'publisher';
  return { name, kind, slot: Number(name.split('-')[1]), entries };
}

const intends: Entry = { what: 'intends', key: KEY, at: 1_000 };
const acknowledged: Entry = { what: 'acknowledged', key: KEY, at: 1_010, id: 'a', duplicate: false };
const refused = (maybeStored: boolean): Entry => ({ what: 'refused', key: KEY, at: 1_010, maybeStored, message: 'no' });
const starts = (at: number, attempt = 1): Entry => ({ what: 'starts', key: KEY, at, id: 'a', attempt, sound: true });
const ends = (what: 'returns' | 'fails' | 'blocks' | 'leaves', at: number): Entry => ({ what, key: KEY, at });
const published = ledger('publisher-0-1', intends, acknowledged);
const killed = (name: string, at: number): Killed => ({ ...ALIVE, kills: [{ name, at }] });
const serverKilled = (from: number, to: number): Killed => ({ ...ALIVE, outages: [{ from, to }] });

function faults(killed: Killed, ledgers: readonly Incarnation[], rules = RULES.bullmq): readonly string[] {
  const verdict: Verdict = judge(ledgers, killed, rules);
  return [...verdict.lost, ...verdict.phantoms, ...verdict.faults];
}

const once = ledger('worker-0-1', starts(1_020), ends('returns', 1_050));
const cut = ledger('worker-0-1', starts(1_020));
const again = ledger('worker-1-1', starts(2_000, 2), ends('returns', 2_050));

test('a job that is handled once is in order', () => {
  expect(faults(ALIVE, [published, once])).toEqual([]);
});

test('a job that was acknowledged and never handled is lost', () => {
  expect(faults(ALIVE, [published])).toEqual([expect.stringContaining('never done')]);
});

test('a job that the server was seen to destroy is told apart, and no other', () => {
  const destroyed = { key: KEY, id: '7', kill: 2, left: 'nothing' } as const;
  const seen = judge([published, cut], { ...ALIVE, destroyed: [destroyed] }, RULES.beanstalkd);
  expect([seen.destroyed, seen.lost, seen.faults]).toEqual([[destroyed], [], []]);
  const another = { ...ALIVE, destroyed: [{ ...destroyed, key: '2.0.1' }] };
  const unseen = judge([published, cut], another, RULES.beanstalkd);
  expect(unseen.lost).toEqual([expect.stringContaining('never done')]);
  expect(judge([published, once], { ...ALIVE, destroyed: [destroyed] }, RULES.beanstalkd).destroyed).toEqual([]);
});

test('what was never published, or surely not stored, is a phantom when it is handled', () => {
  expect(faults(ALIVE, [once])).toEqual([expect.stringContaining('never published')]);
  const told = serverKilled(990, 1_005);
  expect(faults(told, [ledger('publisher-0-1', intends, refused(false)), once])).toEqual([
    expect.stringContaining('surely not stored'),
  ]);
});

test('what may have been stored is neither lost nor a phantom', () => {
  const doubtful = ledger('publisher-0-1', intends, refused(true));
  expect(faults(serverKilled(1_005, 1_100), [doubtful])).toEqual([]);
  const later = ledger('worker-0-1', starts(1_200), ends('returns', 1_250));
  expect(faults(serverKilled(1_005, 1_100), [doubtful, later])).toEqual([]);
});

test('a publish that is refused though nobody killed the server is a fault', () => {
  const later = ledger('worker-0-1', starts(1_200), ends('returns', 1_250));
  const doubtful = ledger('publisher-0-1', intends, refused(true));
  expect(faults(ALIVE, [doubtful, later])).toEqual([expect.stringContaining('was refused')]);
});

test('a second handling needs the death of the first worker, or of the server, meanwhile', () => {
  const unkilled = expect.stringContaining('never killed') as string;
  expect(faults(ALIVE, [published, cut, again])).toEqual([unkilled]);
  expect(faults(ALIVE, [published, once, again])).toEqual([unkilled]);
  expect(faults(killed('worker-1-1', 1_030), [published, once, again])).toEqual([unkilled]);
  expect(faults(killed('worker-0-1', 1_030), [published, cut, again])).toEqual([]);
  expect(faults(killed('worker-0-1', 1_060), [published, once, again])).toEqual([]);
  expect(faults(serverKilled(1_030, 1_500), [published, once, again])).toEqual([]);
  expect(faults(serverKilled(500, 900), [published, once, again])).toEqual([unkilled]);
  const late = ledger('worker-1-1', starts(20_000, 2), ends('returns', 20_050));
  expect(faults(serverKilled(19_000, 19_500), [published, once, late])).toEqual([unkilled]);
  expect(faults(killed('worker-0-1', 19_000), [published, once, late])).toEqual([
    expect.stringContaining('before it was killed'),
  ]);
});

test('a signal that is aborted needs the death of the server', () => {
  const left = ledger('worker-0-1', starts(1_020), ends('leaves', 1_040));
  expect(faults(ALIVE, [published, left, again])).toEqual([expect.stringContaining('was aborted')]);
  expect(faults(serverKilled(1_030, 1_500), [published, left, again])).toEqual([]);
});

test('attempts go on, unless the engine forgets them with its server', () => {
  const same = ledger('worker-1-1', starts(2_000, 1), ends('returns', 2_050));
  const told = serverKilled(1_030, 1_500);
  expect(faults(told, [published, cut, same])).toEqual([expect.stringContaining('attempt was 1')]);
  expect(faults(told, [published, cut, same], RULES.beanstalkd)).toEqual([]);
});

test('a blocked job is there twice only where its engine puts it again, and a kill came between', () => {
  const blocked = ledger('worker-0-1', starts(1_020), ends('blocks', 1_040));
  const [one, other] = [
    ledger('worker-1-1', starts(1_200, 2), ends('returns', 1_250)),
    ledger('worker-2-1', starts(1_300, 1), ends('returns', 1_350)),
  ];
  const all = [published, blocked, one, other];
  expect(faults(killed('worker-0-1', 1_045), all, RULES.beanstalkd)).toEqual([]);
  const both = ledger('worker-1-1', starts(1_200, 1), starts(1_201, 1), ends('returns', 1_250), ends('returns', 1_251));
  expect(faults(killed('worker-0-1', 1_045), [published, blocked, both], RULES.beanstalkd)).toEqual([]);
  expect(faults(killed('worker-0-1', 1_045), all)).toHaveLength(1);
  expect(faults(ALIVE, all, RULES.beanstalkd)).toHaveLength(1);
});

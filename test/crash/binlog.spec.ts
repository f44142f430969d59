import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BinlogWitness } from '../../bench/crash/engines/binlog-witness.js';
import { readBinlog, storedIn } from '../../bench/crash/engines/binlog.js';
import type { Client } from '../../lib/backends/beanstalkd/client/client.js';
import { House } from '../backends/beanstalkd/house.js';

let house: House;
let client: Client;

beforeEach(async () => {
  house = await House.open();
  client = await house.client();
});

afterEach(() => house.end());

function message(key: string, size = 10): string {
  return JSON.stringify({ header: { request_type: 'work' }, body: { key, text: 'x'.repeat(size) } });
}

async function restart(): Promise<void> {
  await house.server.start();
  client = await house.client();
}

/** Bodies by the server's ids. */
function stored(): Map<string, string> {
  const bodies = storedIn(readBinlog(house.server.folder));
  return new Map([...bodies].map(([id, body]) => [String(id), body.toString()]));
}

test('the binlog of a dead server tells the jobs that it knows when it is started again', async () => {
  const ids: string[] = [];
  for (const [index, size] of [0, 300, 50_000].entries()) ids.push(await house.put('left', message(`${index}`, size)));
  const deleted = await house.put('right', message('deleted'));
  await client.delete(deleted);
  const buried = await house.put('right', message('buried'));
  await client.reserveJob(buried);
  await client.bury(buried, 7);
  const released = await house.put('right', message('released'));
  await client.reserveJob(released);
  await client.release(released, 7, 60);
  await house.server.kill();

  const told = stored();
  expect([...told.keys()]).toEqual([...ids, buried, released]);

  await restart();
  for (const [id, body] of told) expect((await client.reserveJob(id))?.body.toString()).toBe(body);
});

test('the numbers of files go on from start to start, and a job in an old file is still known', async () => {
  const id = await house.put('left', message('old'));
  for (let starts = 1; starts <= 3; starts++) {
    await house.server.kill();
    expect(Math.max(...readBinlog(house.server.folder).map(({ number }) => number))).toBe(starts);
    expect(stored().get(id)).toBe(message('old'));
    await restart();
  }
});

/** Sees a server with one job be killed; then `meanwhile` happens, and it is killed again. */
async function witness(meanwhile: (id: string) => Promise<void>): Promise<BinlogWitness> {
  const seen = new BinlogWitness(house.server.folder);
  const id = await house.put('left', message('1.0.1', 200));
  await house.server.kill();
  seen.look();
  await restart();
  await meanwhile(id);
  await house.server.kill();
  return seen;
}

test('a job whose record is gone, with no word of a deletion, was destroyed', async () => {
  const seen = await witness(() => Promise.resolve());
  rmSync(join(house.server.folder, 'binlog.1'));
  seen.look();
  expect(seen.destroyed).toEqual([{ key: '1.0.1', id: '1', kill: 2, left: 'nothing' }]);
});

test('a job whose body ends in zeros, with no word of a deletion, was destroyed', async () => {
  const seen = await witness(() => Promise.resolve());
  const path = join(house.server.folder, 'binlog.1');
  const bytes = readFileSync(path);
  bytes.fill(0, bytes.indexOf('xxx') + 100, bytes.indexOf('"}}') + 3);
  chmodSync(path, 0o600);
  writeFileSync(path, bytes);
  seen.look();
  expect(seen.destroyed).toEqual([{ key: '1.0.1', id: '1', kill: 2, left: 'zeros' }]);
});

test('a job that somebody has deleted was not destroyed, nor was one that is still there', async () => {
  const kept = await house.put('left', message('2.0.1'));
  const seen = await witness(async (id) => void (await client.delete(id)));
  seen.look();
  expect([...stored().keys()]).toEqual([kept]);
  expect(seen.destroyed).toEqual([]);
});

test('a job that compaction has moved to a newer file was not destroyed', async () => {
  const seen = await witness(() => Promise.resolve());
  seen.look();
  await restart();
  await client.delete(await house.put('left', message('2.0.1')));
  await house.server.kill();
  seen.look();
  expect(readBinlog(house.server.folder).map(({ number }) => number)).not.toContain(1);
  expect([...stored().values()]).toEqual([message('1.0.1', 200)]);
  expect(seen.destroyed).toEqual([]);
});

test('a job that was put again was not destroyed, though its first is gone', async () => {
  const seen = await witness(async () => void (await house.put('left', message('1.0.1', 300))));
  rmSync(join(house.server.folder, 'binlog.1'));
  seen.look();
  expect(seen.destroyed).toEqual([]);
});

test('where records may be missing that the server has written since, nothing is told', async () => {
  const seen = await witness(() => Promise.resolve());
  rmSync(join(house.server.folder, 'binlog.1'));
  rmSync(join(house.server.folder, 'binlog.2'));
  seen.look();
  expect(seen.destroyed).toEqual([]);
});

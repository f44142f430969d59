import { execFileSync } from 'node:child_process';
import { truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { Shift } from './support/shift.js';
import { newId } from '../../../lib/core/id.js';
import { until } from './support/until.js';
import { json, Yard } from './support/yard.js';

const OURS = '0000001024,0123456789abcdef0123456789abcdef,0,';

/** Brings in one file, waits until it has failed, and sees to it that another job goes on. */
async function failed(name: string, content: string | Uint8Array): Promise<{ yard: Yard; reason: string }> {
  const yard = await Yard.make();
  const shift = new Shift(await yard.open(), { job: () => undefined });
  yard.put(name, content);
  yard.put('a good one', json());
  await shift.hears('failed');
  await shift.hears('completed');
  expect(shift.calls).toMatchObject([{ id: 'a good one' }]);
  expect(await yard.list('errors')).toEqual([name, `${name}.meta`]);
  expect(Buffer.compare(await yard.read('errors', name), Buffer.from(content))).toBe(0);
  const meta = await yard.meta('errors', name);
  expect(meta).toMatchObject({ id: name, state: 'failed', attempts: 1, failures: [{ worker: 'a worker' }] });
  expect(shift.said).toEqual([]);
  expect(yard.warnings).toEqual([]);
  return { yard, reason: meta.reason };
}

test.each([
  ['an empty file', '', /it is empty/],
  ['whitespace', ' \n\t\n', /not JSON/],
  ['NULs', '\0\0\0', /not JSON/],
  ['truncated JSON', json().slice(0, -1), /not JSON/],
  ['JSON that is no message', '[1, 2]', /no message/],
  ['a message without request_type', '{"id": "x", "header": {}}', /request_type/],
  ['a request_type that is no text', json({ request_type: 7 }), /request_type/],
  ['an unreadable time', json({ delay: 'tomorrow' }), /header\.delay/],
  ['an unreadable priority', json({ priority: 1.5 }), /header\.priority/],
  ['an unknown version', json({ version: 2 }), /header\.version/],
  ['an unreadable count of attempts', json({ attempts: -1 }), /header\.attempts/],
  ['an id of 1,001 bytes', json({}, { id: 'x'.repeat(1001) }), /id: expected at most 1000 bytes/],
])('%s fails with its bytes as they came', async (_, content, reason) => {
  expect((await failed('odd.json', content)).reason).toMatch(reason);
});

test('invalid UTF-8 fails with its bytes as they came', async () => {
  const bytes = Buffer.concat([Buffer.from(json().slice(0, -2)), Buffer.from([0xff, 0xfe, 0xc3, 0x28])]);
  expect((await failed('odd', bytes)).reason).toMatch(/not UTF-8/);
});

test.each(['moved in under it', 'named by us'])('so does it where its id was made here, and it was %s', async (how) => {
  const yard = await Yard.make();
  const shift = new Shift(await yard.open(), { job: () => undefined });
  const id = newId();
  const bytes = Buffer.concat([Buffer.from(json({ published: '2026-11-21' }).slice(0, -1)), Buffer.from([0xff, 0x7d])]);
  yard.put(how === 'named by us' ? `${OURS}${id}` : id, bytes);
  await shift.hears('failed');
  expect((await yard.meta('errors', id)).reason).toMatch(/not UTF-8/);
  expect(Buffer.compare(await yard.read('errors', id), bytes)).toBe(0);
});

test('a text with the character that stands for what is none is handled as it came', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  await yard.publish(backend, { freshId: true, id: newId(), payload: 'a \uFFFD' });
  const { content } = await yard.takeOne(backend);
  expect(content).toMatchObject({ payload: 'a \uFFFD' });
});

test('50 MB that are no message fail with their bytes as they came', async () => {
  const { reason } = await failed('large', Buffer.alloc(50_000_000, 'lorem ipsum '));
  expect(reason).toMatch(/not JSON/);
  expect(reason.length).toBeLessThan(1_000);
});

test('a message of 50 MB is handled', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  yard.put('large', json({}, { body: 'x'.repeat(50_000_000) }));
  const { content } = await yard.takeOne(backend);
  expect('payload' in content && (content.payload as string).length).toBe(50_000_000);
});

test('a file that is too large for a text fails without being read', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  writeFileSync(yard.path('tmp', 'huge'), '');
  truncateSync(yard.path('tmp', 'huge'), 20_000_000_000);
  const shift = new Shift(backend, { job: () => undefined });
  await yard.shell('mv -n tmp/huge incoming/huge');
  yard.put('a good one', json());
  await shift.hears('failed');
  await shift.hears('completed');
  expect(shift.told('failed')).toMatchObject([
    { job: { id: 'huge' }, reason: expect.stringMatching(/20000000000 bytes/) as string },
  ]);
  expect(shift.said).toEqual([]);
});

test('keys named __proto__ are properties', async () => {
  const yard = await Yard.make();
  const text =
    '{"__proto__":{"id":"y"},"header":{"__proto__":{"priority":0},"request_type":"job"},"body":{"__proto__":1}}';
  yard.put('x', (await yard.open(), text));
  const { content } = await yard.takeOne(await yard.open());
  expect(content).toMatchObject({ id: 'x', name: 'job', priority: 1024 });
  expect(JSON.stringify('payload' in content && content.payload)).toBe('{"__proto__":1}');
  expect('polluted' in {} || 'priority' in {}).toBe(false);
});

test.each(['thing', `${OURS}thing`])('directories, links and special files are left alone: %s', async (name) => {
  const yard = await Yard.make();
  await yard.open();
  const server = createServer().listen(yard.path('incoming', `${name}-socket`));
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  await yard.shell(`
    mkdir 'incoming/${name}-directory' && touch 'incoming/${name}-directory/x'
    ln -s /nonexistent 'incoming/${name}-dangling'
    echo '${json()}' > tmp/target && ln -s ../tmp/target 'incoming/${name}-link'
    ln -s ../tmp 'incoming/${name}-link-to-directory'
    mkfifo 'incoming/${name}-fifo'`);
  const before = await yard.shell('ls -ln incoming');
  const backend = await yard.open();
  await yard.publish(backend, { id: 'one' });
  expect((await yard.takeAll(backend)).map(({ content }) => content.id)).toEqual(['one']);
  await yard.shell(`mkdir 'incoming/${name}-late'; ln -s /nonexistent 'incoming/${name}-late-link'`);
  await yard.publish(backend, { id: 'two' });
  expect((await yard.takeAll(backend)).map(({ content }) => content.id)).toEqual(['two']);
  await yard.shell(`rmdir 'incoming/${name}-late'; rm 'incoming/${name}-late-link'`);
  const shown = (text: string): string[] =>
    text
      .split('\n')
      .filter((line) => line.includes(name))
      .sort();
  expect(shown(await yard.shell('ls -ln incoming'))).toEqual(shown(before));
  expect(await yard.list('errors')).toEqual([]);
});

test('a directory does not stand for a job of its name', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  await yard.shell('mkdir incoming/x errors/y');
  expect(await yard.publish(backend, { id: 'x' }, { id: 'y' })).toEqual([{ duplicate: false }, { duplicate: false }]);
  const both = await yard.take(backend, 2);
  for (const delivery of both) await yard.fail(backend, delivery);
  expect(await yard.list('errors')).toEqual(['x', 'x.meta', 'y', 'y~2', 'y~2.meta']);
});

test('dot files and .meta files are left alone', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  for (const name of ['.hidden', 'x.meta', '.meta', `${OURS}x.meta`]) yard.put(name, json());
  await yard.publish(backend, { id: 'one' });
  expect((await yard.takeAll(backend)).map(({ content }) => content.id)).toEqual(['one']);
  expect((await yard.takeAll(await yard.open())).map(({ content }) => content.id)).toEqual([]);
  expect(await yard.shell('ls -A incoming | wc -l')).toMatch(/^\s*4\n/);
});

const ODD_NAMES: readonly (string | Buffer)[] = [
  'with spaces',
  'with\nnewlines\n',
  `quotes '"\` $HOME \\`,
  '-rf',
  '--',
  '~',
  'x~2',
  'a,b,c',
  ',',
  '%2e%2e',
  'é🙂',
  Buffer.from([0x66, 0xff, 0xfe, 0x2d]),
  '0000001024,0123456789abcdef0123456789abcdef,0,',
  '0000001024,0123456789abcdef0123456789abcdeX,0,x',
  '1024,0123456789abcdef0123456789abcdef,0,x',
  '2026-11-21T09:00:00.000Z,0000001024,0123456789abcdef0123456789abcdef,0,x',
  '9999-99-99T99:99:99.999Z,x',
  'job-a-b-c-1',
  'lock',
];

test('odd names go their way, and come to errors/ as they are', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  for (const name of ODD_NAMES) yard.put(name, json());
  for (const delivery of await yard.take(backend, ODD_NAMES.length)) await yard.fail(backend, delivery);
  const names = execFileSync('find', [yard.path('errors'), '-type', 'f', '!', '-name', '.*', '-printf', '%f\\0']);
  const expected = ODD_NAMES.flatMap((name) => [
    Buffer.from(name),
    Buffer.concat([Buffer.from(name), Buffer.from('.meta')]),
  ]);
  const lines = (list: readonly Buffer[]): string[] => list.map((name) => name.toString('latin1')).sort();
  expect(names.toString('latin1').split('\0').filter(Boolean).sort()).toEqual(lines(expected));
});

test('a name that looks like one of ours is taken at its word', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  yard.put('0000000007,0123456789abcdef0123456789abcdef,2i,looks', json());
  const delivery = await yard.takeOne(backend);
  expect(delivery).toMatchObject({ attempt: 3, content: { id: 'looks' } });
  expect(await backend.settle(delivery, { kind: 'expired', reason: 'late', failures: [] })).toBe(true);
});

test.each([
  ['ASCII', 'n'.repeat(255)],
  ['of several bytes a character', `${'é'.repeat(127)}x`],
])('a name of 255 bytes is shortened in our folders, and its meta holds the whole: %s', async (_, name) => {
  const yard = await Yard.make();
  const backend = await yard.open({ leaseMs: 50, sweepMs: 20 });
  yard.put(name, json());
  expect((await yard.takeOne(backend)).content.id).toBe(name);
  const again = await yard.takeOne(backend);
  expect(again).toMatchObject({ attempt: 2, content: { id: name } });
  await backend.settle(again, { kind: 'again', at: Date.now() + 20, countsAttempt: true, failures: [] });
  const last = await yard.takeOne(backend);
  expect(last).toMatchObject({ attempt: 3, content: { id: name } });
  expect(await yard.fail(backend, last)).toBe(true);
  const [short = ''] = await yard.list('errors');
  expect(Buffer.byteLength(short)).toBeLessThanOrEqual(150);
  expect(await yard.meta('errors', short)).toMatchObject({ id: name, file: name });
  expect(await yard.shell('ls -A delayed tmp')).toBe('delayed:\n\ntmp:\n');
});

test('files that come and go hinder nobody', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: 10 });
  const shift = new Shift(backend, { job: () => undefined });
  const churn = yard.shell(`
    for i in $(seq 400); do echo '${json()}' > tmp/v; mv tmp/v incoming/v$i; rm -f incoming/v$i; done`);
  for (let n = 0; n < 50; n++) await yard.publish(backend, { id: `good-${n}`, name: 'good' });
  await churn;
  await yard.publish(backend, { id: 'end', name: 'job' });
  await until('the last', () => shift.calls.some(({ id }) => id === 'end'));
  expect(shift.said.filter((line) => line.startsWith('filer'))).toEqual([]);
});

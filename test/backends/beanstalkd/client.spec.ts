import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CommandRefused, ConnectionLost } from '../../../lib/backends/beanstalkd/client/errors.js';
import { ReplyParser, type Reply } from '../../../lib/backends/beanstalkd/client/reply-parser.js';
import { Stats } from '../../../lib/backends/beanstalkd/client/stats.js';
import { FakeServer } from './fake-server.js';
import { PATIENCE } from './house.js';

const BODIES = ['', 'x', 'a\r\nb', 'RESERVED 1 2\r\nxx\r\n', '\0'.repeat(40), 'é🙂'];

const SCRIPT = Buffer.concat([
  Buffer.from('INSERTED 1\r\n'),
  ...BODIES.flatMap((body, id) => [
    Buffer.from(`RESERVED ${id} ${Buffer.byteLength(body)}\r\n${body}\r\n`),
    Buffer.from('TIMED_OUT\r\n'),
  ]),
  Buffer.from('OK 8\r\n---\na: 1\r\nDELETED\r\n'),
]);

function parse(chunks: readonly Buffer[]): string[] {
  const replies: string[] = [];
  const parser = new ReplyParser(({ word, args, body }: Reply) =>
    replies.push(`${word} ${args.join(' ')} ${body.toString()}`),
  );
  for (const chunk of chunks) parser.push(chunk);
  return replies;
}

describe('the parser', () => {
  const whole = parse([SCRIPT]);

  test('takes all replies of one chunk', () => {
    expect(whole).toHaveLength(3 + 2 * BODIES.length);
    expect(whole.filter((reply) => reply.startsWith('RESERVED'))).toEqual(
      BODIES.map((body, id) => `RESERVED ${id} ${Buffer.byteLength(body)} ${body}`),
    );
  });

  test('takes replies cut at each byte', () => {
    for (let at = 0; at <= SCRIPT.length; at++) {
      expect(parse([SCRIPT.subarray(0, at), SCRIPT.subarray(at)])).toEqual(whole);
    }
  });

  test.for([1, 2, 3, 7])('takes replies in chunks of %d bytes', (size) => {
    const count = Math.ceil(SCRIPT.length / size);
    expect(parse(Array.from({ length: count }, (_, n) => SCRIPT.subarray(n * size, (n + 1) * size)))).toEqual(whole);
  });

  test('takes a body of 16 MiB in small chunks without copying it again and again', () => {
    const size = 16 * 1024 * 1024;
    const chunk = Buffer.alloc(1_024, 'x');
    const chunks = [Buffer.from(`OK ${size}\r\n`), ...Array.from({ length: size / 1_024 }, () => chunk)];
    const start = performance.now();
    expect(parse([...chunks, Buffer.from('\r\n')])[0]).toHaveLength('OK  '.length + String(size).length + size);
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  test.for([
    'INSERTED 1\n',
    'OK x\r\n',
    'OK -1\r\n',
    'OK 9999999999\r\n',
    'RESERVED 4\r\n',
    'OK 1\r\nab\r\n',
    'x'.repeat(2_000),
  ])('refuses %j', (text) => {
    expect(() => parse([Buffer.from(text)])).toThrow();
  });
});

describe('the client', () => {
  let server: FakeServer;

  beforeEach(async () => {
    server = await FakeServer.listen();
  });

  afterEach(() => server.close());

  const job = { priority: 0, delay: 0, ttr: 1, body: 'x' };

  test('writes the commands of one turn together, and gives each its reply', async () => {
    const client = await server.client();
    const replies = Promise.all([client.put(job), client.reserve(0), client.delete('7'), client.statsJob('7')]);
    await server.hears('put 0 0 1 1\r\nx\r\nreserve-with-timeout 0\r\ndelete 7\r\nstats-job 7\r\n');
    await server.says('INSERTED 5\r\nRESERVED 7 2\r\nab\r\nDELE', 'TED\r\nNOT_FOUND\r\n');
    expect(await replies).toEqual(['5', { id: '7', body: Buffer.from('ab') }, true, undefined]);
  });

  test.for<[name: string, reply: string]>([
    ['an unexpected word', 'TOUCHED\r\n'],
    ['a fault', 'BAD_FORMAT\r\n'],
    ['a reply of another command', 'RESERVED 1 1\r\nx\r\n'],
    ['no protocol at all', 'HTTP/1.1 400 Bad Request\r\n'],
  ])('ends at %s: nothing is answered by what follows', async ([, reply]) => {
    const client = await server.client();
    const ended = Promise.allSettled([client.delete('1'), client.delete('2'), client.put(job)]);
    await server.hears('x\r\n');
    await server.says(`${reply}DELETED\r\nDELETED\r\nINSERTED 1\r\n`);
    for (const end of await ended) expect(end).toMatchObject({ status: 'rejected', reason: { written: true } });
    await expect(client.delete('3')).rejects.toMatchObject({ written: false, passing: true });
  });

  test('ends when something comes that nobody asked for', async () => {
    const client = await server.client();
    await server.says('INSERTED 1\r\n');
    await expect.poll(() => client.connection.ended.signal.aborted, PATIENCE).toBe(true);
  });

  test('tells what was written when the connection is lost', async () => {
    const client = await server.client();
    const written = client.put(job);
    await server.hears('x\r\n');
    const unwritten = client.put(job);
    client.connection.destroy('as a test');
    await expect(written).rejects.toMatchObject({ written: true });
    await expect(unwritten).rejects.toMatchObject({ written: false });
    await expect(client.put(job)).rejects.toBeInstanceOf(ConnectionLost);
  });

  test('gives a silent server up after the deadline, and a waiting reserve its wait before that', async () => {
    const client = await server.client(50);
    const start = performance.now();
    await expect(client.reserve(1)).rejects.toThrow('no answer to "reserve-with-timeout" within 1050 ms');
    expect(performance.now() - start).toBeGreaterThan(1_000);
    const other = await server.client(50);
    await expect(other.delete('1')).rejects.toThrow('within 50 ms');
  });

  test('takes a process that was busy for no silent server', async () => {
    const client = await server.client(100);
    const deleting = client.delete('1');
    await server.hears('delete 1\r\n');
    await server.says('DELETED\r\n');
    for (const end = performance.now() + 300; performance.now() < end;);
    expect(await deleting).toBe(true);
  });

  const bad = [-1, 0.5, NaN, Infinity, 2 ** 32, 1e21];

  test('writes no byte of a command with a bad number, id or tube', async () => {
    const client = await server.client();
    const attempts = [
      ...bad.flatMap((number) => [
        client.put({ ...job, priority: number }),
        client.put({ ...job, delay: number }),
        client.put({ ...job, ttr: number }),
        client.release('1', number, 0),
        client.release('1', 0, number),
        client.bury('1', number),
        client.reserve(number),
      ]),
      ...['', '-1', '1 2', '1\r\ndelete 2', 'x'].map((id) => client.delete(id)),
      ...['', '-a', 'a:b', 'a b', 'a\r\ndelete 1', 'é', 'x'.repeat(201)].map((tube) => client.use(tube)),
    ];
    for (const end of await Promise.allSettled(attempts)) {
      expect(end).toMatchObject({ status: 'rejected', reason: expect.any(RangeError) as unknown });
    }
    await setImmediate();
    await setImmediate();
    const marker = client.delete('99');
    await server.hears('delete 99\r\n');
    expect(server.heard).toBe('delete 99\r\n');
    await server.says('DELETED\r\n');
    expect(await marker).toBe(true);
  });

  test.for<[reply: string, passing: boolean]>([
    ['OUT_OF_MEMORY', true],
    ['DRAINING', true],
    ['JOB_TOO_BIG', false],
  ])('tells of %s, and goes on', async ([word, passing]) => {
    const client = await server.client();
    const both = Promise.allSettled([client.put(job), client.put(job)]);
    await server.hears('x\r\nput');
    await server.says(`${word}\r\nINSERTED 2\r\n`);
    const [refused, stored] = await both;
    expect(refused).toMatchObject({ reason: { word, passing } });
    expect(stored).toMatchObject({ value: '2' });
  });

  test('kicks a job that the server buried for want of memory', async () => {
    const client = await server.client();
    const kicked = client.put(job);
    await server.hears('x\r\n');
    await server.says('BURIED 42\r\n');
    await server.hears('kick-job 42\r\n');
    await server.says('KICKED\r\n');
    expect(await kicked).toBe('42');
    const lost = expect(client.put(job)).rejects.toBeInstanceOf(CommandRefused);
    await server.hears('kick-job 42\r\nput');
    await server.says('BURIED 43\r\n');
    await server.hears('kick-job 43\r\n');
    await server.says('NOT_FOUND\r\n');
    await lost;
  });
});

test('statistics are read, quoted or not, and no tube is taken for a number', () => {
  for (const text of ['---\nid: 1\ntube: 1e3\npri: 7\n', '---\nid: 1\ntube: "1e3"\npri: 7\n']) {
    const stats = new Stats(Buffer.from(text));
    expect([stats.number('pri'), stats.text('tube')]).toEqual([7, '1e3']);
    expect(() => stats.number('ttr')).toThrow('ttr');
  }
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { withConsumer } from '../child.js';
import { filerUrl } from '../core-setup.js';
import { debianProgram } from '../../test/servers/debian.js';
import { inFolder } from '../folder.js';
import type { Row } from '../row.js';

const IDLE_MS = 10_000;
const FEWER_THAN = 100;
/** Time enough for what is done at the start, and for the engine to give back the memory of that. */
const SETTLED_MS = 12_000;

/** System calls that wait for something to happen. */
const WAITING = /^(epoll_p?wait2?|futex|(clock_)?nanosleep|p?poll|p?select6?|restart_syscall)$/;

/** What an idle consumer asks of the system, alone and beside another one of the same queue. */
export function idleRows(): Promise<Row[]> {
  return inFolder(async (directory) => {
    const strace = await debianProgram('strace', 'strace');
    const task = { url: filerUrl(directory), keep: false };
    return withConsumer(task, async ({ pid = 0 }) => {
      await setTimeout(SETTLED_MS);
      const alone = row('idle for 10 s: system calls besides waiting', await calls(strace, pid));
      return withConsumer(task, async () => {
        await setTimeout(SETTLED_MS);
        return [alone, row('the same beside another idle consumer of the queue', await calls(strace, pid))];
      });
    });
  });
}

function row(what: string, calls: ReadonlyMap<string, number>): Row {
  const sum = [...calls.values()].reduce((total, count) => total + count, 0);
  return {
    what,
    bar: `< ${FEWER_THAN}`,
    found: String(sum),
    ok: sum < FEWER_THAN,
    info: [...calls].map(([name, count]) => `${name} ${count}`).join(', '),
  };
}

async function calls(strace: string, pid: number): Promise<Map<string, number>> {
  const child = spawn(strace, ['-f', '-c', '-U', 'calls,name', '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const output = text(child.stderr);
  const exit = once(child, 'exit');
  await setTimeout(IDLE_MS);
  child.kill('SIGINT');
  await exit;
  const lines = [...(await output).matchAll(/^ *(\d+) ([a-z0-9_]+)$/gm)];
  if (lines.length === 0) throw new Error(`strace counted nothing: ${await output}`);
  return new Map(
    lines.flatMap(([, count, name = '']) => (name === 'total' || WAITING.test(name) ? [] : [[name, Number(count)]])),
  );
}

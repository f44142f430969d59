import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { compiled } from '../compiled.js';

const node = promisify(execFile);
const folder = compiled();

async function run(script: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const prelude = `
    import { spawnSync } from 'node:child_process';
    import { setTimeout as sleep } from 'node:timers/promises';
    import { ThreadWatchdog } from './lib/core/watchdog.js';
    const dog = new ThreadWatchdog((message) => console.log('warned: ' + message));
    let told = () => undefined;
    const seen = new Promise((resolve) => (told = resolve));
    await dog.start({ id: 'here', knownMs: 60_000, elsewhere: undefined, record: () => undefined, seen: () => told() });
    function spin(ms) { for (const end = Date.now() + ms; Date.now() < end; ); }
    const nobodyWrites = new Int32Array(new SharedArrayBuffer(4));
    /** Blocks the event loop as well, and leaves the machine to other tests. */
    function hold(ms) { for (const end = Date.now() + ms; Date.now() < end; ) Atomics.wait(nobodyWrites, 0, 0, 10); }
    function wait(ms) { spawnSync(process.execPath, ['-e', 'setTimeout(() => 0, ' + ms + ')']); }
  `;
  return node(process.execPath, ['--input-type=module', '-e', prelude + script], { cwd: folder, timeout: 60_000 });
}

test('where the event loop is blocked is seen, and told once it is free again', async () => {
  const { stdout } = await run(`
    function render() { spin(2500); }
    render();
    await Promise.race([seen, sleep(15_000, undefined, { ref: true })]);
    const [{ at, ms, stack }] = dog.blocked;
    console.log(JSON.stringify({ long: ms >= 2000, known: Date.now() - at >= ms, lines: stack.split('\\n').slice(0, 2) }));
    await dog.close();
    process.exit();
  `);
  expect(JSON.parse(stdout)).toEqual({
    long: true,
    known: true,
    lines: [expect.stringMatching(/^at spin \(/), expect.stringMatching(/^at render \(/)],
  });
});

test('so is that it waited outside of JavaScript, and for how long', async () => {
  const { stdout } = await run(`
    function convert() { wait(2500); }
    convert();
    await Promise.race([seen, sleep(15_000, undefined, { ref: true })]);
    console.log(dog.blocked[0].ms >= 2000);
    await dog.close();
    process.exit();
  `);
  expect(stdout).toBe('true\n');
});

test('a loop that turns is left alone, and the thread keeps no process alive', async () => {
  const { stdout } = await run(`
    for (let n = 0; n < 20; n++) { spin(50); await sleep(50); }
    console.log(dog.blocked.length);
  `);
  expect(stdout).toBe('0\n');
});

test('one that does not come back is told on stderr', async () => {
  const { stderr } = await run(`
    function forever() { hold(13000); process.exit(); }
    forever();
  `);
  expect(stderr).toMatch(
    /^nestjs-jobs: the event loop of process \d+ is blocked for 1\d{4} ms\nat hold .*\nat forever /,
  );
});

test('where another thread could not use what the backend was given, that is said, and no secret', async () => {
  const { stdout } = await run(`
    const other = new ThreadWatchdog((message) => console.log(message));
    const options = { password: 'secret', retry: () => 'secret' };
    const process = { id: 'other', knownMs: 60_000, record: () => undefined, seen: () => undefined };
    await other.start({ ...process, elsewhere: async () => ({ module: 'file:///secret', options }) });
    await Promise.all([dog.close(), other.close()]);
  `);
  expect(stdout).toMatch(
    /^operate\.trace: while the event loop is blocked, nobody can be told, only afterwards: .*\n$/,
  );
  expect(stdout).not.toContain('secret');
});

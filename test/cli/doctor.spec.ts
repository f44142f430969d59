import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { commandLine } from './command-line.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();

test('doctor finds nothing in a sound directory, tells what is broken in another, and mends with --fix alone', async () => {
  const backend = ['-b', 'filer:var'];
  await cli.run(['publish', 'a', '-q', 'mail', '--id', 'one', ...backend]);
  expect(await cli.run(['doctor', ...backend])).toEqual({ code: 0, stdout: 'var is sound\n', stderr: '' });

  await rmdir(join(cli.folder, 'var/mail/errors'));
  const missing = /var\/mail\/errors: the folder is missing; to do: make it, with mode 0700\n1 found, 0 repaired\n$/;
  expect(await cli.run(['doctor', '--dry-run', ...backend])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(missing),
  });
  expect(existsSync(join(cli.folder, 'var/mail/errors'))).toBe(false);
  const json = await cli.run(['doctor', '--json', ...backend]);
  expect(JSON.parse(json.stdout)).toMatchObject({ directory: 'var', findings: [{ queue: 'mail', fixed: false }] });
  expect(await cli.run(['doctor', '--fix', ...backend])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('; done: make it, with mode 0700\n1 found, 1 repaired\n'),
  });
  expect(existsSync(join(cli.folder, 'var/mail/errors'))).toBe(true);

  await cli.write('var/stray', 'what is this');
  expect(await cli.run(['doctor', '--fix', ...backend])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('var/stray: it is no queue, and nothing reads it here; to do: '),
  });
});

test('doctor examines directories alone, and those that are there', async () => {
  const other = await cli.run(['doctor', '-b', 'redis://127.0.0.1:1']);
  expect(other).toMatchObject({ code: 2, stderr: expect.stringContaining('expected --backend filer:<directory>') });
  expect(await cli.run(['doctor', '-b', 'filer:typo'])).toMatchObject({ code: 3, stdout: '' });
  expect(await cli.run(['doctor', '-b', 'filer:typo', '--fix', '--dry-run'])).toMatchObject({ code: 2 });
});

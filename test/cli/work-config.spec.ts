import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test, vi } from 'vitest';
import { commandLine } from './command-line.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();
const HANDLER = `handlers:\n  send: { shell: ["true"] }\n`;
const QUEUE = `queues:\n  mail: { handlers: [send] }\n`;

beforeAll(async () => {
  await cli.write('throws.mjs', 'throw new Error("no paper")');
  await cli.write('five.mjs', 'export const five = 5');
  published = (await cli.run(['publish', 'send', '1', '-q', 'mail', '-b', 'filer:var'])).stdout.split(' ')[0] ?? '';
});

let published = '';

const handledBy = (handler: string): string => `${QUEUE}handlers:\n  send: { ${handler} }\n`;

test.for<[what: string, config: string, fault: string]>([
  ['nothing', '', '1:1: expected keys and values, got nothing'],
  ['a key twice', `queues:\n  mail: { handlers: [send] }\n  mail: {}\n${HANDLER}`, '4:3: Map keys must be unique'],
  ['a tab', `queues:\n\tmail: {}\n${HANDLER}`, '3:1: Tabs are not allowed as indentation'],
  [
    'a handler that is not there',
    `queues:\n  mail: { handlers: [sent] }\n${HANDLER}`,
    '3:22: queues.mail.handlers[0]: expected one of handlers (send), got the unknown handler "sent"',
  ],
  [
    'a queue without one',
    `queues:\n  mail: {}\n${HANDLER}`,
    '3:3: queues.mail: expected handlers, got a queue without one',
  ],
  [
    'a handler without a queue',
    `${QUEUE}${HANDLER}  other: { shell: ["true"] }\n`,
    '6:3: handlers.other: expected it in one of queues, got none that has it',
  ],
  [
    'a key that means nothing',
    `queues:\n  mail: { handlers: [send], colour: red }\n${HANDLER}`,
    '3:29: queues.mail: expected of handlers, concurrency, rawJob, maxAge, rate, got the unknown key "colour"',
  ],
  [
    'no concurrency',
    `queues:\n  mail: { handlers: [send], concurrency: 0 }\n${HANDLER}`,
    '3:29: queues.mail.concurrency: expected a whole number of at least 1, got 0',
  ],
  [
    'a module that throws',
    handledBy(`module: './throws.mjs#send'`),
    "5:11: handlers.send.module: ./throws.mjs can't be loaded: no paper",
  ],
  [
    'no function',
    handledBy(`module: './five.mjs#five'`),
    '5:11: handlers.send.module: expected a function, or an object with handle, as "five" of ./five.mjs, got 5',
  ],
  [
    'a command for a shell',
    handledBy('shell: "rm -rf x"'),
    '5:11: handlers.send.shell: expected a list of texts such as ["html2pdf", "{id}.pdf"], got "rm -rf x"',
  ],
  [
    'a placeholder of nothing',
    handledBy('shell: ["echo", "{nope}"]'),
    '5:11: handlers.send.shell: expected placeholders',
  ],
  [
    'a module and a command',
    handledBy(`shell: ["true"], module: './five.mjs#five'`),
    '5:3: handlers.send: expected either module or shell, got both',
  ],
])('a configuration with %s is an error that names the line, and no job is taken', async ([, config, fault]) => {
  await cli.write('jobs.yaml', config === '' ? '' : `backend: filer:var\n${config}`);
  const { code, stderr } = await cli.run(['drain', '-c', 'jobs.yaml']);
  expect(stderr).toContain(`error: jobs.yaml:${fault}`);
  expect(code).toBe(2);
  const [waiting] = readdirSync(join(cli.folder, 'var', 'mail', 'incoming'));
  expect(waiting?.endsWith(`,${published}`)).toBe(true);
});

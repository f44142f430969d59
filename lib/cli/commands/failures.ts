import { EXIT } from '../exit-codes.js';
import { filterOf, type FilterOptions } from '../filter-options.js';
import { wholeNumber } from '../number-options.js';
import { operatorOf } from '../operated.js';
import { cutTo, lengthText } from '../plain-text.js';
import type { CommandSpec } from '../run.js';
import { table } from '../table.js';

interface Options extends Omit<FilterOptions, 'until'> {
  readonly queue?: string;
  readonly limit: string;
}

const COLUMNS = [
  { title: 'COUNT', right: true },
  { title: 'NAME' },
  { title: 'QUEUES' },
  { title: 'FIRST', right: true },
  { title: 'LAST', right: true },
  { title: 'FOR EXAMPLE' },
  { title: 'ERROR' },
];

export const failures: CommandSpec<Options> = {
  name: 'failures',
  summary: 'failed jobs by what they failed of, the most first',
  examples: [
    ['nestjs-jobs failures', 'grouped by name and error; ids, numbers and quoted texts are left out of messages'],
    ['nestjs-jobs failures --since 24h --queue mail', 'of one queue, since yesterday'],
  ],
  configure: (command) =>
    command
      .option('-q, --queue <name>', 'of one queue')
      .option('--name <name>', 'of this name')
      .option('--text <text>', 'with this text in the payload, the reason or an error')
      .option('--since <time>', 'not before: 2h ago, or a moment')
      .option('-n, --limit <number>', 'look at so many failed jobs at most', '3000'),
  run: async (session) => {
    const { options, terminal } = session;
    const { queue } = options;
    const operator = await operatorOf(session);
    const limit = wholeNumber(options.limit, '--limit', 1);
    const found = await operator.failures({ ...filterOf(options), ...(queue === undefined ? {} : { queue }), limit });
    if (options.json) await terminal.printJson(found);
    else {
      const now = Date.now();
      const rows = found.groups.map((group) => [
        String(group.count),
        group.name ?? '(unreadable)',
        group.queues.join(','),
        lengthText(group.firstAt && now - group.firstAt.getTime()),
        lengthText(group.lastAt && now - group.lastAt.getTime()),
        cutTo(group.ids[0] ?? '', 40),
        cutTo([group.error, group.message].filter(Boolean).join(': '), 200),
      ]);
      const [head = '', ...lines] = table(COLUMNS, rows, terminal.columns);
      await terminal.print(terminal.style('bold', head));
      for (const line of lines) await terminal.print(line);
    }
    if (!found.complete) terminal.say(`of the first ${found.scanned} failed jobs; there are more: --limit`);
    return EXIT.done;
  },
};

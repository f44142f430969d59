import type { WorkerView } from '../../operating/worker-view.js';
import { EXIT } from '../exit-codes.js';
import { operatorOf } from '../operated.js';
import { cutTo, lengthText } from '../plain-text.js';
import type { CommandSpec } from '../run.js';
import { table } from '../table.js';

const COLUMNS = [
  { title: 'HOST:PID' },
  { title: 'VERSION' },
  { title: 'UP', right: true },
  { title: 'HEARD', right: true },
  { title: 'RUNNING', right: true },
  { title: 'DELAY', right: true },
  { title: 'MEMORY', right: true },
  { title: 'QUEUES' },
  { title: 'JOBS' },
];

export const workers: CommandSpec<object> = {
  name: 'workers',
  summary: 'the processes that handle jobs, and what runs there',
  examples: [['nestjs-jobs workers', 'stale ones were not heard of for 30 s']],
  run: async (session) => {
    const { options, terminal } = session;
    const operator = await operatorOf(session);
    const known = await operator.workers();
    if (options.json) await terminal.printJson({ workers: known });
    else {
      const rows = known.map((worker) => rowOf(worker, Date.now()));
      const [head = '', ...lines] = table(COLUMNS, rows, terminal.columns);
      await terminal.print(terminal.style('bold', head));
      for (const [at, line] of lines.entries()) {
        await terminal.print(known[at]?.stale ? terminal.style('yellow', line) : line);
      }
    }
    return EXIT.done;
  },
};

function rowOf(worker: WorkerView, now: number): string[] {
  const { host, pid, version, startedAt, heartbeatAt, stale, runningCount, concurrency, running } = worker;
  const heard = lengthText(now - heartbeatAt.getTime());
  return [
    `${host}:${pid}`,
    version,
    lengthText(now - startedAt.getTime()),
    stale ? `${heard} stale` : heard,
    `${runningCount}/${concurrency}`,
    lengthText(worker.eventLoopDelayMs),
    `${Math.round(worker.memoryBytes / 1_048_576)}MB`,
    worker.queues.join(','),
    running
      .map(({ id, name, since, log }) => {
        const length = since ? ` ${lengthText(now - since.getTime())}` : '';
        return `${name ?? '?'} ${cutTo(id, 40)}${length}${log === undefined ? '' : ` "${cutTo(log, 60)}"`}`;
      })
      .join('; '),
  ];
}

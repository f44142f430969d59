import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What `consumer-process.js` is told, as the JSON text of its first argument. */
export interface ConsumerTask {
  /** Of the backend, as the option `backend` takes it. */
  readonly url: string;
  /** Whether each job runs until the process ends. */
  readonly keep: boolean;
  /** Whether each job has a result, and its completion is told instead of its start. Default: no. */
  readonly answers?: boolean;
}

/** What it tells: that it consumes; when a job has started, or was completed, by the machine's monotonic clock. */
export type ConsumerReport = 'ready' | { readonly atNs: string };

/** Calls `act` with a process that consumes the queue of a directory, and ends the process whatever becomes of it. */
export async function withConsumer<T>(task: ConsumerTask, act: (child: ChildProcess) => Promise<T>): Promise<T> {
  const program = fileURLToPath(new URL('./consumer-process.js', import.meta.url));
  const child = fork(program, [JSON.stringify(task)], { execArgv: [] });
  const exit = once(child, 'exit');
  try {
    const failed = exit.then(([code]) =>
      Promise.reject(new Error(`the consumer's process ended with ${String(code)}`)),
    );
    failed.catch(() => undefined);
    await Promise.race([once(child, 'message'), failed]);
    return await Promise.race([act(child), failed]);
  } finally {
    child.kill('SIGKILL');
    await exit;
  }
}

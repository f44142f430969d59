import { spawn, type ChildProcess } from 'node:child_process';
import { onAbort } from '../../core/on-abort.js';

/** How a command is run. */
export interface RunRequest {
  readonly program: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** What it reads. */
  readonly input: string;
  /** Ends it with all that it has started. */
  readonly signal: AbortSignal;
  /** How long it has between SIGTERM and SIGKILL, in milliseconds. */
  readonly killAfterMs: number;
  readonly onStdout: (chunk: Buffer) => void;
  readonly onStderr: (chunk: Buffer) => void;
}

export interface RunEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** For how long what a command has left behind may hold its output open. */
const LEFT_OPEN_MS = 1_000;

const running = new Set<number>();

/** Ends all commands at once, with all that they have started. */
export function killAll(): void {
  for (const pid of running) signalGroup(pid, 'SIGKILL');
}

/**
 * Runs a command, without a shell, in a process group of its own: a Ctrl-C on the terminal doesn't reach it.
 *
 * @throws what `spawn` throws, where it can't be started
 */
export async function runCommand(request: RunRequest): Promise<RunEnd> {
  const { program, args, directory, environment, input, signal, killAfterMs } = request;
  const child = spawn(program, args, {
    cwd: directory,
    env: environment,
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
    windowsHide: true,
  });
  const started = new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  // Later errors are those of signals, which signalGroup sends by itself.
  child.on('error', () => undefined);
  child.stdout.on('data', request.onStdout);
  child.stderr.on('data', request.onStderr);
  // It may end, or close its input, before it has read all.
  child.stdin.on('error', () => undefined);
  const ended = endOf(child);
  await started;
  const pid = child.pid ?? 0;
  running.add(pid);
  child.stdin.end(input);
  let killing: NodeJS.Timeout | undefined;
  const stop = (): void => {
    signalGroup(pid, 'SIGTERM');
    killing = setTimeout(() => signalGroup(pid, 'SIGKILL'), killAfterMs);
  };
  const off = onAbort(signal, stop);
  if (signal.aborted) stop();
  try {
    const end = await ended;
    // What it has started goes with it where it was to end; else it may live on.
    if (signal.aborted) signalGroup(pid, 'SIGKILL');
    return end;
  } finally {
    off();
    clearTimeout(killing);
    running.delete(pid);
  }
}

function endOf(child: ChildProcess): Promise<RunEnd> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      const end = (): void => {
        clearTimeout(leftOpen);
        child.stdout?.destroy();
        child.stderr?.destroy();
        child.stdin?.destroy();
        resolve({ code, signal });
      };
      const leftOpen = setTimeout(end, LEFT_OPEN_MS);
      child.once('close', end);
    });
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { eventually } from './eventually.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'sample-app/dist/main.js');
const REPORTS = join(ROOT, 'sample-app/dist/reports.js');

export interface Orders {
  email: string;
  reminder: string;
  label: string;
}

export interface Mail {
  id: string;
  from: string;
  to: string[];
  subject: string;
  text: string;
}

export interface JobLine {
  id: string;
  name: string;
  state: string;
}

/** A data directory for one test. */
export async function shopData(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'shop-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** The sample application as a process of its own, on a free port. */
export class Shop {
  url = '';
  output = '';

  private constructor(
    private readonly process: ChildProcess,
    readonly data: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  static async open(data: string, env: Record<string, string> = {}): Promise<Shop> {
    for (const file of [join(ROOT, 'dist/index.js'), MAIN]) {
      if (!existsSync(file)) throw new Error(`${file} is missing: run "npm run build" before this test`);
    }
    const { PATH, HOME } = process.env;
    const all = { PATH, HOME, NO_COLOR: '1', PORT: '0', SHOP_DATA: data, ...env };
    const child = spawn(process.execPath, [MAIN], { cwd: ROOT, env: all, stdio: ['ignore', 'pipe', 'pipe'] });
    const shop = new Shop(child, data, all);
    onTestFinished(() => shop.kill());
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (shop.output += String(chunk)));
    shop.url = await eventually('the shop tells its address', () => {
      if (shop.hasEnded) throw new Error(`the shop did not open:\n${shop.output}`);
      return /^The shop is open: (\S+)$/m.exec(shop.output)?.[1];
    });
    return shop;
  }

  get hasEnded(): boolean {
    return this.process.exitCode !== null || this.process.signalCode !== null;
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** As a supervisor does; fails where the process doesn't end by itself. */
  async terminate(): Promise<void> {
    this.process.kill('SIGTERM');
    await eventually(`the shop ends after SIGTERM; it said:\n${this.output}`, () => this.hasEnded, 30_000);
  }

  /** Runs the script for reports to its end, as cron does; returns what it has written of the day. */
  async report(day: string): Promise<unknown> {
    const child = spawn(process.execPath, [REPORTS, day], {
      cwd: ROOT,
      env: this.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
    const code = await eventually('the script ends', () => child.exitCode ?? undefined);
    if (code !== 0) throw new Error(`the script for reports ended with ${code}:\n${output}`);
    return JSON.parse(await readFile(join(this.data, 'reports', `${day}.json`), 'utf8'));
  }

  post(path: string, type: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
    return fetch(`${this.url}${path}`, { method: 'POST', headers: { 'content-type': type }, body });
  }

  /** @throws where the shop did not acknowledge it */
  async order(email: string, item: string): Promise<Orders> {
    const answer = await this.post('/orders', 'application/json', JSON.stringify({ email, item }));
    return (await created<{ jobs: Orders }>(answer)).jobs;
  }

  /** @throws where the shop did not acknowledge it */
  async picture(bytes: Uint8Array<ArrayBuffer>, type = 'image/jpeg'): Promise<string> {
    return (await created<{ job: string }>(await this.post('/pictures', type, bytes))).job;
  }

  async state(id: string): Promise<string> {
    const answer = await fetch(`${this.url}/jobs/${id}`);
    if (answer.status !== 200) throw new Error(`GET /jobs/${id}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as JobLine).state;
  }

  async untilAll(state: string, ids: readonly string[]): Promise<void> {
    const left = new Map<string, string>(ids.map((id) => [id, 'unknown']));
    const what = (): string => [...left].map(([id, other]) => `${id} is ${other}`).join(', ');
    try {
      await eventually(`all jobs are ${state}`, async () => {
        for (const id of left.keys()) {
          left.set(id, await this.state(id));
          if (left.get(id) === state) left.delete(id);
        }
        return left.size === 0;
      });
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${what()}\n${this.output}`, { cause: error });
    }
  }

  async mailbox(): Promise<Mail[]> {
    return (await fetch(`${this.url}/mailbox`)).json() as Promise<Mail[]>;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.hasEnded) return;
    const ended = once(this.process, 'exit');
    this.process.kill(signal);
    await ended;
  }
}

/** The last state of each job in the shop's own file, as a process that was killed has left it. */
export async function lastStates(data: string): Promise<Map<string, string>> {
  const states = new Map<string, string>();
  for (const line of (await readFile(join(data, 'jobs.jsonl'), 'utf8')).split('\n')) {
    if (!line.endsWith('}')) continue;
    const { id, state } = JSON.parse(line) as JobLine;
    states.set(id, state);
  }
  return states;
}

/** What a crash in the middle of a write leaves behind. */
export async function tearLastLines(data: string): Promise<void> {
  for (const file of ['jobs.jsonl', 'mailbox.jsonl']) await appendFile(join(data, file), '{"id":"torn","na');
}

async function created<T>(answer: Response): Promise<T> {
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  return (await answer.json()) as T;
}

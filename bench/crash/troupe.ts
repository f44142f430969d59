import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import type { Outage } from './deaths.js';
import type { Destroyed } from './engines/binlog-witness.js';
import type { Stage } from './engines/stage.js';
import type { CrashSettings, PlannedKill, PlannedServerKill } from './plan.js';
import type { Report, Task } from './process-task.js';

/** One kill -9 as it was done. */
export interface Kill {
  /** The incarnation that died. */
  readonly name: string;
  /** Right before the signal was sent. Milliseconds since 1970. */
  readonly at: number;
}

type Kind = PlannedKill['victim']['kind'];

/** One role of the run: a process that is started again each time it was killed. */
class Actor {
  child: ChildProcess | undefined;
  name = '';
  incarnations = 0;
  /** A publisher that has published all, a worker that was told to stop. */
  finished = false;

  constructor(
    readonly kind: Kind,
    readonly slot: number,
  ) {}
}

/** The processes of a run: starts them, kills them, ends them. */
export class Troupe {
  readonly kills: Kill[] = [];
  /** Of the server; `to` is when it answered again. */
  readonly outages: Outage[] = [];
  /** What befell processes that nobody had killed. */
  readonly faults: string[] = [];
  /** How many jobs were acknowledged so far, or somewhat more than a killed publisher came to tell. */
  acknowledged = 0;
  private readonly actors: Actor[] = [];

  constructor(
    private readonly settings: CrashSettings,
    private readonly stage: Stage,
  ) {}

  async start(): Promise<void> {
    const { publishers, workers } = this.settings;
    for (let slot = 0; slot < workers; slot++) this.actors.push(new Actor('worker', slot));
    for (let slot = 0; slot < publishers; slot++) this.actors.push(new Actor('publisher', slot));
    await Promise.all(this.actors.map((actor) => this.launch(actor)));
  }

  /** Jobs that the server has destroyed by itself, so far as was seen at its kills. */
  get destroyed(): readonly Destroyed[] {
    return this.stage.witness?.destroyed ?? [];
  }

  get isPublishing(): boolean {
    return this.actors.some((actor) => actor.kind === 'publisher' && !actor.finished);
  }

  /** Kills the planned victim, or a worker where that publisher has published all, and starts it again. */
  async kill({ victim, deadMs }: PlannedKill): Promise<void> {
    const actor = await this.standing(victim.kind, victim.slot);
    const child = actor.child as ChildProcess;
    const kill: Kill = { name: actor.name, at: Date.now() };
    const exit = once(child, 'exit');
    actor.child = undefined;
    child.kill('SIGKILL');
    await exit;
    if (child.signalCode === 'SIGKILL') this.kills.push(kill);
    await setTimeout(deadMs);
    await this.launch(actor);
  }

  /** Kills the server, and starts it again. */
  async killServer({ deadMs }: PlannedServerKill): Promise<void> {
    const { server, witness } = this.stage;
    if (!server) throw new Error('expected an engine with a server');
    const from = Date.now();
    await server.kill();
    witness?.look();
    await setTimeout(deadMs);
    await server.start();
    this.outages.push({ from, to: Date.now() });
  }

  /** Lets the workers finish what they do. */
  async stopWorkers(): Promise<void> {
    const workers = this.actors.filter(({ kind, child }) => kind === 'worker' && child);
    await Promise.all(
      workers.map(async (actor) => {
        const child = actor.child as ChildProcess;
        actor.finished = true;
        const exit = once(child, 'exit');
        child.send('stop');
        await exit;
      }),
    );
  }

  /** Calls `act` while one more worker, a new one, has the queues for itself. */
  async withNewWorker(act: () => Promise<void>): Promise<void> {
    const actor = new Actor('worker', this.settings.workers);
    this.actors.push(actor);
    await this.launch(actor);
    await act();
    await this.stopWorkers();
  }

  /** Ends whatever is still there. */
  async end(): Promise<void> {
    await Promise.all(
      this.actors.map(async (actor) => {
        actor.finished = true;
        const { child } = actor;
        if (!child) return;
        const exit = once(child, 'exit');
        child.kill('SIGKILL');
        await exit;
      }),
    );
  }

  /** Waits until a victim is on its feet. */
  private async standing(kind: Kind, slot: number): Promise<Actor> {
    for (;;) {
      const planned = this.actors.find((actor) => actor.kind === kind && actor.slot === slot && !actor.finished);
      const victim = planned ?? this.actors[slot % this.settings.workers];
      if (victim?.child) return victim;
      await setTimeout(5);
    }
  }

  private async launch(actor: Actor): Promise<void> {
    if (actor.finished) return;
    const { engine, seed, jobs, publishers, rate } = this.settings;
    const { url, ledgers, programs } = this.stage;
    actor.name = `${actor.kind}-${actor.slot}-${++actor.incarnations}`;
    const { name, slot } = actor;
    const task: Task = { engine, url, ledgers, name, slot, seed, jobs, publishers, rate };
    const child = fork(join(programs, `${actor.kind}-process.js`), [JSON.stringify(task)], { execArgv: [] });
    actor.child = child;
    child.on('message', (report: Report) => {
      if (report !== 'ready') this.acknowledged += report.acknowledged;
    });
    child.on('exit', (code, signal) => this.ended(actor, child, name, code ?? signal));
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
  }

  private ended(actor: Actor, child: ChildProcess, name: string, how: number | string | null): void {
    // One that was killed has no part any more.
    if (actor.child !== child) return;
    actor.child = undefined;
    if (how === 0 && actor.kind === 'publisher') actor.finished = true;
    if (how !== 0 || !actor.finished) this.faults.push(`${name} ended by itself with ${how}`);
  }
}

import type { ChangeResult, JobChange, JobPlace } from '../../../core/inspector.js';
import { LAST_MOMENT } from '../../../core/time.js';
import { Batched } from '../batched.js';
import type { Connections } from '../connections.js';
import type { Scripts } from '../scripts.js';
import { CHANGE, defineChanging } from './changing-scripts.js';
import { startingAt } from './start-time.js';
import { dueScore, standingKeys } from './standing.js';

type Command = keyof typeof CHANGE;

/** How many jobs are changed before the next are begun: so few that all that is sent has an answer in time. */
const AT_A_TIME = 1_000;

/** Changes jobs of one queue, each by a script that looks where it stands. */
export class Changing {
  private readonly batches = new Map<Command, Batched | undefined>();

  constructor(
    private readonly scripts: Scripts,
    private readonly connections: Connections,
  ) {}

  async change(places: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]> {
    defineChanging(this.connections.publishing.adapted, (script) => this.scripts.named(script));
    const results: ChangeResult[] = [];
    for (let from = 0; from < places.length; from += AT_A_TIME) {
      const some = places.slice(from, from + AT_A_TIME);
      results.push(...(await Promise.all(some.map((place) => this.changeOne(place, change)))));
    }
    return results;
  }

  private changeOne(place: JobPlace, change: JobChange): Promise<ChangeResult> {
    switch (change.kind) {
      case 'retry':
        return this.retry(place);
      case 'remove':
        return this.remove(place);
      case 'reschedule':
        return this.reschedule(place, change.at);
    }
  }

  private async retry({ key, state }: JobPlace): Promise<ChangeResult> {
    if (state !== 'failed') return 'changed';
    const { events, failed, wait, meta, active, marker, prioritized, pc } = this.scripts.keys;
    const keys = [this.scripts.toKey(key), events, failed, wait, meta, active, marker, prioritized, pc];
    // From behind, in BullMQ's count the starts stay and the attempts begin anew.
    return this.run('retry', [...keys, key, 'LPUSH', 'failedReason', 'failed', '1', '0', Date.now()]);
  }

  private async remove({ key, state }: JobPlace): Promise<ChangeResult> {
    if (state === 'active') return 'changed';
    const keys = [...standingKeys(this.scripts.keys), this.scripts.toKey(key), this.scripts.keys['repeat']];
    // The children of a parent stay.
    return this.run('remove', [...keys, key, '0', this.scripts.toKey(''), state, dueScore(Date.now())]);
  }

  private async reschedule({ key, state }: JobPlace, at: number): Promise<ChangeResult> {
    if (state !== 'waiting' && state !== 'delayed') return 'changed';
    const { meta, pc, marker, events } = this.scripts.keys;
    const job = this.scripts.toKey(key);
    const now = Date.now();
    const to = at > now ? Math.min(Math.ceil(at), LAST_MOMENT) : 0;
    const options = (await this.connections.publishing.client.hget(job, 'opts')) ?? '';
    const args = [key, state, dueScore(now), now, to, options, startingAt(options, to || undefined)];
    return this.run('reschedule', [...standingKeys(this.scripts.keys), job, meta, pc, marker, events, ...args]);
  }

  private async run(command: Command, args: readonly (string | number | null | undefined)[]): Promise<ChangeResult> {
    const done = await (this.batchOf(command)?.call(args) ?? this.alone(command, args));
    return done === 1 ? 'done' : 'changed';
  }

  private batchOf(command: Command): Batched | undefined {
    if (!this.batches.has(command)) {
      const alone = (args: readonly unknown[]): Promise<unknown> => this.alone(command, args);
      this.batches.set(command, Batched.of(this.connections.publishing.adapted, CHANGE[command], alone));
    }
    return this.batches.get(command);
  }

  private alone(command: Command, args: readonly unknown[]): Promise<unknown> {
    return this.connections.publishing.adapted.runCommand(CHANGE[command], [...args]);
  }
}

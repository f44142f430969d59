import { setImmediate } from 'node:timers/promises';
import type { RedisClient } from 'bullmq';
import { severalTimes } from './batched-script.js';

/** Arguments of a script as BullMQ gives them: its keys, then the others. */
type Arguments = readonly (string | number | boolean | Buffer | null | undefined)[];

interface Call {
  readonly args: Arguments;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What a client knows of a script that was defined on it. */
export interface Defined {
  readonly lua: string;
  readonly numberOfKeys: number;
}

/** Undefined where the client has no such script, or doesn't tell. */
export function definedOn(client: RedisClient, name: string): Defined | undefined {
  return (client as { readonly scriptsSet?: Readonly<Record<string, Defined>> }).scriptsSet?.[name];
}

/** How many calls go together at most, so few that the answers to one batch are worked on while Redis works on the next. */
const LARGEST_BATCH = 25;

/**
 * A script of BullMQ's, called for many jobs: what is called in one turn goes to Redis as one command. A worker that has
 * fifty jobs under way would else spend more time on commands than on jobs.
 */
export class Batched {
  private waiting: Call[] = [];
  private turn: Promise<void> = Promise.resolve();

  private constructor(
    private readonly client: RedisClient,
    private readonly command: string,
    private readonly numberOfKeys: number,
    private readonly alone: (args: Arguments) => Promise<unknown>,
    private readonly inTurns: boolean,
  ) {}

  /**
   * Undefined where the client doesn't tell how the script goes; then each call goes alone.
   *
   * @param inTurns whether the answers to one batch are heeded, and what follows is sent, before those to the next: Redis
   *   answers at once all that it has read together, and would else have nothing to do as long as we work on all of it
   */
  static of(
    client: RedisClient,
    name: string,
    alone: (args: Arguments) => Promise<unknown>,
    inTurns = false,
  ): Batched | undefined {
    const script = definedOn(client, name);
    if (!script) return undefined;
    const { lua, numberOfKeys } = script;
    const command = `${name}:batched`;
    if (!definedOn(client, command)) client.defineCommand(command, { numberOfKeys, lua: severalTimes(lua) });
    return new Batched(client, command, numberOfKeys, alone, inTurns);
  }

  call(args: Arguments): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // From within a promise's turn, after all others of it: the jobs that ended together go together.
      if (this.waiting.push({ args, resolve, reject }) === 1) process.nextTick(() => this.flush());
    });
  }

  /** Sends at once what was called. */
  flush(): void {
    const calls = this.waiting;
    this.waiting = [];
    for (let from = 0; from < calls.length; from += LARGEST_BATCH)
      void this.send(calls.slice(from, from + LARGEST_BATCH));
  }

  private async send(calls: readonly Call[]): Promise<void> {
    try {
      const [first] = calls;
      if (calls.length === 1 && first) return first.resolve(await this.alone(first.args));
      const replies = (await this.client.runCommand(this.command, this.together(calls))) as unknown[];
      if (this.inTurns) await this.nextTurn();
      for (const [index, { resolve, reject }] of calls.entries()) {
        const reply = replies[2 * index + 1];
        if (replies[2 * index] === 1) resolve(reply);
        else reject(replyError(typeof reply === 'string' ? reply : 'no reply'));
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  private nextTurn(): Promise<void> {
    const mine = this.turn;
    this.turn = mine.then(() => setImmediate());
    return mine;
  }

  private together(calls: readonly Call[]): unknown[] {
    const base = calls[0]?.args ?? [];
    const keys = base.slice(0, this.numberOfKeys);
    const rest = base.slice(this.numberOfKeys);
    const places = [...base.keys()].filter((place) => calls.some(({ args }) => args[place] !== base[place]));
    const all: unknown[] = [...keys, calls.length, rest.length, places.length, ...places.map((place) => place + 1)];
    for (const value of rest) all.push(value ?? '');
    for (let call = 1; call < calls.length; call++) {
      for (const place of places) all.push(calls[call]?.args[place] ?? '');
    }
    return all;
  }
}

/** As ioredis tells what Redis has refused. */
function replyError(message: string): Error {
  const error = new Error(message);
  error.name = 'ReplyError';
  return error;
}

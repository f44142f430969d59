import type { RedisClient } from 'bullmq';

/** Arguments of a script as BullMQ gives them: its keys, then the others. */
type Arguments = readonly (string | number | boolean | Buffer | null | undefined)[];

interface Call {
  readonly args: Arguments;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** What a client knows of a script that was defined on it. */
interface Defined {
  readonly lua: string;
  readonly numberOfKeys: number;
}

/** How many calls go together at most: Redis serves nobody else meanwhile. */
const LARGEST_BATCH = 64;

/**
 * Runs a script several times, each time as if alone. The calls of a batch have most arguments in common, so the first
 * has all of its own, and of each other comes what differs. An error of one leaves the others alone.
 *
 * KEYS: of the first. ARGV: how many calls, how many arguments beside the keys, those of the first; then for each other
 * call how many differ, and each with its place, the keys counted first.
 */
const around = (lua: string): string => `
local function run(KEYS, ARGV)
${lua}
end
local calls, size = tonumber(ARGV[1]), tonumber(ARGV[2])
local at = 2 + size
local replies = {}
for call = 1, calls do
  local keys, args = {unpack(KEYS)}, {unpack(ARGV, 3, 2 + size)}
  if call > 1 then
    local differing = tonumber(ARGV[at + 1])
    at = at + 1
    for _ = 1, differing do
      local place, value = tonumber(ARGV[at + 1]), ARGV[at + 2]
      at = at + 2
      if place <= #KEYS then keys[place] = value else args[place - #KEYS] = value end
    end
  end
  local ok, reply = pcall(run, keys, args)
  if ok then replies[call] = {1, reply}
  else replies[call] = {0, type(reply) == 'table' and reply['err'] or tostring(reply)} end
end
return replies`;

/**
 * A script of BullMQ's, called for many jobs: what is called in one turn goes to Redis as one command. A worker that has
 * fifty jobs under way would else spend more time on commands than on jobs.
 */
export class Batched {
  private waiting: Call[] = [];

  private constructor(
    private readonly client: RedisClient,
    private readonly command: string,
    private readonly numberOfKeys: number,
    private readonly alone: (args: Arguments) => Promise<unknown>,
  ) {}

  /** Undefined where the client doesn't tell how the script goes; then each call goes alone. */
  static of(client: RedisClient, name: string, alone: (args: Arguments) => Promise<unknown>): Batched | undefined {
    const { scriptsSet } = client as { readonly scriptsSet?: Readonly<Record<string, Defined>> };
    const script = scriptsSet?.[name];
    if (!script) return undefined;
    const { lua, numberOfKeys } = script;
    const command = `${name}:batched`;
    if (!scriptsSet[command]) client.defineCommand(command, { numberOfKeys, lua: around(lua) });
    return new Batched(client, command, numberOfKeys, alone);
  }

  call(args: Arguments): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // From within a promise's turn, after all others of it: the jobs that ended together go together.
      if (this.waiting.push({ args, resolve, reject }) === 1) process.nextTick(() => this.flush());
    });
  }

  private flush(): void {
    const calls = this.waiting;
    this.waiting = [];
    for (let from = 0; from < calls.length; from += LARGEST_BATCH)
      void this.send(calls.slice(from, from + LARGEST_BATCH));
  }

  private async send(calls: readonly Call[]): Promise<void> {
    try {
      const [first] = calls;
      if (calls.length === 1 && first) return first.resolve(await this.alone(first.args));
      const replies = (await this.client.runCommand(this.command, this.together(calls))) as [number, unknown][];
      for (const [index, { resolve, reject }] of calls.entries()) {
        const [ok, reply] = replies[index] ?? [0, 'no reply'];
        if (ok === 1) resolve(reply);
        else reject(replyError(String(reply)));
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  }

  private together(calls: readonly Call[]): unknown[] {
    const [first, ...others] = calls.map(({ args }) => args);
    const base = first ?? [];
    const keys = base.slice(0, this.numberOfKeys);
    const rest = base.slice(this.numberOfKeys);
    const all: unknown[] = [...keys, calls.length, rest.length, ...rest.map((value) => value ?? '')];
    for (const args of others) {
      const count = all.push(0) - 1;
      let differing = 0;
      for (const [place, value] of args.entries()) {
        if (value === base[place]) continue;
        all.push(place + 1, value ?? '');
        differing += 1;
      }
      all[count] = differing;
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

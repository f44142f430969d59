import type { RedisClient } from 'bullmq';
import { definedOn, type Defined } from './batched.js';

/** Arguments of a script, its keys first. */
type Arguments = readonly unknown[];

/**
 * Ends a job and adds another of the same id, so that no moment finds both gone: both scripts of BullMQ's run as one. Where
 * the first refuses, the second doesn't run.
 *
 * KEYS: of both. ARGV: how many arguments beside its keys the first has, these, those of the second.
 */
const both = (ending: Defined, adding: Defined): string => `
local function ending(KEYS, ARGV)
${ending.lua}
end
local function adding(KEYS, ARGV)
${adding.lua}
end
local size = tonumber(ARGV[1])
local ended = ending({unpack(KEYS, 1, ${ending.numberOfKeys})}, {unpack(ARGV, 2, size + 1)})
if type(ended) == 'number' and ended < 0 then return ended end
return adding({unpack(KEYS, ${ending.numberOfKeys} + 1)}, {unpack(ARGV, size + 2)})`;

/** A call of a script. */
export interface ScriptCall {
  /** As it is defined on the client. */
  readonly name: string;
  readonly args: Arguments;
}

/**
 * Runs two scripts as one.
 *
 * @returns what the second gives, or the number below 0 by which the first has refused
 */
export async function runBoth(client: RedisClient, ending: ScriptCall, adding: ScriptCall): Promise<unknown> {
  const first = definedOn(client, ending.name);
  const second = definedOn(client, adding.name);
  if (!first || !second) throw new Error(`the client doesn't tell how the scripts of BullMQ go`);
  const name = `${ending.name}:${adding.name}`;
  const numberOfKeys = first.numberOfKeys + second.numberOfKeys;
  if (!definedOn(client, name)) client.defineCommand(name, { numberOfKeys, lua: both(first, second) });
  const [keys, args] = split(ending, first);
  const [otherKeys, otherArgs] = split(adding, second);
  return client.runCommand(name, [...keys, ...otherKeys, args.length, ...args, ...otherArgs]);
}

function split({ args }: ScriptCall, { numberOfKeys }: Defined): readonly [Arguments, Arguments] {
  const texts = args.map((value) => value ?? '');
  return [texts.slice(0, numberOfKeys), texts.slice(numberOfKeys)];
}

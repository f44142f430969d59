import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import type { Command } from 'commander';
import { messageOf } from '../../core/errors.js';
import type { PublishOptions } from '../../core/publish-options.js';
import { PublishError } from '../../core/publish-error.js';
import type { PublishedJob } from '../../core/published-job.js';
import { show } from '../../core/show.js';
import { cliPublisher } from '../cli-publisher.js';
import { CliError, EXIT, UsageError } from '../exit-codes.js';
import { interruption } from '../interruption.js';
import { linesOf, type Line } from '../lines.js';
import { isOfEngine } from '../failing.js';
import { Progress } from '../progress.js';
import { requestOfLine, withMoments } from '../publish-line.js';
import { publishLines, type StreamReport } from '../publish-stream.js';
import type { CommandSpec, Session } from '../run.js';
import { wholeNumber } from '../number-options.js';
import { readOutline } from '../worker/work-config.js';

interface Options {
  readonly queue?: string;
  readonly delay?: string;
  readonly priority?: string;
  readonly expiration?: string;
  readonly attempts?: string;
  readonly timeout?: string;
  readonly id?: string;
  readonly header?: readonly string[];
  readonly from?: string;
  readonly fromLine?: string;
  readonly skipBad?: boolean;
}

/** A line that is longer is no job: what an engine takes is far below. */
const LONGEST_LINE_BYTES = 64 * 1024 * 1024;

export const publish: CommandSpec<Options> = {
  name: 'publish',
  summary: 'publish a job, or those of a file, one JSON object a line',
  examples: [
    [
      `nestjs-jobs publish send_email '{"to":"ada@example.org"}' --delay 5m`,
      'a job in five minutes; its id is printed',
    ],
    ['nestjs-jobs publish send_email - < payload.json', 'the payload from stdin'],
    ['nestjs-jobs publish --from jobs.jsonl', 'lines such as {"name":"send_email","payload":{…},"priority":10}'],
    ['nestjs-jobs publish send_email --from jobs.jsonl --from-line 5001', 'goes on where it ended before'],
  ],
  configure: (command: Command) =>
    command
      .argument('[name]', 'the name of the job')
      .argument('[payload]', 'JSON, or - for stdin (default: null)')
      .option('-q, --queue <name>', 'the queue (default: that of the configuration, else default)')
      .option('--delay <time>', 'not before: 5m, or a moment such as 2026-11-21T09:00Z')
      .option('--priority <number>', '0 is the most urgent, 4294967295 the least (default: 1024)')
      .option('--expiration <time>', 'not after: 1h, or a moment')
      .option('--attempts <number>', 'after how many failed attempts it is given up')
      .option('--timeout <duration>', 'how long an attempt may run')
      .option('--id <id>', 'while a job of this id is there, it is not published again')
      .option('--header <key=value...>', 'travels with the job')
      .option('--from <file>', 'publish the jobs of a file; - for stdin')
      .option('--from-line <number>', 'with --from: begin at this line')
      .option('--skip-bad', 'with --from: go on past lines that are no jobs'),
  run: (session, name, payload) =>
    session.options.from === undefined ? publishOne(session, name, payload) : publishFile(session, name, payload),
};

async function publishOne(session: Session<Options>, name?: string, payload?: string): Promise<number> {
  const { options, terminal } = session;
  if (name === undefined) throw new UsageError('publish: expected the name of a job, or --from <file>');
  if (options.fromLine !== undefined || options.skipBad)
    throw new UsageError('publish: expected --from <file> with this');
  const given = optionsOf(options);
  const value = payloadOf(payload === '-' ? await text(process.stdin) : (payload ?? 'null'));
  const publisher = cliPublisher(await session.open({ makes: true }), await rulesOf(options));
  let job: PublishedJob;
  try {
    job = await publisher.publish(name, value, given);
  } catch (error) {
    throw refusal(error);
  }
  if (options.json) await terminal.printJson(jobJson(job));
  else await terminal.print(`${job.id} ${describeJob(job)}`);
  return EXIT.done;
}

async function publishFile(session: Session<Options>, name?: string, payload?: string): Promise<number> {
  const { options, terminal } = session;
  const { from = '-' } = options;
  if (payload !== undefined) throw new UsageError('publish: expected the payloads in the file, got one beside it');
  if (options.id !== undefined) throw new UsageError('publish: expected ids in the file, got one for all');
  const common = optionsOf(options);
  const first = options.fromLine === undefined ? 1 : wholeNumber(options.fromLine, '--from-line', 1);
  const publisher = cliPublisher(await session.open({ makes: true }), await rulesOf(options));
  const interrupt = interruption();
  const progress = new Progress();
  const report = await publishLines(from === '-' ? lines(process.stdin, first) : lines(createReadStream(from), first), {
    publisher,
    read: (line) => requestOfLine(line, name, common),
    skipsBad: options.skipBad ?? false,
    badLine: (line, problem) => {
      progress.end();
      terminal.say(`line ${line}: ${problem}`);
    },
    progress: (soFar) => progress.update('published', soFar.published + soFar.duplicates),
    signal: interrupt.signal,
  });
  progress.end();
  interrupt.off();
  return tell(session, report, from);
}

async function* lines(source: AsyncIterable<Uint8Array>, first: number): AsyncGenerator<Line> {
  for await (const line of linesOf(source, LONGEST_LINE_BYTES)) if (line.number >= first) yield line;
}

async function tell({ options, terminal }: Session<Options>, report: StreamReport, from: string): Promise<number> {
  const { published, duplicates, bad, nextLine, maybeStored, error } = report;
  if (options.json) await terminal.printJson({ published, duplicates, bad, nextLine, maybeStored });
  else await terminal.print(`${published} published, ${duplicates} duplicates, ${bad} bad lines`);
  if (error !== undefined) terminal.say(`error: ${messageOf(error)}`);
  if (nextLine !== undefined) {
    const unsure = maybeStored ? `; the job of line ${nextLine} may be stored already` : '';
    terminal.say(`to go on: nestjs-jobs publish --from ${from} --from-line ${nextLine}${unsure}`);
  }
  if (isOfEngine(error)) return EXIT.engine;
  return nextLine === undefined && bad === 0 && error === undefined ? EXIT.done : EXIT.undone;
}

/** @throws UsageError */
function optionsOf({ queue, delay, priority, expiration, attempts, timeout, id, header }: Options): PublishOptions {
  return withMoments({
    ...(queue === undefined ? {} : { queue }),
    ...(delay === undefined ? {} : { delay }),
    ...(priority === undefined ? {} : { priority: wholeNumber(priority, '--priority') }),
    ...(expiration === undefined ? {} : { expiration }),
    ...(attempts === undefined ? {} : { attempts: wholeNumber(attempts, '--attempts', 1) }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(id === undefined ? {} : { id }),
    ...(header === undefined ? {} : { headers: Object.fromEntries(header.map(headerOf)) }),
  });
}

function headerOf(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new UsageError(`--header: expected key=value, got ${show(text)}`);
}

function payloadOf(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new UsageError(`payload: expected JSON, got ${show(json)}: ${messageOf(cause)}`, { cause });
  }
}

async function rulesOf({ config }: { readonly config?: string }): Promise<{ routes: ReadonlyMap<string, string> }> {
  return config === undefined ? { routes: new Map() } : readOutline(config);
}

/** What is refused before the engine is asked is the fault of who typed it. */
function refusal(error: unknown): unknown {
  if (!(error instanceof PublishError) || error.tried) return error;
  return new CliError(messageOf(error), EXIT.usage, { cause: error });
}

function describeJob({ name, queue, readyAt, duplicate }: PublishedJob): string {
  if (duplicate) return `${name} in queue ${queue}: not published, for a job of this id is there`;
  return `${name} in queue ${queue}${readyAt ? `, not before ${readyAt.toISOString()}` : ''}`;
}

function jobJson({ id, name, queue, priority, readyAt, expiresAt, duplicate }: PublishedJob): unknown {
  return { id, name, queue, priority, readyAt, expiresAt, duplicate };
}

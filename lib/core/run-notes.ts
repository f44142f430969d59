import { answerPlaceOf, noteKey, readNote, type AnswerPlace, type LogNote } from './answer-record.js';
import type { ConsumerContext } from './consumer-context.js';
import { messageOf } from './errors.js';
import type { JobRef } from './job.js';
import { LatestRecord } from './latest-record.js';
import type { ReceivedMessage } from './message.js';
import { toJson } from './payload.js';
import { show } from './show.js';

const MOST_LINES = 200;
/** The longest line, in characters. */
const LONGEST_LINE = 4_000;
/** The longest note, in bytes; half of what the engine takes, for it may have to escape much of it. */
const LONGEST_NOTE = 65_536;

/**
 * What a handler says while it runs: told to the listeners at once and, where the job keeps its result, stored for its
 * caller as soon as what it said before is stored. Nothing here fails the job or keeps it waiting.
 */
export class RunNotes {
  private readonly progressed: LatestRecord | undefined;
  private readonly logged: LatestRecord | undefined;
  private readonly place: AnswerPlace | undefined;
  private readonly longest: number;
  private lines: string[] = [];
  /** What earlier attempts have logged; read once. */
  private earlier: readonly string[] | undefined;
  private warned = false;
  /** The latest line. */
  latest: string | undefined;

  constructor(
    private readonly job: JobRef,
    message: ReceivedMessage,
    private readonly context: ConsumerContext,
  ) {
    const { records, traits } = context.backend;
    this.longest = Math.min(LONGEST_NOTE, Math.floor((traits.maxBytes ?? Infinity) / 2));
    this.place = records && answerPlaceOf(job.queue, message);
    if (!records || !this.place) return;
    const { key, keepMs } = this.place;
    this.progressed = new LatestRecord(records, noteKey('progress', key), keepMs);
    this.logged = new LatestRecord(records, noteKey('log', key), keepMs);
  }

  progress(value: unknown): void {
    const json = this.json(value);
    if (json === undefined) return;
    this.context.events.emit('progress', { job: this.job, value });
    this.progressed?.set(() => `{${this.stampField}"value":${json}}`);
  }

  log(line: unknown): void {
    const whole = typeof line === 'string' ? line : show(line);
    const text = whole.length > LONGEST_LINE ? `${whole.slice(0, LONGEST_LINE)}…` : whole;
    this.latest = text;
    this.context.events.emit('log', { job: this.job, line: text });
    if (!this.logged) return;
    this.lines.push(text);
    if (this.lines.length > MOST_LINES) this.lines.shift();
    this.logged.set(() => this.logText());
  }

  /** Resolves once all that was said is stored, if the engine takes it; never rejects. */
  async flush(): Promise<void> {
    // Once more from the end on, for as long as the answer.
    if (this.lines.length > 0) this.logged?.set(() => this.logText());
    await Promise.all([this.progressed?.flush(), this.logged?.flush()]);
  }

  private json(value: unknown): string | undefined {
    try {
      const json = toJson(value, 'progress');
      const bytes = Buffer.byteLength(json);
      if (bytes <= this.longest) return json;
      this.warn(`expected at most ${this.longest} bytes, got ${bytes}`);
    } catch (error) {
      this.warn(messageOf(error));
    }
    return undefined;
  }

  private warn(why: string): void {
    if (this.warned) return;
    this.warned = true;
    this.context.reporter.warn(`Job ${show(this.job.name)} with id ${show(this.job.id)}: progress is not told: ${why}`);
  }

  private async logText(): Promise<string> {
    this.earlier ??= await this.readEarlier();
    const lines = [...this.earlier, ...this.lines].slice(-MOST_LINES);
    const sizes = lines.map((line) => Buffer.byteLength(JSON.stringify(line)) + 1);
    let bytes = sizes.reduce((sum, size) => sum + size, 0);
    let first = 0;
    while (bytes > this.longest - 100) bytes -= sizes[first++] ?? 0;
    return `{${this.stampField}"lines":${JSON.stringify(lines.slice(first))}}`;
  }

  private async readEarlier(): Promise<readonly string[]> {
    const { key, stamp } = this.place as AnswerPlace;
    const record = await this.context.backend.records?.get(noteKey('log', key));
    const note = readNote<LogNote>(record?.text, stamp);
    return note?.lines ?? [];
  }

  private get stampField(): string {
    const stamp = this.place?.stamp;
    return stamp ? `"of":${JSON.stringify(stamp)},` : '';
  }
}

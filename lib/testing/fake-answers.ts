import { answerPlaceOf, answerText, tellAnswer, type Answer } from '../core/answer-record.js';
import { toError } from '../core/errors.js';
import { describeError } from '../core/failure-record.js';
import { receive, type Message } from '../core/message.js';
import { toJson } from '../core/payload.js';
import type { Records } from '../core/records.js';

/** A result, or a function of the payload that gives it. */
export type FakeAnswer<Payload, Result> = Result | ((payload: Payload) => Result | Promise<Result>);

/** What tests have as answers where no handler runs. */
export class FakeAnswers {
  private readonly byName = new Map<string, (payload: unknown) => unknown>();

  /** @throws TypeError where JSON can't keep it */
  set(name: string, answer: unknown): void {
    if (typeof answer === 'function') {
      this.byName.set(name, answer as (payload: unknown) => unknown);
      return;
    }
    toJson(answer, 'answer');
    this.byName.set(name, () => answer);
  }

  /** Stores the answer of a job that keeps one. */
  async store(queue: string, message: Message, records: Records): Promise<void> {
    const received = receive(message);
    const place = answerPlaceOf(queue, received);
    if (place) await tellAnswer(records, place, answerText(await this.answerTo(received), place));
  }

  private async answerTo({ name, payload }: { name: string; payload: unknown }): Promise<Answer> {
    const attempts = 1;
    try {
      const answer = this.byName.get(name);
      if (!answer) {
        throw new Error(`no handler runs in mode 'fake': give the answer before, by answer('${name}', …)`);
      }
      const result = await answer(payload);
      toJson(result, 'answer');
      return { state: 'completed', result, attempts };
    } catch (thrown) {
      return { state: 'failed', reason: 'the fake answer', error: describeError(toError(thrown)), attempts };
    }
  }
}

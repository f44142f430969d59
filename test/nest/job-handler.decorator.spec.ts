import { JobHandler, type Job, type JobHandlerOptions } from 'nestjs-jobs';
import { expect, test } from 'vitest';

class SendEmail {
  static stray(): void {}

  handle(payload: { to: string }, job: Job): string {
    return payload.to + job.id;
  }

  send(payload: string, job: Job<string>): string {
    return payload + job.payload;
  }

  get address(): string {
    return '';
  }
}

const descriptorOf = (target: object, key: string): TypedPropertyDescriptor<() => void> =>
  Object.getOwnPropertyDescriptor(target, key) as TypedPropertyDescriptor<() => void>;

test('stands on classes and on methods', () => {
  JobHandler('send_email')(SendEmail);
  JobHandler('send_email')(SendEmail.prototype, 'send', descriptorOf(SendEmail.prototype, 'send'));
});

const options: [JobHandlerOptions, RegExp][] = [
  [{ queue: 'a b' }, /queue name: expected 1 to 100 of .* got "a b"$/],
  [{ concurrency: 0 }, /concurrency: expected a whole number of at least 1, got 0$/],
  [{ attempts: 1.5 }, /attempts: expected a whole number of at least 1, got 1\.5$/],
  [{ backoff: { kind: 'fixed', base: 'soon' } }, /backoff\.base: expected milliseconds or a duration .* got "soon"$/],
  [{ timeout: -1 }, /timeout: expected milliseconds or a duration .* got -1$/],
  [{ priority: 2 ** 53 }, /priority: expected a whole number from 0 to 4294967295, got/],
  [{ retries: 3 } as JobHandlerOptions, /expected of queue, .* got the unknown option "retries"$/],
  [null as unknown as JobHandlerOptions, /options: expected an object, got null$/],
];

for (const [given, message] of options) {
  test(`a bad option is refused with the class's name: ${String(message)}`, () => {
    expect(() => JobHandler('send_email', given)(SendEmail)).toThrow(message);
    expect(() => JobHandler('send_email', given)(SendEmail)).toThrow(/^@JobHandler\("send_email"\) on SendEmail: /);
  });
}

const places: [string, () => void, RegExp][] = [
  ['a bad name', () => JobHandler('send email')(SendEmail), /on SendEmail: job name: expected .* got "send email"$/],
  [
    'a static method',
    () => JobHandler('send_email')(SendEmail, 'stray', descriptorOf(SendEmail, 'stray')),
    /on SendEmail\.stray: expected a class or a method that is not static$/,
  ],
  [
    'an accessor',
    () => JobHandler('send_email')(SendEmail.prototype, 'address', descriptorOf(SendEmail.prototype, 'address')),
    /on SendEmail\.address: expected a class or a method that is not static$/,
  ],
  [
    'a property',
    () => JobHandler('send_email')(SendEmail.prototype, 'sender', undefined as never),
    /on SendEmail\.sender: expected a class or a method that is not static$/,
  ],
];

for (const [what, decorate, message] of places) {
  test(`refused: ${what}`, () => expect(decorate).toThrow(message));
}

import { describe, expect, test } from 'vitest';
import { Handlers, Limiter, type Handler } from '../../lib/core/handlers.js';

function handler(name: string, origin: string): Handler {
  return {
    name,
    origin,
    queue: undefined,
    concurrency: undefined,
    attempts: undefined,
    backoff: undefined,
    timeoutMs: undefined,
    priority: undefined,
    handle: () => undefined,
  };
}

describe('handlers', () => {
  test('are found by their job’s name', () => {
    const handlers = new Handlers();
    const [email, label] = [handler('send_email', 'SendEmail'), handler('__proto__', 'Label')];
    handlers.add(email);
    handlers.add(label);
    expect(handlers.get('send_email')).toBe(email);
    expect(handlers.get('__proto__')).toBe(label);
    expect(handlers.get('constructor')).toBeUndefined();
    expect(handlers.all()).toEqual([email, label]);
  });

  test('of one name are refused, naming both', () => {
    const handlers = new Handlers();
    handlers.add(handler('send_email', 'SendEmail'));
    expect(() => handlers.add(handler('send_email', 'Orders.sendEmail'))).toThrow(
      /^Job "send_email" has two handlers: SendEmail and Orders\.sendEmail\. /,
    );
    expect(handlers.all()).toHaveLength(1);
  });
});

describe('a limiter', () => {
  test('lets in so many, and the next when one leaves', () => {
    const limiter = new Limiter(2);
    expect([limiter.tryEnter(), limiter.tryEnter(), limiter.tryEnter()]).toEqual([true, true, false]);
    limiter.leave();
    expect([limiter.tryEnter(), limiter.tryEnter()]).toEqual([true, false]);
  });

  test('serves those that wait in their order, before those that come later', () => {
    const limiter = new Limiter(1);
    limiter.tryEnter();
    const entered: string[] = [];
    limiter.enter(() => entered.push('first'));
    limiter.enter(() => entered.push('second'));
    limiter.leave();
    expect(entered).toEqual(['first']);
    expect(limiter.tryEnter()).toBe(false);
    limiter.leave();
    expect(entered).toEqual(['first', 'second']);
    limiter.leave();
    expect([limiter.tryEnter(), limiter.tryEnter()]).toEqual([true, false]);
  });

  test('passes over those that gave up, also twice', () => {
    const limiter = new Limiter(1);
    limiter.tryEnter();
    const entered: string[] = [];
    const giveUp = limiter.enter(() => entered.push('first'));
    limiter.enter(() => entered.push('second'));
    giveUp();
    giveUp();
    limiter.leave();
    expect(entered).toEqual(['second']);
    giveUp();
    limiter.leave();
    expect(limiter.tryEnter()).toBe(true);
  });
});

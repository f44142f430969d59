import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { JobEvents, type JobEventMap } from '../../lib/core/events.js';

const started: JobEventMap['started'] = {
  job: { id: '1', name: 'send_email', queue: 'default', attempt: 1, maxAttempts: 20 },
};

function observed(): { events: JobEvents; reports: [string, unknown][] } {
  const reports: [string, unknown][] = [];
  return { events: new JobEvents((message, error) => reports.push([message, error])), reports };
}

describe('job events', () => {
  test('reach each listener of their name, in the order of listening', () => {
    const { events } = observed();
    const heard: unknown[] = [];
    events.on('started', (event) => heard.push(['first', event]));
    events.on('started', (event) => heard.push(['second', event]));
    events.on('completed', () => heard.push('never'));
    events.emit('started', started);
    expect(heard).toEqual([
      ['first', started],
      ['second', started],
    ]);
  });

  test('reach nobody any more after off, in each of its forms', () => {
    const { events } = observed();
    const heard: string[] = [];
    const first = (): unknown => heard.push('first');
    events.on('started', first);
    const off = events.on('started', () => heard.push('second'));
    const offOnce = events.once('started', () => heard.push('third'));
    events.off('started', first);
    off();
    off();
    offOnce();
    events.emit('started', started);
    expect(heard).toEqual([]);
  });

  test('reach a listener of once a single time, also when it makes the event happen again', () => {
    const { events } = observed();
    let heard = 0;
    events.once('started', () => {
      heard += 1;
      events.emit('started', started);
    });
    events.emit('started', started);
    events.emit('started', started);
    expect(heard).toBe(1);
  });

  test('reach the other listeners where one throws or rejects, which is reported', async () => {
    const { events, reports } = observed();
    const heard: string[] = [];
    events.on('started', () => {
      throw undefined;
    });
    events.on('started', () => Promise.reject(new Error('later')));
    events.on('started', async () => {
      await setImmediate();
      throw 'a text';
    });
    events.on('started', () => heard.push('last'));
    events.emit('started', started);
    expect(heard).toEqual(['last']);
    await expect
      .poll(() => reports)
      .toEqual([
        ['a listener of job event "started" failed', undefined],
        ['a listener of job event "started" failed', new Error('later')],
        ['a listener of job event "started" failed', 'a text'],
      ]);
  });

  test('may have any number of listeners without a warning', async () => {
    const warnings: Error[] = [];
    const hear = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', hear);
    const { events } = observed();
    for (let n = 0; n < 100; n++) events.on('failed', () => undefined);
    await setImmediate();
    process.off('warning', hear);
    expect(warnings).toEqual([]);
  });

  test('that nobody hears and nobody reports are harmless', () => {
    const events = new JobEvents();
    events.emit('started', started);
    events.on('started', () => {
      throw new Error('unheard');
    });
    expect(() => events.emit('started', started)).not.toThrow();
  });
});

import { expect, test } from 'vitest';
import { Turnstile } from '../../../lib/backends/filer/turnstile.js';

test('so many are let in at a time, the others in their order, whatever becomes of them', async () => {
  const turnstile = new Turnstile(2);
  const ends: ((error?: Error) => void)[] = [];
  const begun: number[] = [];
  const passing = [0, 1, 2, 3].map((n) =>
    turnstile.pass(() => {
      begun.push(n);
      return new Promise<number>((resolve, reject) => {
        ends[n] = (error) => (error ? reject(error) : resolve(n));
      });
    }),
  );
  const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  await turn();
  expect(begun).toEqual([0, 1]);
  ends[1](new Error('no good'));
  await expect(passing[1]).rejects.toThrow('no good');
  await turn();
  expect(begun).toEqual([0, 1, 2]);
  ends[0]();
  await turn();
  expect(begun).toEqual([0, 1, 2, 3]);
  ends[2]();
  ends[3]();
  expect(await Promise.all([passing[0], passing[2], passing[3]])).toEqual([0, 2, 3]);
  expect(await turnstile.pass(() => Promise.resolve('free again'))).toBe('free again');
});

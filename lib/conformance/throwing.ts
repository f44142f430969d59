import assert from 'node:assert/strict';
import { endsAs } from './handling.js';
import { chapter } from './scenario.js';
import { sorted } from './stage/draft.js';

function withGetters(on: object): object {
  const refuse = (): never => {
    throw new Error('no look inside');
  };
  const properties = ['name', 'message', 'stack', 'cause', 'constructor', 'toString', 'then', 'retryIn'];
  return Object.defineProperties(on, Object.fromEntries(properties.map((name) => [name, { get: refuse }])));
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function cyclic(): Error {
  const inner = new Error('inner');
  const outer = new Error('outer', { cause: inner });
  inner.cause = outer;
  return outer;
}

type Thrown = Readonly<Record<string, () => unknown>>;

const NO_ERRORS: Thrown = {
  undefined: () => undefined,
  null: () => null,
  'a text': () => 'just a text \0\r\n\uD800🙂',
  'a number': () => 42,
  'a symbol': () => Symbol('odd'),
  'a function': () => () => undefined,
  'an object without prototype': () => Object.create(null) as unknown,
  'an object whose getters throw': () => withGetters({}),
  'a proxy that was revoked': revoked,
};

const ODD_ERRORS: Thrown = {
  'one whose getters throw': () => withGetters(new Error('x')),
  'one with a cyclic cause': cyclic,
  'one of odd text': () => new Error('\0\r\n\uD800 🙂 \u2028 \x1b[31m'),
  'one of a very long text': () => new Error('x'.repeat(1_000_000)),
  'a frozen one': () => Object.freeze(new Error('frozen')),
};

export const throwing = chapter('throwing', (scenario) => {
  for (const [title, thrown] of [
    ['a handler may throw what is no error', NO_ERRORS],
    ['a handler may throw an odd error', ODD_ERRORS],
  ] as const) {
    scenario(`${title}: the job is retried, then failed, and others go on`, async (stage) => {
      const crew = stage.crew({
        handlers: { job: (what) => Promise.reject(thrown[String(what)]?.()), other: () => 'fine' },
      });
      const backoff = { kind: 'fixed', base: 1, jitter: 0 } as const;
      for (const what of Object.keys(thrown))
        await stage.publish('job', what, { id: idOf(what), attempts: 2, backoff });
      await stage.publish('other');
      assert.equal((await crew.hears('completed')).result, 'fine');
      const count = Object.keys(thrown).length;
      await crew.hears('failed', count);
      await crew.stop();
      assert.deepEqual(
        sorted(crew.told('failed').map(({ job }) => `${job.id} ${job.attempt}`)),
        sorted(Object.keys(thrown).map((what) => `${idOf(what)} 2`)),
      );
      assert.equal(crew.told('retried').length, count);
      for (const what of Object.keys(thrown)) await endsAs(stage, idOf(what), 'failed');
    });
  }
});

function idOf(what: string): string {
  return what.replaceAll(' ', '-');
}

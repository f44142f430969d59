import assert from 'node:assert/strict';
import { isUnreadable } from '../core/message.js';
import { inspects } from './inspectors.js';
import { refusals } from './refusals.js';
import { chapter, keepsHistory, lapsing } from './scenario.js';
import { numbers } from './stage/draft.js';
import { becomes, bring, FAILURE, FAR_MS, STATES } from './stage/standing.js';

/** Asserts that a time, where it is told, lies between two. */
function within(what: string, time: number | undefined, least: number, most: number, slackMs: number): void {
  if (time === undefined) return;
  assert.ok(time >= least - slackMs && time <= most + slackMs, `${what}: ${time}, expected ${least} to ${most}`);
}

export const inspecting = chapter('inspecting', (scenario) => {
  scenario('queues that have jobs are named, in the order of their names', inspects(), async ({ worker, queue }) => {
    const names = [`${queue}-b`, queue, `${queue}-a`];
    for (const name of names) await worker.on(name).publish({});
    const named = await worker.inspected.queues();
    assert.deepEqual(
      named.filter((name) => name.startsWith(queue)),
      [...names].sort(),
    );
    assert.deepEqual(named, [...named].sort());
    assert.equal(new Set(named).size, named.length);
  });

  scenario('a queue that nobody uses is empty, and asking for it makes none', inspects(), async ({ worker, queue }) => {
    const { inspected } = worker;
    const { abilities } = inspected.inspector;
    const counts = await inspected.counts();
    for (const state of STATES) {
      assert.equal(counts[state], abilities.count[state] === 'all' ? 0 : counts[state], state);
      if (typeof abilities.list[state] === 'object') continue;
      assert.deepEqual(await inspected.page(state, 10), { jobs: [], cursor: undefined }, state);
    }
    assert.equal(counts.oldestWaitingAt, undefined);
    if (abilities.get === 'all') assert.deepEqual(await inspected.get('any'), []);
    assert.ok(!(await inspected.queues()).includes(queue));
  });

  for (const state of STATES) {
    scenario(`jobs that are ${state} are counted as such`, inspects({ count: [state] }), async (stage) => {
      const { inspected } = stage.worker;
      for (const count of [1, 2]) {
        await bring(stage, state);
        const counts = await inspected.counts();
        assert.equal(counts[state], count);
        for (const other of STATES) if (other !== state) assert.equal(counts[other] ?? 0, 0, other);
      }
      const other = await stage.another();
      await becomes(
        stage,
        `2 jobs to be ${state}`,
        () => other.inspected.counts(),
        (seen) => seen[state] === 2,
      );
    });
  }

  scenario('jobs of all states are counted apart, and those of other queues not', inspects(), async (stage) => {
    const { worker, queue } = stage;
    const { abilities } = worker.inspected.inspector;
    const other = worker.on(`${queue}-other`);
    await other.publish({}, {});
    for (const state of STATES) await bring(stage, state);
    const counts = await worker.inspected.counts();
    for (const state of STATES) {
      if (abilities.count[state] === 'all') assert.equal(counts[state], 1, state);
      if (typeof abilities.count[state] === 'object')
        assert.equal(counts[state], undefined, `${state} can’t be counted`);
    }
  });

  scenario('the oldest that waits tells since when, and no delayed one', inspects(), async (stage) => {
    const { worker, clock, time, traits, delayMs } = stage;
    const slack = traits.delayStepMs + 50;
    await bring(stage, 'delayed');
    assert.equal((await worker.inspected.counts()).oldestWaitingAt, undefined);
    const times: number[] = [];
    for (const payload of [0, 1]) {
      times.push(clock.now());
      await worker.publish({ payload, publishedAt: clock.now() });
      await time.pass(3 * (delayMs + slack));
      within('oldestWaitingAt', (await worker.inspected.counts()).oldestWaitingAt, times[0], times[0] + 500, slack);
    }
    await worker.complete(await worker.takeOne());
    within('oldestWaitingAt', (await worker.inspected.counts()).oldestWaitingAt, times[1], times[1] + 500, slack);
  });

  for (const state of STATES) {
    scenario(
      `a job that is ${state} is shown with what is known of it`,
      inspects({ some: { list: [state] } }),
      async (stage) => {
        const { worker, clock, traits, queue } = stage;
        const began = clock.now();
        const expiresAt = began + 2 * FAR_MS;
        const draft = { id: 'an-id', name: 'send', payload: { n: [1, 'é'] }, priority: 7, headers: { a: '1' } };
        await bring(stage, state, { ...draft, expiresAt, maxAttempts: 9, publishedAt: began });
        const job = await worker.inspected.single(state);
        assert.ok(!isUnreadable(job.content), 'it can be read');
        const { id, name, payload, priority, headers, publishedAt } = job.content;
        assert.deepEqual({ id, name, payload, priority, headers: { ...headers } }, draft);
        assert.deepEqual([job.content.expiresAt, job.content.maxAttempts, publishedAt], [expiresAt, 9, began]);
        assert.deepEqual([job.state, job.queue], [state, queue]);
        assert.equal(job.attempts, state === 'waiting' || state === 'delayed' ? 0 : 1);
        const slack = traits.delayStepMs;
        within('storedAt', job.storedAt, began, clock.now(), slack);
        if (state === 'delayed') within('readyAt', job.readyAt, began + FAR_MS, clock.now() + FAR_MS, slack);
        if (state === 'active') {
          within('leaseEndsAt', job.leaseEndsAt, began + traits.leaseMs, clock.now() + traits.leaseMs, slack + 100);
        }
        within('endedAt', job.endedAt, began, clock.now(), slack);
        if (state === 'failed') {
          assert.equal(job.reason, 'no good');
          assert.deepEqual(job.failures, traits.history ? [FAILURE] : job.failures.length > 0 ? [FAILURE] : []);
        }
        const { list } = worker.inspected.inspector.abilities;
        for (const other of STATES.filter((each) => each !== state && list[each] === 'all')) {
          assert.deepEqual(await worker.inspected.all(other), [], `it is ${state}, and not ${other}`);
        }
      },
    );
  }

  scenario(
    'the attempts and failures of a job that comes back are shown',
    inspects({ some: { list: ['waiting', 'delayed'] } }, keepsHistory),
    async (stage) => {
      const { worker, clock } = stage;
      await worker.publish({ attemptsUsed: 3 });
      await worker.putBack(await worker.takeOne(), { countsAttempt: false });
      assert.equal((await worker.inspected.single('waiting')).attempts, 3);
      await worker.putBack(await worker.takeOne(), { failures: [FAILURE] });
      const waiting = await worker.inspected.single('waiting');
      assert.deepEqual([waiting.attempts, waiting.failures], [4, [FAILURE]]);
      const at = clock.now() + FAR_MS;
      await worker.putBack(await worker.takeOne(), { at, failures: [FAILURE, { ...FAILURE, attempt: 5 }] });
      const delayed = await worker.inspected.single('delayed');
      assert.deepEqual([delayed.attempts, delayed.failures.map(({ attempt }) => attempt)], [5, [1, 5]]);
      within('readyAt', delayed.readyAt, at, at, stage.traits.delayStepMs);
    },
  );

  scenario(
    'a job whose worker has died stays in sight',
    inspects({ list: ['waiting', 'active'], count: ['waiting', 'active'] }, lapsing),
    async (stage) => {
      const { worker } = stage;
      const dead = await stage.another();
      await worker.publish({ id: 'an-id' });
      await dead.takeOne();
      await stage.passLease(1.5);
      const { waiting, active } = await worker.inspected.counts();
      assert.equal((waiting ?? 0) + (active ?? 0), 1);
      const ids = [...(await worker.inspected.ids('waiting')), ...(await worker.inspected.ids('active'))];
      assert.deepEqual(ids, ['an-id']);
      await worker.complete(await worker.takeOne());
      assert.deepEqual([...(await worker.inspected.ids('waiting')), ...(await worker.inspected.ids('active'))], []);
    },
  );

  scenario(
    'what can’t be done is refused, with a reason given beforehand',
    {
      exempt: ({ inspector }) => {
        if (!inspector) return 'the backend has no inspector';
        return refusals(inspector.abilities).length > 0 ? undefined : 'its inspector can do all';
      },
    },
    async (stage) => {
      const { worker } = stage;
      const { inspector } = worker.inspected;
      await worker.publish({});
      for (const { what, why, ask } of refusals(inspector.abilities)) {
        assert.ok(why.length > 0, `${what}: there is no reason`);
        const asking = ask(inspector, stage.queue).then(
          () => 'it was done',
          () => 'refused',
        );
        assert.equal(await stage.time.wait(`${what} to be refused`, asking), 'refused', what);
      }
      assert.equal((await worker.take(1)).length, 1, 'nothing has changed');
    },
  );

  scenario(
    'where only the next can be listed, it is the next',
    {
      exempt: ({ inspector }) => {
        if (!inspector) return 'the backend has no inspector';
        const heads = Object.values(inspector.abilities.list).filter((ability) => ability === 'head');
        return heads.length > 0 ? undefined : "no inspector.abilities.list is 'head'";
      },
    },
    async (stage) => {
      const { worker } = stage;
      const { list } = worker.inspected.inspector.abilities;
      for (const state of STATES.filter((each) => list[each] === 'head')) {
        const part = worker.on(`${stage.queue}-${state}`);
        const times = numbers(3).map((index) => stage.clock.now() + FAR_MS * (3 - index));
        for (const [index, readyAt] of times.entries()) {
          const draft = { id: `id-${index}`, priority: 3 - index };
          await bring(stage, state, state === 'delayed' ? { ...draft, readyAt } : draft, part);
        }
        const { jobs, cursor } = await part.inspected.page(state, 10);
        assert.equal(jobs.length, 1, `of the ${state} ones`);
        assert.equal(jobs[0]?.state, state);
        if (state === 'waiting' || state === 'delayed') assert.equal(jobs[0]?.content.id, 'id-2', 'the next one');
        assert.equal(cursor, undefined);
      }
    },
  );
});

import assert from 'node:assert/strict';
import type { InspectedJob, JobState } from '../core/inspector.js';
import { isUnreadable } from '../core/message.js';
import { FOREIGN_IDS } from './ids.js';
import { inspects } from './inspectors.js';
import { chapter, withForeign } from './scenario.js';
import { sorted } from './stage/draft.js';
import { becomes, bring, STATES } from './stage/standing.js';

function idsOf(jobs: readonly InspectedJob[]): string[] {
  return jobs.map(({ content }) => content.id);
}

export const finding = chapter('finding', (scenario) => {
  scenario(
    'a job is found by its id, whatever its state, and no other queue’s',
    inspects({ get: true }),
    async (stage) => {
      const { worker, queue } = stage;
      const { list } = worker.inspected.inspector.abilities;
      const states: readonly JobState[] = STATES.filter((state) => list[state] === 'all');
      await worker.on(`${queue}-other`).publish({ id: 'elsewhere' });
      for (const state of states) await bring(stage, state, { id: `id-${state}`, payload: state });
      const other = await stage.another();
      for (const by of [worker, other]) {
        for (const state of states) {
          const found = await by.inspected.get(`id-${state}`);
          assert.deepEqual(
            found.map((job) => [job.state, 'payload' in job.content && job.content.payload]),
            [[state, state]],
          );
        }
        assert.deepEqual(await by.inspected.get('elsewhere'), []);
        assert.deepEqual(await by.inspected.get('id-'), []);
      }
    },
  );

  scenario('a job whose id the engine made is found', inspects({ get: true, list: ['failed'] }), async (stage) => {
    const { worker } = stage;
    const { id } = await stage.publish('job', 'payload');
    assert.deepEqual(idsOf(await worker.inspected.get(id)), [id]);
    await worker.fail(await worker.takeOne());
    const [failed] = await worker.inspected.get(id);
    assert.deepEqual([failed?.state, failed?.content.id], ['failed', id]);
  });

  scenario(
    'ids of others find their jobs, however odd, and none another’s',
    inspects({ get: true, list: ['waiting', 'failed'] }),
    async ({ worker }) => {
      await worker.publish(...FOREIGN_IDS.map((id, payload) => ({ id, payload })));
      const check = async (state: JobState): Promise<void> => {
        for (const [payload, id] of FOREIGN_IDS.entries()) {
          const found = await worker.inspected.get(id);
          const seen = found.map((job) => [job.state, job.content.id, 'payload' in job.content && job.content.payload]);
          assert.deepEqual(seen, [[state, id, payload]], `id ${JSON.stringify(id.slice(0, 30))}`);
        }
        assert.deepEqual(sorted(await worker.inspected.ids(state)), sorted(FOREIGN_IDS));
      };
      await check('waiting');
      for (const delivery of await worker.take(FOREIGN_IDS.length)) await worker.fail(delivery);
      await check('failed');
    },
  );

  scenario(
    'what can’t be read is shown as such',
    inspects({ list: ['waiting', 'failed'] }, withForeign),
    async (stage) => {
      const { worker } = stage;
      const bytes = [Uint8Array.of(0xff, 0xfe, 0x00), Buffer.from('{"header":{"request_type":"job","priority":1.5}}')];
      for (const one of bytes) await stage.putForeign(one);
      const read = async (state: JobState): Promise<string[]> => {
        const jobs = await worker.inspected.all(state);
        return sorted(
          jobs.map(({ content }) => {
            assert.ok(isUnreadable(content), `${JSON.stringify(content)} can’t be read`);
            return Buffer.from(content.bytes).toString('base64');
          }),
        );
      };
      const expected = sorted(bytes.map((one) => Buffer.from(one).toString('base64')));
      assert.deepEqual(
        await becomes(
          stage,
          'both to be listed',
          () => read('waiting'),
          (seen) => seen.length === bytes.length,
        ),
        expected,
      );
      for (const delivery of await worker.take(bytes.length)) await worker.fail(delivery);
      assert.deepEqual(await read('failed'), expected);
    },
  );
});
